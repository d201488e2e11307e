/** What random schedules have found, each made as small as it goes. */
import { existsSync } from 'node:fs'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { aHome, kill, pause, sh, sleeper, until } from '../e2e/harness.ts'
import { IS_FULL } from '../effort.ts'

/** `done`, or the error in one line. */
function outcomeOf(asked: Promise<unknown>): Promise<string> {
  return asked.then(
    () => 'done',
    (error) => `${error.code}: ${error.message}`,
  )
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate)
}

describe('an id that is used again at once', () => {
  it('is launched, whatever is still on its way for the process that had it before', async () => {
    const supervisor = await aHome().supervisor()
    const seen = new Set<string>()
    const round = async (id: string, gap: number) => {
      const first = outcomeOf(supervisor.start(sleeper({ id })))
      await turns(gap)
      const stop = await outcomeOf(supervisor.stop(id))
      seen.add(`stop ${stop}`)
      // The stop came too early, or in time, and then the start takes back what it made, or too late.
      seen.add(`first start ${await first}`)
      await supervisor.remove(id).catch(() => {})
      seen.add(`second start ${await outcomeOf(supervisor.start(sleeper({ id })))}`)
      await supervisor.stop(id, { timeoutMs: 0 }).catch(() => {})
      await supervisor.remove(id).catch(() => {})
    }
    const lane = async (name: string) => {
      for (let count = 0; count < (IS_FULL ? 150 : 40); count++) await round(`${name}${String(count).padStart(3, '0')}`, 1 + (count % 3))
    }
    await Promise.all(['a', 'b', 'c'].map(lane))
    const allowed =
      /^(stop done|stop PROCMAN_PROCESS_UNKNOWN: .*|first start done|first start PROCMAN_WRONG_STATE: .*|second start done|second start PROCMAN_PROCESS_EXISTS: .*)$/
    expect([...seen].filter((each) => !allowed.test(each))).toEqual([])
    expect(supervisor.problems).toEqual([])
  })
})

describe('a start of what is not there, overtaken by a restart', () => {
  it.each([0, 1, 2, 3])('fails like the run that the restart begins, and leaves nothing (%i ms between them)', async (ms) => {
    const home = aHome()
    const supervisor = await home.supervisor()
    for (let round = 0; round < 10; round++) {
      const id = `missing-${round}`
      const start = outcomeOf(supervisor.start({ id, command: '/nowhere/to-be-found' }))
      await turns(1)
      if (ms > 0) await pause(ms)
      const restart = await outcomeOf(Promise.resolve().then(() => supervisor.restart(id)))
      expect(restart).not.toBe('done')
      expect(await start).toMatch(/^PROCMAN_LAUNCH_FAILED: /)
      expect(home.ids()).toEqual([])
    }
  })
})

describe('a first start that was cut off', () => {
  it('is brought to its end as any other: when the command has ended meanwhile, the policy is asked', async () => {
    const restart = { strategy: 'on-failure', delayMs: 3_600_000, maxDelayMs: 3_600_000 } as const
    for (let round = 0; round < 20; round++) {
      const home = aHome()
      const manager = await home.manager()
      manager.start(sh('exit 3', { id: 'service', restart })).catch(() => {})
      await until('a keeper has its run', () => existsSync(home.jobFile('service', 'run-1.claim')))
      kill(manager.child.pid, 'SIGSTOP')
      await until('it has ended', () => existsSync(home.jobFile('service', 'run-1.exit')))
      await manager.kill()
      // It was too fast.
      if (existsSync(home.jobFile('service', 'state.json'))) continue
      const next = await home.supervisor()
      await until('what came of it', () => !['starting', 'running'].includes(next.get('service').state))
      expect(next.get('service')).toMatchObject({ state: 'backoff', outcome: { kind: 'code', code: 3 } })
      return
    }
    throw new Error('no start could be cut off')
  })
})

describe('a refresh that is overtaken by a close', () => {
  it('sends nothing to actors that have been let go', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    onTestFinished(() => warn.mockRestore())
    const supervisor = await aHome().supervisor()
    for (const id of ['a', 'b']) await supervisor.start(sleeper({ id }))
    const refresh = outcomeOf(supervisor.refresh())
    await supervisor.close()
    expect(await refresh).toMatch(/^(done|PROCMAN_CLOSED: .*)$/)
    expect(warn.mock.calls).toEqual([])
  })
})
