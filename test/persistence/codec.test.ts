import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createActor, type Snapshot } from 'xstate'
import { processMachine } from '../../src/machines/process/machine.ts'
import { toRecord } from '../../src/machines/process/record.ts'
import { decodeSnapshot, decodeSpec, encodeSnapshot, FORMAT, toRestorable } from '../../src/persistence/codec.ts'
import { ID_PATTERN } from '../../src/persistence/spec-shape.ts'
import { aContext, aSpec, code, EPOCH_MS } from '../machines/fixtures.ts'
import { fakeWorld } from '../machines/world.ts'
import { anyContext, STATES } from './arbitrary.ts'

/** A state file of a process that has been through most of what there is. */
const record = (format = 2): string => readFileSync(new URL(`../records/format-${format}.json`, import.meta.url), 'utf8')

const textOf = (value: string, context: unknown) => encodeSnapshot({ value, context }, EPOCH_MS)

/** A good envelope with one thing changed in it. */
function spoiled(path: string, value: unknown): string {
  const envelope = JSON.parse(textOf('backoff', aContext({ run: 1, identity: { pid: 77, start: '1', boot: 'b' }, outcome: code(0), retryAtMs: EPOCH_MS })))
  const names = path.split('.')
  const last = names.pop() ?? ''
  const target = names.reduce((part: Record<string, Record<string, never>>, name) => part[name] ?? {}, envelope)
  Object.assign(target, { [last]: value })
  return JSON.stringify(envelope)
}

describe('a snapshot', () => {
  it('comes back from its text as it was, whatever is in it', () => {
    fc.assert(
      fc.property(fc.constantFrom(...STATES), anyContext, (value, context) => {
        const decoded = decodeSnapshot(textOf(value, context), 'web')
        if (decoded.kind === 'damaged') throw new Error(decoded.reason)
        expect(decoded.snapshot.value).toBe(value)
        expect(decoded.snapshot.context).toEqual(JSON.parse(JSON.stringify(context)))
        expect(decoded.snapshot.context).toEqual(context)
      }),
      { numRuns: 300 },
    )
  })

  it('that can be read can be shown, and restored without an error', () => {
    const { logic, clock } = fakeWorld()
    fc.assert(
      fc.property(fc.constantFrom(...STATES), anyContext, (value, context) => {
        const decoded = decodeSnapshot(textOf(value, context), 'web')
        if (decoded.kind === 'damaged') throw new Error(decoded.reason)
        expect(() => toRecord(value, decoded.snapshot.context)).not.toThrow()
        const actor = createActor(logic, { snapshot: toRestorable(decoded.snapshot) as Snapshot<unknown>, input: undefined as never, clock }).start()
        expect(actor.getSnapshot().status).toBe('active')
        actor.stop()
      }),
    )
  })

  it('keeps labels and variables with names that objects have of their own', () => {
    const names = JSON.parse('{"constructor":"a","prototype":"b","toString":"c","__proto__":"d"}')
    const decoded = decodeSnapshot(textOf('pending', aContext({ spec: aSpec({ labels: names, env: names }) })), 'web')
    if (decoded.kind === 'damaged') throw new Error(decoded.reason)
    expect(Object.keys(decoded.snapshot.context.spec.labels)).toEqual(Object.keys(names))
    expect(Object.keys(decoded.snapshot.context.spec.env)).toEqual(Object.keys(names))
  })

  it('gets the effects of its state from its checked context, not from the file', () => {
    const envelope = JSON.parse(textOf('stopping', aContext({ run: 3, stop: { purpose: 'stop', askedAtMs: EPOCH_MS, rungs: [], killAtMs: EPOCH_MS } })))
    envelope.snapshot.children = { run: { src: 'run', snapshot: { status: 'active', input: { id: 'somebody-else', run: 9 } } } }
    const decoded = decodeSnapshot(JSON.stringify(envelope), 'web')
    expect(decoded).toMatchObject({ snapshot: { children: { run: { id: 'web', run: 3 }, terminate: { id: 'web', run: 3, killAtMs: EPOCH_MS } } } })
    expect(JSON.stringify(decoded)).not.toContain('somebody-else')
  })

  it.each(STATES)('in %s names the effects that the machine invokes there, with the same input', (state) => {
    const context = aContext({
      run: 1,
      retryAtMs: EPOCH_MS,
      stop: { purpose: 'stop', askedAtMs: EPOCH_MS, rungs: [{ signal: 'SIGTERM', atMs: EPOCH_MS }], killAtMs: EPOCH_MS },
    })
    const decoded = decodeSnapshot(textOf(state, context), 'web')
    const invoke = processMachine.states[state]?.invoke ?? []
    expect(Object.keys(decoded.kind === 'ok' ? decoded.snapshot.children : {})).toEqual(invoke.map(({ src }) => src))
  })
})

describe('what is damaged is told, never thrown', () => {
  const whole = record()

  it('cut off at every length', () => {
    for (let length = 0; length < Buffer.byteLength(whole) - 1; length++) {
      const { kind } = decodeSnapshot(Buffer.from(whole).subarray(0, length).toString('utf8'), 'format-2')
      if (kind !== 'damaged') throw new Error(`read as whole at ${length} bytes`)
    }
  })

  it('random bytes, random text, random JSON', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => decodeSnapshot(Buffer.from(bytes).toString('utf8'), 'web').kind === 'damaged'))
    fc.assert(fc.property(fc.string(), (text) => decodeSnapshot(text, 'web').kind === 'damaged'))
    fc.assert(fc.property(fc.json(), (text) => decodeSnapshot(text, 'web').kind === 'damaged'))
  })

  it('any byte replaced by any other', () => {
    const bytes = Buffer.from(whole)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const changed = Buffer.from(bytes)
        changed[at] = byte
        const decoded = decodeSnapshot(changed.toString('utf8'), 'format-2')
        // What still reads as good is a good snapshot of this process all the same.
        if (decoded.kind === 'ok') expect(() => toRecord(decoded.snapshot.value, decoded.snapshot.context)).not.toThrow()
      }),
      { numRuns: 500 },
    )
  })

  it('brackets without end', () => {
    expect(decodeSnapshot('['.repeat(1_000_000), 'web').kind).toBe('damaged')
    expect(decodeSnapshot(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, 'web').kind).toBe('damaged')
  })

  it.each([
    ['a newer format', spoiled('format', FORMAT + 1), `its format is ${FORMAT + 1}, and this version reads up to ${FORMAT}`],
    ['format 0', spoiled('format', 0), 'its format is 0, and this version reads up to 2'],
    ['a format that is no number', spoiled('format', '1'), 'its format is "1", and this version reads up to 2'],
    ['no format', '{}', 'its format is undefined, and this version reads up to 2'],
    ['a format with a name of objects', spoiled('format', 'constructor'), 'its format is "constructor"'],
    ['null', 'null', 'its format is undefined'],
    ['no JSON', 'nonsense', 'it is not JSON'],
    ['nothing', '', 'it is not JSON'],
    ['a snapshot of another process', spoiled('snapshot.context.spec.id', 'other'), 'it belongs to process "other"'],
    ['an id that is a path', spoiled('snapshot.context.spec.id', '../web'), 'snapshot.context.spec.id'],
    ['an unknown state', spoiled('snapshot.value', 'dancing'), 'snapshot.value'],
    ['a nested state', spoiled('snapshot.value', { running: 'x' }), 'snapshot.value'],
    ['a run that is no count', spoiled('snapshot.context.run', -1), 'snapshot.context.run'],
    ['a run with a fraction', spoiled('snapshot.context.run', 1.5), 'snapshot.context.run'],
    ['pid 1, which nobody may signal', spoiled('snapshot.context.identity.pid', 1), 'snapshot.context.identity.pid'],
    ['pid 0, which means everybody', spoiled('snapshot.context.identity.pid', 0), 'snapshot.context.identity.pid'],
    ['a negative pid, which means a group', spoiled('snapshot.context.identity.pid', -1), 'snapshot.context.identity.pid'],
    ['an unknown kind of outcome', spoiled('snapshot.context.outcome', { kind: 'magic' }), 'snapshot.context.outcome'],
    ['a NUL in the command', spoiled('snapshot.context.spec.command', 'a\0b'), 'snapshot.context.spec.command: has a NUL'],
    ['a NUL in a variable', spoiled('snapshot.context.spec.env', { A: '\0' }), 'snapshot.context.spec.env: has a NUL'],
    ['a label that is no text', spoiled('snapshot.context.spec.labels', { a: 1 }), 'snapshot.context.spec.labels'],
    ['labels in a list', spoiled('snapshot.context.spec.labels', ['a']), 'snapshot.context.spec.labels'],
    ['a time that no calendar has', spoiled('snapshot.context.createdAtMs', 9e15), 'snapshot.context.createdAtMs'],
    ['a wait before all calendars', spoiled('snapshot.context.retryAtMs', -1e300), 'snapshot.context.retryAtMs'],
    ['a kill that never comes', spoiled('snapshot.context.stop', 0).replace('"stop":0', '"stop":{"purpose":"stop","rungs":[],"killAtMs":1e999}'), 'killAtMs'],
    ['a kill at null', spoiled('snapshot.context.stop', { purpose: 'stop', rungs: [], killAtMs: null }), 'snapshot.context.stop.killAtMs'],
    ['a share that is none', spoiled('snapshot.context.spec.restart.jitter', 2), 'snapshot.context.spec.restart.jitter'],
    ['a port that is none', spoiled('snapshot.context.ports', { http: 65_536 }), 'snapshot.context.ports.http'],
    ['ports that are no numbers', spoiled('snapshot.context.spec.ports', { http: '80' }), 'snapshot.context.spec.ports.http'],
    ['an unknown cause', spoiled('snapshot.context.failure', { cause: 'magic', reason: '' }), 'snapshot.context.failure.cause'],
    ['counters that are none', spoiled('snapshot.context.counters', { crash: { streak: -1, atMs: [] } }), 'snapshot.context.counters.crash.streak'],
    ['an unknown breaker', spoiled('snapshot.context.breaker', { state: 'ajar', failuresAtMs: [], openUntilMs: null }), 'snapshot.context.breaker.state'],
    [
      'an unknown kind of probe',
      spoiled('snapshot.context.spec.health', { startup: { check: { kind: 'magic' } } }),
      'snapshot.context.spec.health.startup.check',
    ],
    ['a body that is no text', spoiled('snapshot.context.probes', { liveness: { body: {} } }), 'snapshot.context.probes.liveness.body'],
    ['a descriptor of ours', spoiled('snapshot.context.spec.ready', { kind: 'notify', fd: 1 }), 'snapshot.context.spec.ready.fd'],
    ['metadata that has parts', spoiled('snapshot.context.spec.meta', { a: {} }), 'snapshot.context.spec.meta.a'],
    ['an endless wait', spoiled('snapshot.context.spec.restart.delayMs', 0).replace('"delayMs":0', '"delayMs":1e999'), 'snapshot.context.spec.restart.delayMs'],
  ])('%s', (_name, text, reason) => {
    const decoded = decodeSnapshot(text, 'web')
    expect(decoded).toMatchObject({ kind: 'damaged', reason: expect.stringContaining(reason) })
  })
})

describe('the state file of format 1 that was kept', () => {
  it('is readable for ever', () => {
    const decoded = decodeSnapshot(record(1), 'format-1')
    if (decoded.kind === 'damaged') throw new Error(decoded.reason)
    expect(decoded.snapshot.value).toBe('stopping')
    expect(toRecord(decoded.snapshot.value, decoded.snapshot.context)).toMatchObject({
      id: 'format-1',
      command: 'hf',
      args: ['download', 'some model', ''],
      labels: { type: 'model-download' },
      pid: 4_242,
      run: 3,
      restarts: 2,
      started_at: '2026-01-02T03:04:05.006Z',
    })
    expect(decoded.snapshot.context.stop).toEqual({
      purpose: 'stop',
      askedAtMs: 0,
      rungs: [{ signal: 'SIGINT', atMs: 1_767_323_050_000 }],
      killAtMs: 1_767_323_055_000,
    })
  })
})

describe('the state file of format 2 that was kept', () => {
  it('is readable for ever', () => {
    const decoded = decodeSnapshot(record(), 'format-2')
    if (decoded.kind === 'damaged') throw new Error(decoded.reason)
    expect(toRecord(decoded.snapshot.value, decoded.snapshot.context)).toMatchObject({
      id: 'format-2',
      state: 'unhealthy',
      ready: false,
      run: 4,
      ports: { http: 30_001 },
      waiting_for: 'liveness probe failed 2 times: status 503',
      attempts: { crash: { in_a_row: 2 }, health: { in_a_row: 1 } },
      breaker: { state: 'half-open', open_until: null },
      health: { status: 'unhealthy', liveness: { verdict: 'failing', body: { status: 'down', token: '***' } }, readiness: { verdict: 'passing' } },
      meta: { tier: 1, dbName: 'eu' },
    })
    expect(decoded.snapshot.context.signalledAtMs).toBe(1_795_680_000_900)
    expect(Object.keys(decoded.snapshot.children)).toEqual(['run', 'probeHealth'])
  })
})

describe('a spec found in an intent', () => {
  it('of format 1 is one of today', () => {
    const { restart, ...spec } = JSON.parse(record(1)).snapshot.context.spec
    expect(decodeSpec({ ...spec, restart }, 'format-1')).toMatchObject({ restart: { strategy: 'on-failure', maxAttempts: 5 }, health: null, template: false })
  })

  it('is believed when it is one, and of this process', () => {
    expect(decodeSpec(JSON.parse(JSON.stringify(aSpec())), 'web')).toEqual(aSpec())
    expect(decodeSpec(aSpec(), 'other')).toBeNull()
    expect(decodeSpec({ ...aSpec(), args: [1] }, 'web')).toBeNull()
    for (const nothing of [null, undefined, 1, 'x', [], {}]) expect(decodeSpec(nothing, 'web')).toBeNull()
  })
})

describe('an id', () => {
  it.each(['a', 'A9', '_x', 'a.b-c_d', '0', 'x'.repeat(100)])('%s is one', (id) => {
    expect(ID_PATTERN.test(id)).toBe(true)
  })

  it.each(['', '.', '..', '.a', '-a', 'a/b', 'a\\b', 'a b', 'a\n', 'ä', 'a\0', 'x'.repeat(101)])('%j is none', (id) => {
    expect(ID_PATTERN.test(id)).toBe(false)
  })
})
