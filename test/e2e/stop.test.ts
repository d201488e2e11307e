import { existsSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { ProcessInput, Supervisor } from '../../src/api.ts'
import { aHome, fixture, type Home, inState, kill, lives, obedient, rejection, sh, sleeper, stateOf, until } from './harness.ts'

const deaf = 'trap "" TERM INT HUP; echo ready; while :; do sleep 1; done'

async function ready(supervisor: Supervisor, id: string): Promise<void> {
  for await (const line of supervisor.watch(id)) if (line.text === 'ready') return
}

/** Resolves in the very turn in which the first process is being launched. */
function starting(supervisor: Supervisor): Promise<void> {
  return new Promise((resolve) => {
    const table = supervisor.table.subscribe(({ context }) => {
      const [atom] = context.processes.values()
      if (atom === undefined) return
      table.unsubscribe()
      const first = atom.subscribe((record) => {
        if (record.state !== 'starting') return
        first.unsubscribe()
        resolve()
      })
    })
  })
}

const pidIn = (home: Home, name: string) => until(`${name} names a pid`, () => Number(home.text(name)))

describe('stop', () => {
  it('settles when the process has ended by SIGTERM: it is cancelled', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper())
    const { pid } = supervisor.get(id)
    expect(await supervisor.stop(id)).toMatchObject({ state: 'exited', status: 'cancelled', signal: 'SIGTERM', pid: null })
    expect(lives(pid)).toBe(false)
  })

  it('kills one that ignores SIGTERM, after its time', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh(deaf))
    await ready(supervisor, id)
    const record = await supervisor.stop(id, { timeoutMs: 100 })
    expect(record).toMatchObject({ status: 'cancelled', signal: 'SIGKILL' })
    expect(record.reasons.map((reason) => reason.text)).toEqual(expect.arrayContaining(['SIGTERM sent', 'SIGKILL sent']))
  })

  it('gives one that cleans up on SIGTERM the time for it, and its own exit code', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('trap "echo bye; exit 7" TERM; echo ready; while :; do sleep 0.02; done'))
    await ready(supervisor, id)
    expect(await supervisor.stop(id)).toMatchObject({ status: 'cancelled', exit_code: 7, signal: null })
  })

  it.each(['', 'with a cleared environment'])('leaves nothing of a tree that forked twice into sessions of its own and ignores SIGTERM %s', async (cleared) => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const files = Array.from({ length: 5 }, (_, n) => home.path(`grandchild-${n}`))
    const leaveAll = files.map((file) => `${fixture('escape.sh')} ${file} ${cleared === '' ? '' : 'x'}`).join('; ')
    const { id } = await supervisor.start(sh(`${leaveAll}; exec sleep 600`))
    const pids = await Promise.all(files.map((_, n) => pidIn(home, `grandchild-${n}`)))
    await supervisor.stop(id, { timeoutMs: 100 })
    expect(pids.filter(lives)).toEqual([])
  })

  it('wakes up a stopped process for its SIGTERM', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper())
    const { pid } = supervisor.get(id)
    kill(pid, 'SIGSTOP')
    await until('it is stopped', () => stateOf(pid) === 'T')
    expect(await supervisor.stop(id)).toMatchObject({ signal: 'SIGTERM' })
  })

  it('kills a process that stops itself again and again', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('trap "kill -STOP $$" TERM CONT; echo ready; while :; do sleep 0.02; done'))
    await ready(supervisor, id)
    expect(await supervisor.stop(id, { timeoutMs: 100 })).toMatchObject({ signal: 'SIGKILL' })
  })

  it('begins with the signal that the spec names', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('trap "exit 3" USR1; trap "exit 4" TERM; echo ready; while :; do sleep 0.02; done', { stop: { signal: 'USR1' } }))
    await ready(supervisor, id)
    expect(await supervisor.stop(id)).toMatchObject({ exit_code: 3 })
  })

  it('climbs the ladder of the spec', async () => {
    const supervisor = await aHome().supervisor()
    const ladder = [
      { signal: 'SIGHUP', afterMs: 0 },
      { signal: 'SIGINT', afterMs: 400 },
      { signal: 'SIGTERM', afterMs: 800 },
    ]
    const { id } = await supervisor.start(sh(deaf, { stop: { ladder, timeoutMs: 1_200 } }))
    await ready(supervisor, id)
    const { reasons } = await supervisor.stop(id)
    expect(reasons.map((reason) => reason.text).filter((text) => text.endsWith(' sent'))).toEqual([
      'SIGHUP sent',
      'SIGINT sent',
      'SIGTERM sent',
      'SIGKILL sent',
    ])
  })

  it('with timeoutMs 0 kills at once', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper())
    expect(await supervisor.stop(id, { timeoutMs: 0 })).toMatchObject({ signal: 'SIGKILL' })
  })

  it('asked for twice at once settles for both, and the sooner end holds', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh(deaf))
    await ready(supervisor, id)
    const patient = supervisor.stop(id, { timeoutMs: 60_000 })
    const hasty = supervisor.stop(id, { timeoutMs: 50 })
    expect(await Promise.all([patient, hasty])).toMatchObject([{ signal: 'SIGKILL' }, { signal: 'SIGKILL' }])
  })

  it('of one that has settled is nothing, and changes nothing', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('exit 2'))
    const ended = await supervisor.wait(id)
    expect(await supervisor.stop(id)).toEqual(ended)
  })

  it('of one that was never started cancels it', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper({ autostart: false }))
    expect(await supervisor.stop(id)).toMatchObject({ state: 'exited', status: 'cancelled', run: 0 })
  })

  it('of a process whose start is not answered yet keeps its grace', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const ladder = [{ signal: 'SIGCONT', afterMs: 0 }] // ends nothing: it ends by itself, within its grace
    const spec: ProcessInput = { id: 'slow', command: 'sleep', args: ['0.5'], stop: { ladder, timeoutMs: 20_000 } }
    const outcome = async () => {
      const started = supervisor.start(spec).catch((error) => error)
      while (!existsSync(home.jobFile('slow', 'run-1.intent'))) await nextTurn()
      // Its keeper has been asked for. No turn of the loop passes until the command is up: the manager does not know of it yet, unless it was faster.
      while (!existsSync(home.jobFile('slow', 'run-1.child')));
      return { started, isInTime: supervisor.get('slow').state === 'starting', stopping: supervisor.stop('slow') }
    }
    let { started, isInTime, stopping } = await outcome()
    for (let tries = 0; !isInTime && tries < 20; tries++) {
      await Promise.all([started, stopping])
      await supervisor.remove('slow')
      ;({ started, isInTime, stopping } = await outcome())
    }
    expect((await started).code).toBe('PROCMAN_WRONG_STATE')
    expect(await stopping).toMatchObject({ status: 'cancelled', exit_code: 0, signal: null })
    expect(supervisor.list()).toEqual([])
  })

  it('wins over a restart in flight, which does not take the launch that comes after it for its own', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh(deaf))
    await ready(supervisor, id)
    const launched = new Promise((resolve) => supervisor.actor.on('process.settled', () => queueMicrotask(() => resolve(supervisor.launch(id)))))
    const restarted = rejection(supervisor.restart(id))
    await supervisor.stop(id, { timeoutMs: 0 })
    expect((await restarted).code).toBe('PROCMAN_WRONG_STATE')
    expect(await launched).toMatchObject({ state: 'running', run: 2 })
  })

  it('wins over a start in flight: the start is refused and nothing is left', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const started = rejection(supervisor.start(sleeper({ id: 'torn' })))
    await starting(supervisor)
    const stopped = await supervisor.stop('torn')
    expect(stopped.status).toBe('cancelled')
    expect((await started).code).toMatch(/^PROCMAN_(LAUNCH_FAILED|WRONG_STATE)$/)
    expect(home.strays()).toEqual([])
  })

  it('wins over a launch in flight', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(sleeper({ autostart: false }))
    const launched = supervisor.launch(id).catch((error) => error.code)
    expect(await supervisor.stop(id)).toMatchObject({ state: 'exited', status: 'cancelled' })
    await launched
    expect(home.strays()).toEqual([])
    expect(supervisor.get(id)).toMatchObject({ state: 'exited', status: 'cancelled' })
  })

  it('takes a number of ms from 0', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper())
    for (const timeoutMs of [-1, Number.NaN]) expect((await rejection(supervisor.stop(id, { timeoutMs }))).code).toBe('PROCMAN_INVALID_ARGUMENT')
  })
})

describe('what a command leaves behind when it ends by itself', () => {
  it('is stopped before the process counts as ended; the exit code is that of the command', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(
      sh(`${fixture('escape.sh')} ${home.path('left')}; until [ -s ${home.path('left')} ]; do sleep 0.01; done; exit 5`, { stop: { timeoutMs: 100 } }),
    )
    const record = await supervisor.wait(id)
    expect(record).toMatchObject({ status: 'failed', exit_code: 5 })
    expect(lives(Number(home.text('left')))).toBe(false)
  })

  it('is left alone when the spec says so', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(
      sh(`${fixture('escape.sh')} ${home.path('left')}; until [ -s ${home.path('left')} ]; do sleep 0.01; done; exit 5`, { leftovers: 'leave' }),
    )
    expect(await supervisor.wait(id)).toMatchObject({ status: 'failed', exit_code: 5 })
    const pid = Number(home.text('left'))
    expect(lives(pid)).toBe(true)
    kill(pid)
  })
})

describe('signal', () => {
  it('reaches the whole group, or the command alone', async () => {
    const supervisor = await aHome().supervisor()
    const script = 'trap "echo outer" USR1; sh -c \'trap "echo inner" USR1; echo ready; while :; do sleep 0.02; done\' & while :; do wait; done'
    const { id } = await supervisor.start(sh(script))
    await ready(supervisor, id)
    const heard = async (count: number) => {
      const texts: string[] = []
      for await (const line of supervisor.watch(id)) {
        // The inner shell also tells of its own sleep, which the signal ends.
        if (line.text === 'inner' || line.text === 'outer') texts.push(line.text)
        if (texts.length === count) break
      }
      return texts.sort()
    }
    await supervisor.signal(id, 'USR1', { target: 'command' })
    expect(await heard(1)).toEqual(['outer'])
    await supervisor.signal(id, 'SIGUSR1')
    expect(await heard(3)).toEqual(['inner', 'outer', 'outer'])
  })

  it('that does not exist is refused; one for a process that is not up too, with id and state', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('exit 0'))
    await supervisor.wait(id)
    expect((await rejection(supervisor.signal(id, 'SIGNONSENSE'))).code).toBe('PROCMAN_INVALID_ARGUMENT')
    expect(await rejection(supervisor.signal(id, 'SIGTERM'))).toMatchObject({
      code: 'PROCMAN_WRONG_STATE',
      details: { id, state: 'exited', command: 'signal' },
    })
  })

  it('that ends the process is how it ended, and no stop by the user', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper())
    await supervisor.signal(id, 'SIGINT')
    expect(await supervisor.wait(id)).toMatchObject({ status: 'failed', signal: 'SIGINT' })
  })
})

describe('restart', () => {
  it('ends the run and settles when the next one is up', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper())
    const { pid } = supervisor.get(id)
    const record = await supervisor.restart(id)
    expect(record).toMatchObject({ state: 'running', run: 2, restarts: 1 })
    expect([lives(pid), lives(record.pid)]).toEqual([false, true])
  })

  it('of one that has settled starts it; of one that cannot be started any more tells why', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(obedient())
    await supervisor.write(id, 'exit 0\n')
    await supervisor.wait(id)
    expect(await supervisor.restart(id)).toMatchObject({ state: 'running', run: 2 })
  })

  it('does not begin the next run while a deaf grandchild of the last one lives', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const script = `[ $PROCMAN_RUN = 1 ] && ${fixture('escape.sh')} ${home.path('old')}; exec sleep 600`
    const { id } = await supervisor.start(sh(script, { stop: { timeoutMs: 100 } }))
    const pid = await pidIn(home, 'old')
    await supervisor.restart(id)
    expect(lives(pid)).toBe(false)
  })

  it('is overruled by a stop', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(sh(deaf))
    await ready(supervisor, id)
    const restarted = rejection(supervisor.restart(id))
    expect(await supervisor.stop(id, { timeoutMs: 50 })).toMatchObject({ status: 'cancelled', run: 1 })
    expect(await restarted).toMatchObject({ code: 'PROCMAN_WRONG_STATE', details: { id, state: 'exited' } })
  })
})

describe('a command in the wrong state', () => {
  it('is refused with the id, the state and the command', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper())
    expect(await rejection(supervisor.launch(id))).toMatchObject({ code: 'PROCMAN_WRONG_STATE', details: { id, state: 'running', command: 'start' } })
    expect(await rejection(supervisor.remove(id))).toMatchObject({ code: 'PROCMAN_WRONG_STATE', details: { id, state: 'running', command: 'remove' } })
    expect(lives(supervisor.get(id).pid)).toBe(true)
  })
})

describe('remove and cleanup', () => {
  it('forget a settled process with all its files', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(sh('exit 0', { id: 'gone' }))
    await supervisor.wait(id)
    await supervisor.remove(id)
    expect(supervisor.list()).toEqual([])
    expect(home.ids()).toEqual([])
    expect(() => supervisor.get(id)).toThrow(expect.objectContaining({ code: 'PROCMAN_PROCESS_UNKNOWN' }))
    await supervisor.start(sh('exit 0', { id: 'gone' }))
  })

  it('leave alone what is up, and what ended too recently', async () => {
    const supervisor = await aHome().supervisor()
    await supervisor.start(sleeper({ id: 'up' }))
    for (const id of ['a', 'b']) await supervisor.start(sh('exit 0', { id }))
    await Promise.all(['a', 'b'].map((id) => supervisor.wait(id)))
    expect(await supervisor.cleanup({ olderThanMs: 3_600_000 })).toEqual([])
    expect(await supervisor.cleanup()).toEqual(['a', 'b'])
    expect(supervisor.list().map((record) => record.id)).toEqual(['up'])
  })

  it('do not leave one who waits for the end of the process without an answer', async () => {
    const supervisor = await aHome().supervisor()
    const ids = await Promise.all(Array.from({ length: 30 }, async () => (await supervisor.start(sleeper())).id))
    for (const id of ids) {
      const ref = supervisor.ref(id)
      ref.subscribe((snapshot) => {
        if (snapshot.hasTag('settled')) queueMicrotask(() => queueMicrotask(() => void supervisor.remove(id)))
      })
    }
    const stopped = await Promise.all(ids.map((id) => supervisor.stop(id)))
    expect(stopped.every((record) => record.status === 'cancelled')).toBe(true)
  })
})

describe('refresh', () => {
  it('gives the records as the OS has them now', async () => {
    const supervisor = await aHome().supervisor()
    await supervisor.start(sleeper({ id: 'up' }))
    const { id } = await supervisor.start(obedient({ id: 'down' }))
    await supervisor.write(id, 'exit 9\n')
    await supervisor.wait(id)
    expect(await supervisor.refresh()).toMatchObject([
      { id: 'up', state: 'running' },
      { id: 'down', exit_code: 9 },
    ])
  })
})

describe('close', () => {
  it('leaves everything running, frees the directory, and is harmless twice', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(sleeper())
    const { pid } = supervisor.get(id)
    await Promise.all([supervisor.close(), supervisor.close()])
    expect(lives(pid)).toBe(true)
    expect(existsSync(`${home.stateDir}/manager.lock`)).toBe(false)
    expect((await home.supervisor()).get(id)).toMatchObject({ state: 'running', pid, run: 1 })
  })

  it('ends every wait and watch that is going on, and refuses what is asked afterwards', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('echo one; exec sleep 600'))
    const waiting = rejection(supervisor.wait(id))
    const watching = supervisor.watch(id, () => {})
    await supervisor.close()
    expect((await waiting).code).toBe('PROCMAN_CLOSED')
    await watching
    for (const method of ['stop', 'wait', 'restart', 'launch', 'remove'] as const) expect((await rejection(supervisor[method](id))).code).toBe('PROCMAN_CLOSED')
    expect((await rejection(supervisor.start(sleeper()))).code).toBe('PROCMAN_CLOSED')
    expect((await rejection(supervisor.signal(id, 'SIGTERM'))).code).toBe('PROCMAN_CLOSED')
    for await (const line of supervisor.watch(id)) expect(line.text).toBe('one')
  })

  it('in the middle of a start refuses that start; the next manager knows what came of it', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const started = rejection(supervisor.start(sleeper({ id: 'cut' })))
    await starting(supervisor)
    await supervisor.close()
    expect((await started).code).toBe('PROCMAN_CLOSED')
    const next = await home.supervisor()
    for (const { id } of next.list()) await inState(next.ref(id), 'running')
    const pids = next.list().map((record) => record.pid)
    // Adopted behind the gate, it carries its token only once it is executed.
    await until('what is known is what runs', () => home.strays().length === pids.length)
    expect(home.strays().map((stray) => stray.pid)).toEqual(pids)
  })
})

describe('what was meant', () => {
  it('is removed by cleanup, and nobody else whose id begins like it', async () => {
    const supervisor = await aHome().supervisor()
    for (const id of ['a', 'web']) {
      await supervisor.start(sh('exit 0', { id }))
      await supervisor.wait(id)
    }
    await supervisor.start(sleeper({ id: 'web2', autostart: false }))
    const [removed] = await Promise.all([supervisor.cleanup(), supervisor.remove('web')])
    expect(removed).toEqual(['a'])
    expect(supervisor.list().map((record) => record.id)).toEqual(['web2'])
  })

  it('is not launched any more by a supervisor that has been closed', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(sh('exit 0', { id: 'x' }))
    await supervisor.wait('x')
    const launching = rejection(supervisor.launch('x'))
    await supervisor.close()
    expect((await launching).code).toBe('PROCMAN_CLOSED')
    expect(existsSync(home.jobFile('x', 'run-2.intent'))).toBe(false)
    expect((await home.supervisor()).get('x')).toMatchObject({ state: 'exited', run: 1 })
  })
})

describe('shutdown', () => {
  it('stops everything, the deaf too, within its time', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    for (let n = 0; n < 5; n++) await supervisor.start(sleeper({ id: `polite-${n}`, restart: 'always' }))
    for (let n = 0; n < 3; n++) await supervisor.start(sh(deaf, { id: `deaf-${n}`, stop: { timeoutMs: 3_600_000 } }))
    await supervisor.start(sh('exit 1', { id: 'waiting', restart: { strategy: 'always', delayMs: 3_600_000 } }))
    await supervisor.shutdown({ timeoutMs: 200 })
    expect(home.strays()).toEqual([])
    const next = await home.supervisor()
    expect(next.list().map((record) => record.status)).toEqual(Array.from({ length: 9 }, () => 'cancelled'))
  })

  it('of an empty directory is over at once', async () => {
    const supervisor = await aHome().supervisor()
    await supervisor.shutdown()
    expect((await rejection(supervisor.start(sleeper()))).code).toBe('PROCMAN_CLOSED')
  })
})
