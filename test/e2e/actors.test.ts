/** The library as XState actors. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createBrowserInspector } from '@statelyai/inspect'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { type ActorRefFrom, createActor, type InspectionEvent, setup, waitFor } from 'xstate'
import { type Outcome, type SupervisorMachine, sanitizeContext, sanitizeEvent, supervisorLogic, supervisorOf } from '../../src/index.ts'
import { aHome, DIST, fixture, inState, kill, lives, obedient, rejection, sh, sleeper, until } from './harness.ts'

describe('a process is an actor', () => {
  it('that is subscribed to, waited for, and tells typed events', async () => {
    const supervisor = await aHome().supervisor()
    const job = await supervisor.start(obedient())
    const states: string[] = []
    job.subscribe((snapshot) => states.push(snapshot.value))
    const exited = new Promise<Outcome>((resolve) =>
      job.on('process.exited', (event) => {
        expectTypeOf(event.outcome).toEqualTypeOf<Outcome>()
        resolve(event.outcome)
      }),
    )
    await supervisor.write(job.id, 'exit 3\n')
    const settled = await waitFor(job, (snapshot) => snapshot.hasTag('settled'))
    expect(settled.context.outcome).toEqual({ kind: 'code', code: 3 })
    expect(await exited).toEqual({ kind: 'code', code: 3 })
    expect(states.at(-1)).toBe('exited')
  })

  it('whose events the root actor emits for all processes', async () => {
    const supervisor = await aHome().supervisor()
    const told: string[] = []
    supervisor.actor.on('*', (event) => told.push(`${event.type} ${event.id}`))
    const { id } = await supervisor.start(sh('exit 0', { id: 'a' }))
    await supervisor.wait(id)
    expect(told).toEqual(['process.started a', 'process.ready a', 'process.exited a', 'process.settled a'])
  })

  it('whose record is in the table: an atom for each, a revision for arrivals and departures', async () => {
    const supervisor = await aHome().supervisor()
    const revisions: number[] = []
    supervisor.table.subscribe((snapshot) => revisions.push(snapshot.context.revision))
    const { id } = await supervisor.start(sh('exit 0'))
    const atom = supervisor.table.getSnapshot().context.processes.get(id)
    await supervisor.wait(id)
    expect(atom?.get()).toEqual(supervisor.get(id))
    await supervisor.remove(id)
    expect(revisions).toEqual([1, 2])
  })

  it('whose listeners in the table throw is started, stopped and on record all the same; the other listeners hear of it, and it is told', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const heard: string[] = []
    const bug = () => {
      throw new Error('a bug of the host')
    }
    supervisor.table.subscribe(bug)
    supervisor.table.subscribe(() => heard.push('arrival'))
    await supervisor.start(sleeper({ id: 'job', restart: 'always' }))
    const atom = supervisor.table.getSnapshot().context.processes.get('job')
    atom?.subscribe(bug)
    atom?.subscribe(({ state }) => heard.push(state))
    expect(await supervisor.stop('job')).toMatchObject({ status: 'cancelled' })
    expect([...new Set(heard)]).toEqual(['arrival', 'stopping', 'exited'])
    expect(JSON.parse(readFileSync(home.jobFile('job', 'state.json'), 'utf8')).snapshot).toMatchObject({ value: 'exited', context: { cancelled: true } })
    expect(supervisor.problems.length).toBeGreaterThan(0)
    for (const { message } of supervisor.problems) expect(message).toContain('a listener of the table has thrown: Error: a bug of the host')
  })

  it('whose failure is told to who waits for it, and harms nobody else', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(sleeper({ id: 'good' }))
    const bad = await supervisor.start(sleeper({ id: 'bad' }))
    const waiting = rejection(supervisor.wait('bad'))
    bad.send({ type: 'process.stop' } as never)
    bad.send({ type: 'run.ended', run: 1 } as never)
    expect((await waiting).code).toBe('PROCMAN_PROCESS_DAMAGED')
    expect((await rejection(supervisor.wait('bad'))).code).toBe('PROCMAN_PROCESS_DAMAGED')
    for (const method of ['stop', 'restart', 'launch', 'remove'] as const)
      expect((await rejection(supervisor[method]('bad'))).code, method).toBe('PROCMAN_PROCESS_DAMAGED')
    expect(supervisor.problems).toMatchObject([{ id: 'bad' }])
    expect(await supervisor.stop('good')).toMatchObject({ status: 'cancelled' })
    await supervisor.close()
    const next = await home.supervisor()
    await until('the next manager has it again', () => ['running', 'stopping', 'exited'].includes(next.get('bad').state))
  })
})

describe('an inspector', () => {
  it('sees every actor, event and snapshot', async () => {
    const seen: InspectionEvent[] = []
    const supervisor = await aHome().supervisor({ inspect: (event) => void seen.push(event) })
    const { id } = await supervisor.start(sh('exit 0', { id: 'watched' }))
    await supervisor.wait(id)
    const of = (type: string) => seen.filter((event) => event.type === type)
    expect(of('@xstate.actor').map((event) => (event.actorRef as { id?: string }).id)).toEqual(
      expect.arrayContaining(['registry', 'directory', 'watched', 'run']),
    )
    expect(of('@xstate.event').map((event) => ('event' in event ? event.event.type : ''))).toEqual(
      expect.arrayContaining(['supervisor.add', 'process.start', 'run.launched', 'run.ended']),
    )
  })

  it('that throws away nothing and is given the sanitizers shows no secret', async () => {
    const home = aHome()
    const shown: string[] = []
    const seen: InspectionEvent[] = []
    const supervisor = await home.supervisor({ inspect: (event) => void seen.push(event) })
    const env = { API_TOKEN: 'hunter2', DATABASE_URL: 'postgres://me:hunter3@host/db', PLAIN: 'plain-value' }
    const { id } = await supervisor.start(sleeper({ env }))
    for (const event of seen) {
      if (event.type === '@xstate.event') shown.push(JSON.stringify(sanitizeEvent(event.event)))
      // As @statelyai/inspect does: it has the context sanitized and shows the rest of a snapshot as it is, the input of effects too.
      if (event.type === '@xstate.snapshot') {
        const context = 'context' in event.snapshot ? { context: sanitizeContext(event.snapshot.context as object) } : {}
        shown.push(JSON.stringify({ ...event.snapshot, ...context, children: undefined, refs: undefined }))
      }
    }
    expect(shown.join('\n')).toContain('plain-value')
    expect(shown.join('\n')).not.toMatch(/hunter/)
    expect(supervisor.ref(id).getSnapshot().context.spec.env).toEqual(env)
  })

  it('of @statelyai/inspect takes the sanitizers as they are', () => {
    expectTypeOf(sanitizeContext).toExtend<NonNullable<NonNullable<Parameters<typeof createBrowserInspector>[0]>['sanitizeContext']>>()
    expectTypeOf(sanitizeEvent).toExtend<NonNullable<NonNullable<Parameters<typeof createBrowserInspector>[0]>['sanitizeEvent']>>()
    expect(typeof createBrowserInspector).toBe('function')
  })
})

describe("a supervisor inside somebody's own machine", () => {
  const parentOf = (stateDir: string) =>
    setup({ actors: { procman: supervisorLogic({ stateDir }) } }).createMachine({
      initial: 'working',
      states: { working: { invoke: { id: 'procman', src: 'procman', input: { stateDir } }, on: { leave: 'resting' } }, resting: {} },
    })
  const childOf = (parent: { getSnapshot(): { children: Record<string, unknown> } }) =>
    supervisorOf(parent.getSnapshot().children.procman as ActorRefFrom<SupervisorMachine>)

  it.each(['leaves the state that invoked it', 'is stopped'])('works, and lets go when its parent %s', async (how) => {
    const home = aHome()
    const parent = createActor(parentOf(home.stateDir)).start()
    const supervisor = await childOf(parent)
    const { id } = await supervisor.start(sleeper())
    const { pid } = supervisor.get(id)
    const waiting = rejection(supervisor.wait(id))
    const watching = supervisor.watch(id, () => {})
    if (how === 'is stopped') parent.stop()
    else parent.send({ type: 'leave' })
    expect(existsSync(`${home.stateDir}/manager.lock`)).toBe(false)
    expect(lives(pid)).toBe(true)
    expect((await waiting).code).toBe('PROCMAN_CLOSED')
    await watching
    expect((await rejection(supervisor.stop(id))).code).toBe('PROCMAN_CLOSED')
    expect((await rejection(supervisor.signal(id, 'SIGTERM'))).code).toBe('PROCMAN_CLOSED')
    await supervisor.shutdown()
    await supervisor.close()
    expect(lives(pid)).toBe(true)
    const next = await home.supervisor()
    await inState(next.ref(id), 'running')
    expect(next.get(id).pid).toBe(pid)
  })

  it('that cannot have the directory rejects, and does not fail its parent', async () => {
    const home = aHome()
    await home.supervisor()
    const parent = createActor(parentOf(home.stateDir)).start()
    expect((await rejection(childOf(parent))).code).toBe('PROCMAN_STATE_DIR_LOCKED')
    expect(parent.getSnapshot().status).toBe('active')
    parent.stop()
  })
})

describe('a program that has closed its supervisor', () => {
  it.each(['native', 'node'])('ends by itself, and what it started goes on (%s keeper)', async (keeper) => {
    const home = aHome()
    const program = spawn(process.execPath, [fixture('leaves.mjs'), DIST, home.stateDir, keeper], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    program.stdout.on('data', (data) => {
      said += data
    })
    const [code] = await once(program, 'exit')
    expect([code, said]).toEqual([0, 'closed\n'])
    const next = await home.supervisor()
    await inState(next.ref('kept'), 'running')
    kill(next.get('kept').pid)
    expect(await next.wait('kept')).toMatchObject({ signal: 'SIGKILL' })
  })
})
