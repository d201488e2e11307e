/** What a dead manager leaves, and what the next one makes of it. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { agreed, aHome, fixture, type Home, inState, kill, lives, obedient, pause, rejection, sh, sleeper, startOf, until } from './harness.ts'

describe('a manager that is killed with SIGKILL', () => {
  it('loses nothing: the next one has the same processes, pids and run numbers', async () => {
    const home = aHome()
    const manager = await home.manager()
    const before = await Promise.all(['a', 'b', 'c', 'd'].map((id) => manager.start(sleeper({ id, labels: { n: id } }))))
    await manager.kill()
    expect(before.map((record) => lives(record.pid))).toEqual([true, true, true, true])
    const next = await home.supervisor()
    await Promise.all(before.map((record) => inState(next.ref(record.id), 'running')))
    expect(next.list()).toEqual(before)
    expect(home.strays()).toHaveLength(4)
  })

  it('has an heir that knows the exact end of what it took over, and follows its output to the end', async () => {
    const home = aHome()
    const manager = await home.manager()
    await manager.start(obedient({ id: 'job' }))
    await manager.call('write', 'job', 'echo before\n')
    await until('it has spoken', () => readFileSync(home.jobFile('job', 'stdout.log'), 'utf8') === 'before\n')
    await manager.kill()
    const next = await home.supervisor()
    const texts: string[] = []
    const watching = next.watch('job', (line) => texts.push(line.text))
    await next.write('job', 'echo after; exit 42\n')
    expect(await next.wait('job')).toMatchObject({ status: 'failed', exit_code: 42, run: 1 })
    await watching
    expect(texts).toEqual(['before', 'after'])
  })

  it('has an heir that can stop what it took over, the escaped tree too', async () => {
    const home = aHome()
    const manager = await home.manager()
    await manager.start(sh(`${fixture('escape.sh')} ${home.path('escaped')}; exec sleep 600`, { id: 'tree', stop: { timeoutMs: 100 } }))
    const pid = await until('the grandchild is there', () => Number(home.text('escaped')))
    await manager.kill()
    const next = await home.supervisor()
    expect(await next.stop('tree')).toMatchObject({ status: 'cancelled', signal: 'SIGTERM' })
    expect(lives(pid)).toBe(false)
  })

  it.each([
    ['exit 0', { status: 'completed', exit_code: 0 }],
    ['exit 137', { status: 'failed', exit_code: 137, signal: null }],
    ['kill -9 $$', { status: 'failed', exit_code: null, signal: 'SIGKILL' }],
  ])('while nobody manages, %s is written down with the time at which it happened', async (command, expected) => {
    const home = aHome()
    const manager = await home.manager()
    await manager.start(sh(`until [ -e ${home.path('go')} ]; do sleep 0.01; done; ${command}`, { id: 'job' }))
    await manager.kill()
    const goneAfterMs = Date.now()
    writeFileSync(home.path('go'), '')
    await until('the keeper has left', () => home.keepers().length === 0)
    const goneBeforeMs = Date.now()
    await pause(1_000) // here time itself is the fact: it is not the time at which it is found out
    const next = await home.supervisor()
    const record = await next.wait('job')
    expect(record).toMatchObject({ ...expected, run: 1, pid: null })
    const completedAtMs = Date.parse(record.completed_at ?? '')
    // The keeper asks the kernel, Node has a clock of its own.
    expect(completedAtMs).toBeGreaterThanOrEqual(goneAfterMs - 2)
    expect(completedAtMs).toBeLessThanOrEqual(goneBeforeMs + 2)
  })

  it('in the middle of a stop has an heir that goes on with the same ladder', async () => {
    const home = aHome()
    const manager = await home.manager()
    await manager.start(sh('trap "" TERM; echo ready; while :; do sleep 1; done', { id: 'deaf', stop: { timeoutMs: 1_000 } }))
    await until('it is deaf', () => readFileSync(home.jobFile('deaf', 'stdout.log'), 'utf8') === 'ready\n')
    manager.call('stop', 'deaf').catch(() => {})
    await until('the stop is on record', () => readFileSync(home.jobFile('deaf', 'state.json'), 'utf8').includes('"value":"stopping"'))
    await manager.kill()
    const next = await home.supervisor()
    expect(await next.wait('deaf')).toMatchObject({ status: 'cancelled', signal: 'SIGKILL' })
  })

  it.each([
    ['stop', 'always', { state: 'exited', status: 'cancelled', run: 1 }],
    ['restart', 'always', { state: 'running', run: 2, restarts: 1 }],
    ['restart', 'never', { state: 'running', run: 2, restarts: 1 }],
  ] as const)('over the first signal of a %s (policy: %s) has an heir that knows of it: it was on record before', async (method, strategy, expected) => {
    const home = aHome()
    const manager = await home.manager()
    const script = `[ $PROCMAN_RUN = 1 ] || exec sleep 600; trap 'kill -9 ${manager.child.pid}; exit 0' TERM; echo ready; while :; do sleep 0.01; done`
    await manager.start(sh(script, { id: 'avenger', restart: { strategy, delayMs: 60_000 } }))
    await until('it waits for its signal', () => readFileSync(home.jobFile('avenger', 'stdout.log'), 'utf8') === 'ready\n')
    manager.call(method, 'avenger').catch(() => {})
    await manager.exited
    await until('the command has ended', () => existsSync(home.jobFile('avenger', 'run-1.exit')))
    const next = await home.supervisor()
    await until('it is as it was asked to be', () => next.get('avenger').state === expected.state)
    expect(next.get('avenger')).toMatchObject(expected)
  })

  it('in the middle of a restart has an heir that finishes it', async () => {
    const home = aHome()
    const manager = await home.manager()
    const { pid } = await manager.start(sh('trap "" TERM; echo ready; while :; do sleep 1; done', { id: 'deaf', stop: { timeoutMs: 500 } }))
    await until('it is deaf', () => readFileSync(home.jobFile('deaf', 'stdout.log'), 'utf8') === 'ready\n')
    manager.call('restart', 'deaf').catch(() => {})
    await until('the stop is on record', () => readFileSync(home.jobFile('deaf', 'state.json'), 'utf8').includes('"value":"stopping"'))
    await manager.kill()
    const next = await home.supervisor()
    await until('run 2 is up', () => next.get('deaf').run === 2 && next.get('deaf').state === 'running')
    expect(next.get('deaf').pid).not.toBe(pid)
    expect(lives(pid)).toBe(false)
  })

  it('right after each restart costs as many restarts as it would have without: the limit of the policy holds', async () => {
    const home = aHome()
    const manager = await home.manager()
    const go = (run: number) => writeFileSync(home.path(`go-${run}`), '')
    const script = `until [ -e ${home.path('go')}-$PROCMAN_RUN ]; do sleep 0.01; done; exit 1`
    await manager.start(sh(script, { id: 'job', restart: { strategy: 'on-failure', delayMs: 0, maxAttempts: 2 } }))
    let last = manager
    for (const run of [1, 2]) {
      // The next run is on record by its intent alone when its manager dies.
      const before = readFileSync(home.jobFile('job', 'state.json'))
      go(run)
      await until('the next run is up', () => existsSync(home.jobFile('job', `run-${run + 1}.child`)))
      await last.kill()
      writeFileSync(home.jobFile('job', 'state.json'), before)
      last = await home.manager()
    }
    go(3)
    expect(await last.call('wait', 'job')).toMatchObject({ run: 3, state: 'exited', error: expect.stringContaining('gave up after 2 restarts') })
  })

  it('during a wait before a restart has an heir that keeps the same appointment', async () => {
    const home = aHome()
    const manager = await home.manager()
    await manager.start(sh('[ $PROCMAN_RUN = 2 ] && exec sleep 600; exit 1', { id: 'job', restart: { strategy: 'on-failure', delayMs: 700 } }))
    await until('it waits', () => readFileSync(home.jobFile('job', 'state.json'), 'utf8').includes('"value":"backoff"'))
    await manager.kill()
    const { retryAtMs } = JSON.parse(readFileSync(home.jobFile('job', 'state.json'), 'utf8')).snapshot.context
    const next = await home.supervisor()
    await until('run 2 is up', () => next.get('job').run === 2 && next.get('job').state === 'running')
    expect(Date.parse(next.get('job').started_at ?? '')).toBeGreaterThanOrEqual(retryAtMs)
  })

  it('does not undo a stop by the user: the heir leaves it stopped', async () => {
    const home = aHome()
    const manager = await home.manager()
    await manager.start(sleeper({ id: 'job', restart: 'always' }))
    await manager.call('stop', 'job')
    await manager.kill()
    expect((await home.supervisor()).get('job')).toMatchObject({ state: 'exited', status: 'cancelled', run: 1 })
  })
})

describe('a keeper that is killed', () => {
  it('leaves its command alive: that is known, it can be signalled and stopped, its end is orphaned', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(sh('trap "echo heard" USR1; echo ready; while :; do sleep 0.02; done'))
    const { pid } = supervisor.get(id)
    for await (const line of supervisor.watch(id)) if (line.text === 'ready') break
    kill(home.keeperPid(id))
    await until('the loss is known', () => supervisor.get(id).keeper_lost)
    expect(supervisor.get(id)).toMatchObject({ state: 'running', pid })
    await supervisor.signal(id, 'SIGUSR1', { target: 'command' })
    for await (const line of supervisor.watch(id)) if (line.text === 'heard') break
    expect(await supervisor.stop(id)).toMatchObject({ state: 'orphaned', status: 'orphaned', exit_code: null, pid: null, keeper_lost: true })
    expect(lives(pid)).toBe(false)
  })

  it('while it stops what the command left behind, leaves that to the manager', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(
      sh(`${fixture('escape.sh')} ${home.path('escaped')}; until [ -s ${home.path('escaped')} ]; do sleep 0.01; done; exit 3`),
    )
    await inState(supervisor.ref(id), 'stopping')
    const escaped = Number(home.text('escaped'))
    expect(lives(escaped)).toBe(true)
    kill(home.keeperPid(id))
    expect(await supervisor.wait(id)).toMatchObject({ state: 'exited', exit_code: 3 })
    expect(lives(escaped)).toBe(false)
  })

  it('leaves its command alive, and it is killed with its escaped tree when it does not stop', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(sh(`${fixture('escape.sh')} ${home.path('escaped')}; trap "" TERM; while :; do sleep 1; done`))
    await until('the grandchild is there', () => Number(home.text('escaped')))
    kill(home.keeperPid(id))
    await until('the loss is known', () => supervisor.get(id).keeper_lost)
    expect((await supervisor.stop(id, { timeoutMs: 100 })).state).toBe('orphaned')
    expect(home.strays()).toEqual([])
  })

  it('together with its command leaves an orphan', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(sleeper())
    const { pid } = supervisor.get(id)
    kill(home.keeperPid(id), 'SIGSTOP')
    kill(pid)
    kill(home.keeperPid(id))
    expect(await supervisor.wait(id)).toMatchObject({ state: 'orphaned', status: 'orphaned', exit_code: null, signal: null })
    expect(supervisor.get(id).error).toContain('keeper was killed')
  })

  it('is no reason to stay down for a process that is always restarted', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(sleeper({ restart: { strategy: 'always', delayMs: 0 } }))
    const { pid } = supervisor.get(id)
    kill(home.keeperPid(id))
    await until('the loss is known', () => supervisor.get(id).keeper_lost)
    kill(pid)
    await until('run 2 is up', () => supervisor.get(id).run === 2 && supervisor.get(id).state === 'running')
    expect(supervisor.get(id)).toMatchObject({ keeper_lost: false, restarts: 1 })
  })

  it('together with the manager leaves a command that the next manager knows', async () => {
    const home = aHome()
    const manager = await home.manager()
    const { pid } = await manager.start(sleeper({ id: 'job' }))
    kill(home.keeperPid('job'))
    await manager.kill()
    const next = await home.supervisor()
    await until('the loss is known', () => next.get('job').keeper_lost)
    expect(next.get('job')).toMatchObject({ state: 'running', pid })
    expect((await next.stop('job')).state).toBe('orphaned')
    expect(lives(pid)).toBe(false)
  })
})

describe('after a reboot', () => {
  const otherBoot = '00000000-0000-4000-8000-000000000000'
  const reboot = (home: Home, id: string) => {
    for (const name of ['run-1.claim', 'state.json']) {
      const text = readFileSync(home.jobFile(id, name), 'utf8')
      writeFileSync(home.jobFile(id, name), text.replace(/"boot":"[^"]+"/g, `"boot":"${otherBoot}"`))
    }
  }

  it('what was up has ended nobody knows how, and whoever has its pid now is not signalled', async () => {
    const home = aHome()
    const first = await home.supervisor()
    const { id } = await first.start(sleeper())
    const { pid } = first.get(id)
    await first.close()
    reboot(home, id)
    const next = await home.supervisor()
    const record = await next.wait(id)
    expect(record).toMatchObject({ state: 'orphaned', exit_code: null })
    expect(record.error).toContain('rebooted')
    expect(await next.stop(id)).toEqual(record)
    expect((await rejection(next.signal(id, 'SIGKILL'))).code).toBe('PROCMAN_WRONG_STATE')
    expect(lives(pid)).toBe(true)
    kill(pid)
  })

  it('a process that is always restarted is up again', async () => {
    const home = aHome()
    const first = await home.supervisor()
    const { id } = await first.start(sleeper({ restart: { strategy: 'always', delayMs: 0 } }))
    const { pid } = first.get(id)
    await first.close()
    kill(pid)
    await until('the keeper has left', () => home.keepers().length === 0)
    rmSync(home.jobFile(id, 'run-1.exit'))
    reboot(home, id)
    const next = await home.supervisor()
    await until('run 2 is up', () => next.get(id).run === 2 && next.get(id).state === 'running')
    agreed(next.get(id))
  })
})

describe('run files that lie', () => {
  it.each(['another start time', 'another pid'])('by %s never make us signal a stranger', async (lie) => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const victim = supervisor.get((await supervisor.start(sleeper({ id: 'stranger' }))).id).pid
    await pause(50) // start times are counted in hundredths of a second
    const { id } = await supervisor.start(sleeper({ id: 'liar', stop: { timeoutMs: 50 } }))
    const { pid } = supervisor.get(id)
    await supervisor.close()
    kill(home.keeperPid(id))
    kill(pid)
    await until('both are gone', () => !lives(pid) && home.keepers().length === 1)
    rmSync(home.jobFile(id, 'run-1.exit'), { force: true })
    const child = JSON.parse(readFileSync(home.jobFile(id, 'run-1.child'), 'utf8'))
    const forged = lie === 'another pid' ? { ...child, pid: victim } : { ...child, pid: victim, start: `${Number(startOf(victim)) + 1}` }
    writeFileSync(home.jobFile(id, 'run-1.child'), JSON.stringify(forged))
    const state = readFileSync(home.jobFile(id, 'state.json'), 'utf8')
    writeFileSync(home.jobFile(id, 'state.json'), state.replace(`"pid":${pid}`, `"pid":${victim}`))
    const next = await home.supervisor()
    expect((await next.stop(id, { timeoutMs: 0 })).state).toBe('orphaned')
    expect(next.get('stranger')).toMatchObject({ state: 'running', pid: victim })
    expect(lives(victim)).toBe(true)
  })
})
