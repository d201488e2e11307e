import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { aHome, inState, kill, lives, obedient, sh, sleeper, until } from './harness.ts'

describe('the restart policy', () => {
  it.each([
    ['never', 'exit 0', 1, 'completed'],
    ['never', 'exit 1', 1, 'failed'],
    ['never', 'kill -9 $$', 1, 'failed'],
    ['on-failure', 'exit 0', 1, 'completed'],
    ['on-failure', 'exit 1', 3, 'failed'],
    ['on-failure', 'kill -9 $$', 3, 'failed'],
    ['always', 'exit 0', 3, 'failed'],
    ['always', 'exit 1', 3, 'failed'],
  ] as const)('%s, after %s: there are %i runs with two restarts allowed, then it is %s', async (strategy, script, runs, status) => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh(script, { restart: { strategy, delayMs: 0, maxAttempts: 2 } }))
    const record = await supervisor.wait(id)
    expect(record).toMatchObject({ state: 'exited', status, run: runs, restarts: runs - 1 })
    if (runs > 1) expect(record.reasons.at(-1)?.text).toContain('gave up after 2 restarts')
  })

  it('writes down when the next run is due, further away each time, and shows it', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(sh('exit 1', { restart: { strategy: 'on-failure', delayMs: 50, multiplier: 100, jitter: 0 } }))
    await until('run 2 has ended', () => supervisor.get(id).run === 2 && supervisor.get(id).state === 'backoff')
    const record = supervisor.get(id)
    expect(record).toMatchObject({ status: 'running', pid: null, exit_code: 1 })
    await until(
      'it is on disk',
      () => JSON.parse(readFileSync(home.jobFile(id, 'state.json'), 'utf8')).snapshot.context.retryAtMs === Date.parse(record.retry_at ?? ''),
    )
    expect(Date.parse(record.retry_at ?? '') - Date.parse(record.completed_at ?? '')).toBe(5_000)
  })

  it('is overruled by a stop during the wait', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('exit 1', { restart: { strategy: 'always', delayMs: 3_600_000 } }))
    await inState(supervisor.ref(id), 'backoff')
    expect(await supervisor.stop(id)).toMatchObject({ state: 'exited', status: 'cancelled', retry_at: null, run: 1 })
  })

  it('does not make one wait who starts or restarts the process during the wait', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('[ $PROCMAN_RUN -gt 1 ] && exec sleep 600; exit 1', { restart: { strategy: 'always', delayMs: 3_600_000 } }))
    await inState(supervisor.ref(id), 'backoff')
    expect(await supervisor.launch(id)).toMatchObject({ state: 'running', run: 2 })
    await supervisor.signal(id, 'KILL')
    await inState(supervisor.ref(id), 'backoff')
    expect(await supervisor.restart(id)).toMatchObject({ state: 'running', run: 3 })
  })

  it('does not bring back what the user has stopped', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(sleeper({ restart: { strategy: 'always', delayMs: 0 } }))
    expect(await supervisor.stop(id)).toMatchObject({ state: 'exited', status: 'cancelled', run: 1 })
    await supervisor.refresh()
    expect(home.strays()).toEqual([])
  })

  it('brings a killed service back, again and again, with its new stdin and output in one log', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(obedient({ restart: { strategy: 'always', delayMs: 0 } }))
    for (let run = 1; run <= 3; run++) {
      await until(`run ${run} is up`, () => supervisor.get(id).run === run && supervisor.get(id).state === 'running')
      await supervisor.write(id, 'echo run $PROCMAN_RUN\n')
      for await (const line of supervisor.watch(id)) if (line.text === `run ${run}`) break
      const { pid } = supervisor.get(id)
      kill(pid)
      await until('it is gone', () => !lives(pid))
    }
    await until('run 4 is up', () => supervisor.get(id).run === 4 && supervisor.get(id).state === 'running')
    expect(supervisor.get(id)).toMatchObject({ restarts: 3 })
  })
})
