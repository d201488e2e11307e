/** What a policy makes of ends: waits, windows, budgets by cause, ends that are none. Also when the manager is killed at the interesting moment. */
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { ProcessInput, ProcessRef } from '../../src/api.ts'
import type { RestartPolicy } from '../../src/types.ts'
import { aHome, type Home, inState, kill, pause, rejection, sh, sleeper, until } from './harness.ts'
import { aPeer, eventsOf, http, isState, recordWhen, snapshotOnDisk } from './services.ts'

const crashes = (more: Partial<RestartPolicy> = {}, script = 'exit 1'): ProcessInput =>
  sh(script, { breaker: false, restart: { strategy: 'on-failure', delayMs: 0, ...more } })

/** How long each wait before a restart was meant to be, as the records say it. */
function waitsOf(ref: ProcessRef): number[] {
  const waits: number[] = []
  ref.on('process.backing-off', () => {
    const { retryAtMs, endedAtMs } = ref.getSnapshot().context
    waits.push((retryAtMs ?? 0) - (endedAtMs ?? 0))
  })
  return waits
}

/** A program that the test can take away and put back. */
function aProgram(home: Home, script = 'exec sleep 600') {
  const path = home.path('program')
  const put = () => {
    writeFileSync(path, `#!/bin/sh\n${script}\n`)
    chmodSync(path, 0o755)
  }
  put()
  return { path, put, remove: () => rmSync(path) }
}

describe('the wait before a restart', () => {
  it('is delayMs × multiplier^n, longer or shorter by the jitter, never longer than maxDelayMs', async () => {
    const supervisor = await aHome().supervisor()
    const ref = await supervisor.start({ ...crashes({ delayMs: 20, multiplier: 2, maxDelayMs: 100, jitter: 0.25, maxAttempts: 5 }), autostart: false })
    const waits = waitsOf(ref)
    await supervisor.launch(ref.id)
    await supervisor.wait(ref.id)
    expect(waits).toHaveLength(5)
    for (const [n, waitMs] of waits.entries()) {
      const meantMs = Math.min(100, 20 * 2 ** n)
      expect(waitMs, `wait ${n}`).toBeGreaterThanOrEqual(Math.floor(meantMs * 0.75))
      expect(waitMs, `wait ${n}`).toBeLessThanOrEqual(Math.min(100, Math.ceil(meantMs * 1.25)))
    }
  })

  it('differs between processes: they do not come at once', async () => {
    const supervisor = await aHome().supervisor()
    const input = crashes({ delayMs: 60_000, jitter: 0.1 })
    const ids = await Promise.all(Array.from({ length: 12 }, async (_, n) => (await supervisor.start({ ...input, id: `job-${n}` })).id))
    const records = await Promise.all(ids.map((id) => isState(supervisor, id, 'backoff')))
    const waits = records.map((record) => Date.parse(record.retry_at ?? '') - Date.parse(record.completed_at ?? ''))
    expect(new Set(waits).size).toBeGreaterThan(8)
    for (const waitMs of waits) expect(Math.abs(waitMs - 60_000)).toBeLessThanOrEqual(6_000)
  })

  it('is what passes: the next run does not begin sooner', async () => {
    const supervisor = await aHome().supervisor()
    const ref = await supervisor.start(crashes({ delayMs: 300, jitter: 0, maxAttempts: 1 }))
    await inState(ref, 'backoff')
    const { retry_at } = supervisor.get(ref.id)
    const { started_at } = await supervisor.wait(ref.id)
    expect(Date.parse(started_at ?? '')).toBeGreaterThanOrEqual(Date.parse(retry_at ?? ''))
  })

  it('begins anew once a run was up and ready for resetAfterMs; one that was never ready does not count as up', async () => {
    const supervisor = await aHome().supervisor()
    const policy = { delayMs: 20, multiplier: 5, jitter: 0, maxDelayMs: 600, maxAttempts: 4, resetAfterMs: 400 }
    const input = { ...crashes(policy, '[ $PROCMAN_RUN = 3 ] && sleep 0.6; exit 1'), autostart: false }
    const [steady, unready] = await Promise.all([supervisor.start(input), supervisor.start({ ...input, ready: { logLine: 'never' } })])
    const [waits, others] = [waitsOf(steady), waitsOf(unready)]
    await Promise.all([steady, unready].map(({ id }) => supervisor.launch(id)))
    await Promise.all([steady, unready].map(({ id }) => supervisor.wait(id)))
    expect(waits).toEqual([20, 100, 20, 100])
    expect(others).toEqual([20, 100, 500, 600])
  })

  it('that is begun anew is told while the process is up', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(crashes({ resetAfterMs: 200 }, '[ $PROCMAN_RUN = 1 ] && exit 1; exec sleep 600'))
    const record = await recordWhen(supervisor, id, 'is forgiven', ({ attempts, run }) => run === 2 && attempts.crash?.in_a_row === 0)
    expect(record.reasons.at(-1)?.text).toMatch(/^ready for .*: the waits before restarts begin anew$/)
    expect(record.attempts.crash?.at).toHaveLength(1) // the window forgets by itself
  })
})

describe('the window', () => {
  it('forgets: one that fails more seldom than that never gives up', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(crashes({ maxAttempts: 1, windowMs: 60 }, 'sleep 0.1; exit 1'))
    expect(await recordWhen(supervisor, id, 'is in run 6', ({ run }) => run >= 6)).toMatchObject({ gave_up: false })
  })

  it('counts what resetAfterMs has forgiven: one that lives a little longer each time does not restart for ever', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(crashes({ maxAttempts: 3, resetAfterMs: 20, windowMs: 60_000 }, 'sleep 0.1; exit 1'))
    expect(await supervisor.wait(id)).toMatchObject({ run: 4, gave_up: true })
  })

  it('without a limit there is no giving up', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(crashes({ maxAttempts: 0 }))
    await recordWhen(supervisor, id, 'is in run 30', ({ run }) => run >= 30)
  })
})

describe('giving up', () => {
  it('is an end: exited, failed, with the reason, told once, also on disk', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const ref = await supervisor.start({ ...crashes({ maxAttempts: 2 }), autostart: false })
    const events = eventsOf(ref)
    await supervisor.launch(ref.id)
    const record = await supervisor.wait(ref.id)
    expect(record).toMatchObject({ state: 'exited', status: 'failed', run: 3, gave_up: true, exit_code: 1, retry_at: null })
    expect(record.error).toMatch(/^exited with code 1: gave up after 2 restarts for its own end within 10m \(maxAttempts 2\)$/)
    expect(events.filter(({ type }) => type === 'process.gave-up')).toMatchObject([{ id: ref.id, run: 3, reason: record.error }])
    expect(events.filter(({ type }) => type === 'process.settled')).toHaveLength(1)
    await supervisor.close()
    const next = await home.supervisor()
    const later = eventsOf(next.ref(ref.id))
    expect(next.get(ref.id)).toEqual(record)
    await pause(100)
    expect(later).toEqual([])
  })

  it('is over with a start by the user, who begins with all attempts', async () => {
    const supervisor = await aHome().supervisor()
    const ref = await supervisor.start(crashes({ maxAttempts: 1 }))
    await supervisor.wait(ref.id)
    const events = eventsOf(ref)
    await supervisor.launch(ref.id)
    expect(await recordWhen(supervisor, ref.id, 'gave up again', (now) => now.run === 4 && now.gave_up)).toMatchObject({ state: 'exited' })
    expect(events.filter(({ type }) => type === 'process.gave-up')).toHaveLength(1)
  })
})

describe('each cause has a budget of its own', () => {
  it('crashes and failed health do not add up', async () => {
    const peer = await aPeer()
    const home = aHome()
    const supervisor = await home.supervisor()
    const health = { liveness: http(peer.url('/'), { failureThreshold: 1, intervalMs: 20 }) }
    const { id } = await supervisor.start({ ...crashes({ strategy: 'always', maxAttempts: 2 }, 'exec sleep 600'), health })
    const turn = async (run: number, end: () => void) => {
      await isState(supervisor, id, 'running', run)
      end()
      await recordWhen(supervisor, id, `run ${run} is over`, (now) => now.run > run || now.state === 'exited')
      peer.rules['/'] = {}
    }
    const crash = () => kill(supervisor.get(id).pid)
    const failHealth = () => {
      peer.rules['/'] = { status: 503 }
    }
    await turn(1, crash)
    await turn(2, failHealth)
    await turn(3, crash)
    await recordWhen(supervisor, id, 'is in run 4 and well', ({ run, state }) => run >= 4 && state === 'running')
    const { run, attempts } = supervisor.get(id)
    expect(attempts.crash?.at).toHaveLength(2)
    expect(attempts.health?.at.length).toBe(run - 3)
    kill(supervisor.get(id).pid)
    const record = await supervisor.wait(id)
    expect(record).toMatchObject({ gave_up: true })
    expect(record.error).toContain('gave up after 2 restarts for its own end')
  })

  it('a restart by the user costs nothing, and clears what was counted', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(crashes({ maxAttempts: 1 }, 'exec sleep 600'))
    for (let round = 0; round < 3; round++) {
      await supervisor.restart(id)
      expect(supervisor.get(id).attempts).toEqual({})
      const { run, pid } = supervisor.get(id)
      kill(pid)
      expect(await isState(supervisor, id, 'running', run + 1)).toMatchObject({ attempts: { crash: { in_a_row: 1 } } })
    }
    await supervisor.reset(id)
    expect(supervisor.get(id).attempts).toEqual({})
    const { run, pid } = supervisor.get(id)
    kill(pid)
    await isState(supervisor, id, 'running', run + 1)
  })
})

describe('ends that are no failure', () => {
  it.each([
    ['a code of successExitCodes', 'exit 3', { successExitCodes: [0, 3] }, { status: 'completed', exit_code: 3, error: null }],
    ['0, whatever successExitCodes lists', 'exit 0', { successExitCodes: [3] }, { status: 'completed', exit_code: 0, run: 1 }],
    ['a signal of successSignals', 'kill -TERM $$', { successSignals: ['SIGTERM'] }, { status: 'completed', signal: 'SIGTERM', error: null }],
    ['the same signal without it', 'kill -TERM $$', { maxAttempts: 1 }, { status: 'failed', signal: 'SIGTERM', run: 2 }],
    ['a code of noRestartExitCodes', 'exit 78', { noRestartExitCodes: [78] }, { status: 'failed', exit_code: 78, run: 1, gave_up: false }],
    ['also with always', 'exit 78', { strategy: 'always', noRestartExitCodes: [78] }, { status: 'failed', exit_code: 78, run: 1, gave_up: false }],
    ['a success of always', 'exit 3', { strategy: 'always', successExitCodes: [3], maxAttempts: 1 }, { run: 2, gave_up: true, exit_code: 3 }],
  ] as const)('%s', async (_, script, policy, expected) => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(crashes(policy, script))
    expect(await supervisor.wait(id)).toMatchObject({ state: 'exited', ...expected })
  })

  it('unless-stopped is always, until the user stops it', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper({ restart: { strategy: 'unless-stopped', delayMs: 0 } }))
    kill(supervisor.get(id).pid)
    await isState(supervisor, id, 'running', 2)
    expect(await supervisor.stop(id)).toMatchObject({ state: 'exited', status: 'cancelled', run: 2 })
  })
})

describe('a restart that cannot be launched', () => {
  it('since the program was deleted waits at the slow end, with the cause on record, and goes on when it is back', async () => {
    const home = aHome()
    const program = aProgram(home)
    const supervisor = await home.supervisor()
    const restart = { strategy: 'on-failure', delayMs: 0, maxDelayMs: 700, jitter: 0 } as const
    const ref = await supervisor.start({ command: program.path, restart, breaker: false })
    const waits = waitsOf(ref)
    program.remove()
    kill(supervisor.get(ref.id).pid)
    const record = await recordWhen(supervisor, ref.id, 'waits after run 2', ({ run, state }) => run === 2 && state === 'backoff')
    expect(record).toMatchObject({ status: 'running', pid: null, outcome: { kind: 'launch-failed', step: 'command', errno: 'ENOENT' } })
    expect(record.error).toMatch(/^command ".*program" not found \(ENOENT\)$/)
    expect(record.attempts).toMatchObject({ crash: { in_a_row: 1 }, start: { in_a_row: 1 } })
    expect(record.reasons.at(-1)?.text).toMatch(/not found \(ENOENT\): restart 1 of 3 for failed start in 700 ms/)
    program.put()
    await isState(supervisor, ref.id, 'running', 3)
    expect(waits).toEqual([0, 700])
  })

  it.each([
    ['is not executable', (home: Home) => chmodSync(home.path('program'), 0o644), /is not executable \(EACCES\)/],
    ['has no interpreter', (home: Home) => writeFileSync(home.path('program'), '#!/no/such/interpreter\n'), /interpreter of .* not found/],
  ])('since it %s is given up on when the budget for starts is used up', async (_, spoil, reason) => {
    const home = aHome()
    const program = aProgram(home)
    const supervisor = await home.supervisor()
    const restart = { strategy: 'always', delayMs: 0, maxDelayMs: 50, maxAttempts: 2 } as const
    const { id } = await supervisor.start({ command: program.path, restart, breaker: false })
    spoil(home)
    kill(supervisor.get(id).pid)
    const record = await supervisor.wait(id)
    expect(record).toMatchObject({ status: 'failed', gave_up: true, run: 4, attempts: { crash: { in_a_row: 1 }, start: { in_a_row: 2 } } })
    expect(record.error).toMatch(reason)
    expect(record.error).toContain('gave up after 2 restarts for failed start')
  })

  it('by the user is refused with the cause, and then tried again as any other', async () => {
    const home = aHome()
    const program = aProgram(home)
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start({ command: program.path, restart: { strategy: 'always', delayMs: 0, maxDelayMs: 400, jitter: 0 } })
    program.remove()
    expect(await rejection(supervisor.restart(id))).toMatchObject({ code: 'PROCMAN_LAUNCH_FAILED', details: { errno: 'ENOENT' } })
    expect(supervisor.get(id)).toMatchObject({ state: 'backoff', run: 2 })
    program.put()
    await isState(supervisor, id, 'running', 3)
  })

  it('a first start that cannot be launched leaves nothing, whatever the policy', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const input = { id: 'web', command: home.path('nothing'), restart: { strategy: 'always', delayMs: 0 } } as const
    expect((await rejection(supervisor.start(input))).code).toBe('PROCMAN_LAUNCH_FAILED')
    expect(supervisor.list()).toEqual([])
    expect(home.ids()).toEqual([])
  })
})

describe('a manager that is killed', () => {
  it('in backoff has an heir that keeps the appointment, and what was counted', async () => {
    const home = aHome()
    const manager = await home.manager()
    await manager.start({ ...crashes({ delayMs: 1_200, jitter: 0.1, maxAttempts: 2 }, '[ $PROCMAN_RUN = 2 ] && exec sleep 600; exit 1'), id: 'job' })
    await until('it waits', () => snapshotOnDisk(home, 'job')?.value === 'backoff')
    const before = await manager.call('get', 'job')
    await manager.kill()
    const next = await home.supervisor()
    expect(next.get('job')).toEqual(before)
    const record = await isState(next, 'job', 'running', 2)
    expect(Date.parse(record.started_at ?? '')).toBeGreaterThanOrEqual(Date.parse(before.retry_at ?? ''))
    expect(record.attempts).toEqual(before.attempts)
  })

  it('in each wait has heirs that give up after as many restarts as one would have', async () => {
    const home = aHome()
    let manager = await home.manager()
    await manager.start({ ...crashes({ delayMs: 150, multiplier: 1, maxAttempts: 3 }), id: 'job' })
    for (const run of [1, 2]) {
      await until(`it waits after run ${run}`, () => snapshotOnDisk(home, 'job')?.value === 'backoff' && snapshotOnDisk(home, 'job').context.run >= run)
      await manager.kill()
      manager = await home.manager()
    }
    expect(await manager.call('wait', 'job')).toMatchObject({ run: 4, gave_up: true, attempts: { crash: { in_a_row: 3 } } })
  })

  it('over the last crash has an heir that gives up once', async () => {
    const home = aHome()
    const manager = await home.manager()
    const script = `until [ -e ${home.path('go')} ]; do sleep 0.01; done; exit 1`
    await manager.start({ ...crashes({ maxAttempts: 1, delayMs: 0 }, `[ $PROCMAN_RUN = 1 ] && exit 1; ${script}`), id: 'job' })
    await until('run 2 is up', () => snapshotOnDisk(home, 'job')?.value === 'running' && snapshotOnDisk(home, 'job').context.run === 2)
    await manager.kill()
    writeFileSync(home.path('go'), '')
    await until('it has ended', () => existsSync(home.jobFile('job', 'run-2.exit')))
    const next = await home.supervisor()
    expect(await next.wait('job')).toMatchObject({ run: 2, gave_up: true, status: 'failed', error: expect.stringContaining('gave up after 1 restart') })
  })

  it('while nothing can be launched has an heir that waits as long, and says why', async () => {
    const home = aHome()
    const program = aProgram(home)
    const manager = await home.manager()
    const restart = { strategy: 'always', delayMs: 0, maxDelayMs: 1_000, jitter: 0 } as const
    const { pid } = await manager.start({ id: 'web', command: program.path, restart })
    program.remove()
    kill(pid)
    await until('run 2 has failed', () => snapshotOnDisk(home, 'web').context.run === 2 && snapshotOnDisk(home, 'web').value === 'backoff')
    const before = await manager.call('get', 'web')
    await manager.kill()
    const next = await home.supervisor()
    expect(next.get('web')).toMatchObject({ state: 'backoff', retry_at: before.retry_at, error: before.error, attempts: { start: { in_a_row: 1 } } })
    program.put()
    const record = await isState(next, 'web', 'running', 3)
    expect(Date.parse(record.started_at ?? '')).toBeGreaterThanOrEqual(Date.parse(before.retry_at ?? ''))
  })
})
