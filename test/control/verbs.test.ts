/** One suite, run against the library itself and against a client of a manager: whoever uses one can use the other. */
import { describe, expect, it } from 'vitest'
import { waitFor } from 'xstate'
import type { Supervisor } from '../../src/api.ts'
import { aHome, lives, obedient, outputOf, rejection, sh, sleeper, until } from '../e2e/harness.ts'
import { served } from './harness.ts'

const SIDES: readonly (readonly [name: string, open: () => Promise<Supervisor>])[] = [
  ['a supervisor', () => aHome().supervisor()],
  ['a client', async () => (await served()).client],
]

describe.each(SIDES)('%s', (_name, open) => {
  it('starts, shows, restarts, stops and removes a process', async () => {
    const supervisor = await open()
    const ref = await supervisor.start(sleeper({ id: 'one', labels: { tier: 'web' }, env: { API_KEY: 'secret' } }))
    expect(ref.id).toBe('one')
    expect(ref.getSnapshot().matches('running')).toBe(true)
    expect(supervisor.actor.getSnapshot().hasTag('open')).toBe(true)
    expect(Object.isFrozen(supervisor.get('one').labels)).toBe(true)
    expect(supervisor.get('o')).toMatchObject({ id: 'one', state: 'running', env: { API_KEY: '***' } })
    expect(supervisor.list({ labels: { tier: 'web' }, status: 'running' }).map(({ id }) => id)).toEqual(['one'])
    expect(supervisor.table.getSnapshot().context.processes.get('one')?.get()).toEqual(supervisor.get('one'))
    const restarted = await supervisor.restart('one')
    expect(restarted.run).toBe(2)
    expect(Object.isFrozen(restarted.labels)).toBe(true)
    const { pid } = supervisor.get('one')
    expect(await supervisor.stop('one')).toMatchObject({ state: 'exited', status: 'cancelled' })
    expect(lives(pid)).toBe(false)
    expect(await supervisor.launch('one')).toMatchObject({ state: 'running', run: 3 })
    expect((await rejection(supervisor.remove('one'))).code).toBe('PROCMAN_WRONG_STATE')
    await supervisor.cancel('one', { timeoutMs: 0 })
    await supervisor.remove('one')
    expect(supervisor.list()).toEqual([])
    expect(ref.getSnapshot().status).toBe('stopped')
  })

  it('tells what becomes of a process by its actor', async () => {
    const supervisor = await open()
    const all: string[] = []
    supervisor.actor.on('*', ({ type }) => all.push(type))
    const ref = await supervisor.start(obedient({ id: 'one', restart: { strategy: 'on-failure', delayMs: 0, maxAttempts: 1 } }))
    const states: string[] = []
    const exits: unknown[] = []
    ref.subscribe(({ value }) => void (value !== states.at(-1) && states.push(value)))
    ref.on('process.exited', ({ outcome }) => exits.push(outcome))
    await supervisor.write('one', 'exit 7\n')
    await waitFor(ref, ({ value, context }) => value === 'running' && context.run === 2)
    expect(exits).toEqual([{ kind: 'code', code: 7 }])
    expect(states).toEqual(expect.arrayContaining(['backoff', 'starting', 'running']))
    await supervisor.write('one', 'exit 8\n')
    expect(await supervisor.wait('one')).toMatchObject({ state: 'exited', exit_code: 8, gave_up: true })
    await until('the end is told', () => all.includes('process.gave-up') && all.at(-1) === 'process.settled')
    expect(all.filter((type) => type === 'process.started')).toHaveLength(2)
  })

  it('tells how far a process is, by a regular expression with its flags', async () => {
    const supervisor = await open()
    const progress = { pattern: /STEP (?<current>\d) of (?<total>\d)/i }
    const ref = await supervisor.start(sh('echo step 1 of 4; read go; echo step 3 of 4', { id: 'one', stdin: 'pipe', progress }))
    const told: (number | null)[] = []
    ref.on('process.progressed', (event) => told.push(event.progress.percent))
    await until('it is known', () => supervisor.get('one').progress?.percent === 25)
    await supervisor.write('one', 'go\n')
    expect(await supervisor.wait('one')).toMatchObject({ status: 'completed', progress: { percent: 75, current: 3, total: 4 } })
    await until('it is told', () => told.at(-1) === 75)
  })

  it('takes what is sent to an actor, and drops what it would not take', async () => {
    const supervisor = await open()
    const ref = await supervisor.start(sleeper({ id: 'one' }))
    expect(ref.getSnapshot().can({ type: 'process.start', atMs: 0 })).toBe(false)
    ref.send({ type: 'process.start', atMs: Date.now() })
    ref.send({ type: 'process.stop', atMs: Date.now() })
    await waitFor(ref, (snapshot) => snapshot.hasTag('settled'))
    expect(supervisor.problems).toEqual([])
  })

  it('waits for what it is asked to wait for, and not longer', async () => {
    const supervisor = await open()
    await supervisor.start(sleeper({ id: 'one' }))
    expect((await supervisor.waitFor('one', 'ready')).ready).toBe(true)
    expect(await rejection(supervisor.wait('one', { timeoutMs: 0 }))).toMatchObject({
      code: 'PROCMAN_TIMEOUT',
      message: 'process one is still running after 0 ms',
    })
    const aborted = new AbortController()
    const waiting = rejection(supervisor.wait('one', { signal: aborted.signal }))
    aborted.abort()
    expect((await waiting).code).toBe('PROCMAN_ABORTED')
    await supervisor.signal('one', 'SIGKILL')
    expect((await supervisor.wait('one')).signal).toBe('SIGKILL')
    expect((await rejection(supervisor.waitFor('one', 'ready'))).code).toBe('PROCMAN_NOT_READY')
  })

  it('writes to stdin, whatever the bytes and however many, and closes it', async () => {
    const supervisor = await open()
    const bytes = Buffer.alloc(600_000, Buffer.from([0, 255, 10, 13, 200]))
    await supervisor.start({ command: 'cat', id: 'cat', stdin: 'pipe' })
    await Promise.all([supervisor.write('cat', bytes), supervisor.write('cat', 'the end')])
    await supervisor.closeStdin('cat')
    await supervisor.wait('cat')
    expect((await rejection(supervisor.write('cat', 'x'))).code).toBe('PROCMAN_STDIN_CLOSED')
    const output: Buffer[] = []
    for await (const { data } of supervisor.attach('cat')) output.push(data)
    expect(Buffer.concat(output).equals(Buffer.concat([bytes, Buffer.from('the end')]))).toBe(true)
  })

  it('shows output by pieces and by lines', async () => {
    const supervisor = await open()
    await supervisor.start(sh('printf "a\\nb\\r\\nc"; printf x >&2; exit 0', { id: 'one' }))
    await supervisor.wait('one')
    expect(await outputOf(supervisor, 'one')).toBe('a\nb\r\nc')
    const arrival = { at: expect.any(Number), seq: expect.any(Number) }
    const lines: unknown[] = []
    for await (const line of supervisor.watch('one', { stderr: false, tail: 2 })) lines.push(line)
    expect(lines).toEqual([
      { text: 'b', stream: 'stdout', run: 1, ...arrival },
      { text: 'c', stream: 'stdout', run: 1, ...arrival, partial: true },
    ])
    const error = await rejection(
      supervisor.watch('one', () => {
        throw new Error('no more')
      }),
    )
    expect(error.message).toBe('no more')
  })

  it('declares anew, and says why something is held', async () => {
    const supervisor = await open()
    await supervisor.start(sleeper({ id: 'one' }))
    const { pid } = supervisor.get('one')
    expect(await supervisor.update('one', sleeper({ labels: { tier: 'web' } }))).toMatchObject({ pid, labels: { tier: 'web' } })
    expect(await supervisor.update('one', { command: 'sleep', args: ['601'] })).toMatchObject({ run: 2, args: ['601'] })
    await supervisor.start(sleeper({ id: 'two', autostart: false }))
    expect(await supervisor.hold('two', 'waits for one')).toMatchObject({ state: 'pending', waiting_for: 'waits for one' })
    expect(supervisor.get('two').waiting_for).toBe('waits for one')
  })

  it('cleans up, checks with the operating system, and shuts down', async () => {
    const supervisor = await open()
    await supervisor.start(sleeper({ id: 'up' }))
    await supervisor.start(sh('exit 0', { id: 'down' }))
    await supervisor.wait('down')
    expect(await supervisor.cleanup({ olderThanMs: 60_000 })).toEqual([])
    expect(await supervisor.cleanup()).toEqual(['down'])
    const { pid } = supervisor.get('up')
    expect((await supervisor.refresh()).map(({ id }) => id)).toEqual(['up'])
    await supervisor.shutdown()
    expect(lives(pid)).toBe(false)
    expect(supervisor.actor.getSnapshot()).toMatchObject({ value: 'closed', status: 'done' })
    expect((await rejection(supervisor.start(sleeper()))).code).toBe('PROCMAN_CLOSED')
    await supervisor.close()
  })
})

function circle(): Record<string, never> {
  const meta: Record<string, unknown> = {}
  meta.meta = meta
  return meta as Record<string, never>
}

const REFUSED: readonly (readonly [what: string, code: string, ask: (supervisor: Supervisor) => Promise<unknown>])[] = [
  ['an unknown id', 'PROCMAN_PROCESS_UNKNOWN', (supervisor) => supervisor.stop('nobody')],
  ['an empty id', 'PROCMAN_PROCESS_UNKNOWN', (supervisor) => supervisor.restart('')],
  ['an id that is a path', 'PROCMAN_PROCESS_UNKNOWN', (supervisor) => supervisor.remove('../one')],
  ['an id that fits two', 'PROCMAN_PROCESS_AMBIGUOUS', (supervisor) => supervisor.stop('on')],
  ['an id that is taken', 'PROCMAN_PROCESS_EXISTS', (supervisor) => supervisor.start(sleeper({ id: 'one' }))],
  ['a spec that is wrong', 'PROCMAN_INVALID_SPEC', (supervisor) => supervisor.start({ command: '', nonsense: 1 } as never)],
  ['no spec at all', 'PROCMAN_INVALID_SPEC', (supervisor) => supervisor.start(null as never)],
  ['a command that is not there', 'PROCMAN_LAUNCH_FAILED', (supervisor) => supervisor.start({ command: 'no-such-program', id: 'gone' })],
  [
    'a spec that JSON would make another of',
    'PROCMAN_INVALID_SPEC',
    (supervisor) => supervisor.start({ command: 'true', origin: Infinity, meta: { at: new Date(0), n: 1n } } as never),
  ],
  ['a spec that goes in circles', 'PROCMAN_INVALID_SPEC', (supervisor) => supervisor.start({ command: 'true', meta: circle() })],
  ['another id for what there is', 'PROCMAN_INVALID_SPEC', (supervisor) => supervisor.update('one', sleeper({ id: 'two' }))],
  ['a new spec for what there is not', 'PROCMAN_PROCESS_UNKNOWN', (supervisor) => supervisor.update('nobody', { command: '' })],
  ['no signal', 'PROCMAN_INVALID_ARGUMENT', (supervisor) => supervisor.signal('one', undefined as never)],
  ['a reason that is none', 'PROCMAN_INVALID_ARGUMENT', (supervisor) => supervisor.hold('one', Infinity as never)],
  ['to write nothing', 'PROCMAN_INVALID_ARGUMENT', (supervisor) => supervisor.write('one', undefined as never)],
  ['a tail that is none', 'PROCMAN_INVALID_ARGUMENT', async (supervisor) => supervisor.attach('one', { tail: null as never })],
  ['a signal that is none', 'PROCMAN_INVALID_ARGUMENT', (supervisor) => supervisor.signal('one', 'SIGNOTHING')],
  ['a negative time', 'PROCMAN_INVALID_ARGUMENT', async (supervisor) => supervisor.stop('one', { timeoutMs: -1 })],
  ['a condition that there is not', 'PROCMAN_INVALID_ARGUMENT', (supervisor) => supervisor.waitFor('one', 'happy' as never)],
  ['stdin of one that has none', 'PROCMAN_STDIN_CLOSED', (supervisor) => supervisor.write('one', 'x')],
  ['launching what is up', 'PROCMAN_WRONG_STATE', (supervisor) => supervisor.launch('one')],
]

it('a client is refused the same as the library refuses, with the same words and details', async () => {
  const told = []
  for (const [, open] of SIDES) {
    const supervisor = await open()
    await supervisor.start(sleeper({ id: 'one' }))
    await supervisor.start(sleeper({ id: 'only' }))
    const errors: unknown[] = []
    for (const [what, code, ask] of REFUSED) {
      const error = await rejection(ask(supervisor))
      expect([what, error.code]).toEqual([what, code])
      errors.push([what, error.message, error.details])
    }
    told.push(errors)
  }
  expect(told[1]).toEqual(told[0])
})
