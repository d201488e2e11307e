import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createActor, type Snapshot } from 'xstate'
import type { ProcessEvent } from '../../src/machines/process/events.ts'
import { processMachine } from '../../src/machines/process/machine.ts'
import { toRecord } from '../../src/machines/process/record.ts'
import { decideRestart } from '../../src/machines/process/restart.ts'
import { explainProcess } from '../../src/machines/process/why.ts'
import { decodeSnapshot, decodeSpec, encodeSnapshot, FORMAT, toRestorable } from '../../src/persistence/codec.ts'
import { ID_PATTERN } from '../../src/persistence/spec-shape.ts'
import { aContext, aProbe, aSpec, code, DEFAULT_LOGS, EPOCH_MS } from '../machines/fixtures.ts'
import { fakeWorld } from '../machines/world.ts'
import { anyContext, STATES } from './arbitrary.ts'

/** A state file of a process that has been through most of what there was in that format. */
const record = (format: number): string => readFileSync(new URL(`../records/format-${format}.json`, import.meta.url), 'utf8')

function read(format: number, change: (envelope: ReturnType<typeof JSON.parse>) => void = () => {}) {
  const envelope = JSON.parse(record(format))
  change(envelope)
  return decodeSnapshot(JSON.stringify(envelope), `format-${format}`)
}

const textOf = (value: string, context: unknown) => encodeSnapshot({ value, context }, EPOCH_MS)

const RICH = aContext({
  run: 1,
  identity: { pid: 77, start: '1', boot: 'b' },
  outcome: code(0),
  retryAtMs: EPOCH_MS,
  spec: aSpec({
    breaker: {},
    ports: { http: { from: 8_000, to: 8_010, host: null } },
    health: {
      startup: aProbe({ check: { kind: 'exec', command: 'true', args: [], cwd: null, env: {} } }),
      liveness: aProbe({ check: { kind: 'http', url: 'http://localhost', method: 'GET', headers: {}, status: [[200, 200]], tls: {} } }),
      readiness: aProbe({ check: { kind: 'grpc', host: 'localhost', port: '1', service: '', tls: { ca: 'x' } } }),
    },
    ready: { kind: 'notify', fd: 3 },
    meta: { a: 1 },
  }),
  counters: { crash: { streak: 1, atMs: [EPOCH_MS] } },
  breaker: { state: 'open', failuresAtMs: [EPOCH_MS], openUntilMs: EPOCH_MS },
  probes: { liveness: { verdict: 'passing', failures: 0, successes: 1, results: [{ atMs: EPOCH_MS, latencyMs: 1, cause: null }], body: null } },
  failure: { cause: 'health', reason: 'x' },
  ports: { http: 8_000 },
})

/** A good envelope with one thing changed in it. */
function spoiled(path: string, value: unknown): string {
  const envelope = JSON.parse(textOf('backoff', RICH))
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
        const shown = toRecord(value, decoded.snapshot.context)
        expect(() => JSON.stringify(shown) + explainProcess(shown, EPOCH_MS).join()).not.toThrow()
        const actor = createActor(logic, { snapshot: toRestorable(decoded.snapshot) as Snapshot<unknown>, input: undefined as never, clock }).start()
        expect(actor.getSnapshot().status).toBe('active')
        actor.stop()
      }),
    )
  })

  it('that can be read can be gone on with: what comes of it can be read again', () => {
    const { logic, clock } = fakeWorld()
    const answer = { latencyMs: 1, body: null, atMs: EPOCH_MS }
    const eventsOf = (run: number): ProcessEvent[] => [
      { type: 'probe.failed', run, probe: 'liveness', reason: 'x', ...answer },
      { type: 'probe.passed', run, probe: 'readiness', ...answer },
      { type: 'startup.timed-out', run, atMs: EPOCH_MS },
      { type: 'run.steadied', run, afterMs: 1_000, atMs: EPOCH_MS },
      { type: 'run.exited', run, outcome: code(1), atMs: EPOCH_MS, nowMs: EPOCH_MS },
      { type: 'run.ended', run, outcome: code(1), atMs: EPOCH_MS, nowMs: EPOCH_MS },
      { type: 'process.start', atMs: EPOCH_MS, force: true },
    ]
    fc.assert(
      fc.property(fc.constantFrom(...STATES), anyContext, (value, context) => {
        const decoded = decodeSnapshot(textOf(value, context), 'web')
        if (decoded.kind === 'damaged') throw new Error(decoded.reason)
        const actor = createActor(logic, { snapshot: toRestorable(decoded.snapshot) as Snapshot<unknown>, input: undefined as never, clock }).start()
        for (const event of eventsOf(context.run)) {
          actor.send(event)
          const again = decodeSnapshot(encodeSnapshot(actor.getPersistedSnapshot(), EPOCH_MS), 'web')
          if (again.kind === 'damaged') throw new Error(`${event.type}: ${again.reason}`)
        }
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
  const FORMATS = [1, 2, 3, 4]

  it.each(FORMATS)('format %i, cut off at every length', (format) => {
    const whole = Buffer.from(record(format))
    for (let length = 0; length < whole.length - 1; length++) {
      const { kind } = decodeSnapshot(whole.subarray(0, length).toString('utf8'), `format-${format}`)
      if (kind !== 'damaged') throw new Error(`read as whole at ${length} bytes`)
    }
  })

  it('random bytes, random text, random JSON', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => decodeSnapshot(Buffer.from(bytes).toString('utf8'), 'web').kind === 'damaged'))
    fc.assert(fc.property(fc.string(), (text) => decodeSnapshot(text, 'web').kind === 'damaged'))
    fc.assert(fc.property(fc.json(), (text) => decodeSnapshot(text, 'web').kind === 'damaged'))
  })

  it.each(FORMATS)('format %i, any byte replaced by any other', (format) => {
    const bytes = Buffer.from(record(format))
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const changed = Buffer.from(bytes)
        changed[at] = byte
        const decoded = decodeSnapshot(changed.toString('utf8'), `format-${format}`)
        // What still reads as good is a good snapshot of this process all the same.
        if (decoded.kind === 'ok') expect(() => toRecord(decoded.snapshot.value, decoded.snapshot.context)).not.toThrow()
      }),
      { numRuns: 500 },
    )
  })

  it.each(FORMATS)('format %i, without any one of its parts', (format) => {
    const without = (part: object): void => {
      for (const [key, value] of Object.entries(part)) {
        Reflect.deleteProperty(part, key)
        const decoded = decodeSnapshot(JSON.stringify(envelope), `format-${format}`)
        if (decoded.kind === 'ok') toRecord(decoded.snapshot.value, decoded.snapshot.context)
        Object.assign(part, { [key]: value })
        if (typeof value === 'object' && value !== null) without(value)
      }
    }
    const envelope = JSON.parse(record(format))
    without(envelope)
  })

  it('brackets without end', () => {
    expect(decodeSnapshot('['.repeat(1_000_000), 'web').kind).toBe('damaged')
    expect(decodeSnapshot(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, 'web').kind).toBe('damaged')
  })

  it.each([
    ['a newer format', spoiled('format', FORMAT + 1), `its format is ${FORMAT + 1}, and this version reads up to ${FORMAT}`],
    ['format 0', spoiled('format', 0), 'its format is 0, and this version reads up to 4'],
    ['a format that is no number', spoiled('format', '1'), 'its format is "1", and this version reads up to 4'],
    ['no format', '{}', 'its format is undefined, and this version reads up to 4'],
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
    // What services have brought.
    ['a strategy that nobody knows', spoiled('snapshot.context.spec.restart.strategy', 'sometimes'), 'snapshot.context.spec.restart.strategy'],
    ['half an attempt', spoiled('snapshot.context.spec.restart.maxAttempts', 0.5), 'snapshot.context.spec.restart.maxAttempts'],
    ['a multiplier that shortens', spoiled('snapshot.context.spec.restart.multiplier', 0.5), 'snapshot.context.spec.restart.multiplier'],
    ['a jitter above all', spoiled('snapshot.context.spec.restart.jitter', 1.1), 'snapshot.context.spec.restart.jitter'],
    ['a window without end', spoiled('snapshot.context.spec.restart.windowMs', 1e300), 'snapshot.context.spec.restart.windowMs'],
    ['an exit code that no process has', spoiled('snapshot.context.spec.restart.successExitCodes', [256]), 'snapshot.context.spec.restart.successExitCodes.0'],
    ['exit codes in no list', spoiled('snapshot.context.spec.restart.noRestartExitCodes', 1), 'snapshot.context.spec.restart.noRestartExitCodes'],
    ['a signal that is no text', spoiled('snapshot.context.spec.restart.successSignals', [15]), 'snapshot.context.spec.restart.successSignals.0'],
    ['a breaker of no failures', spoiled('snapshot.context.spec.breaker.failures', 0), 'snapshot.context.spec.breaker.failures'],
    ['a cooldown without end', spoiled('snapshot.context.spec.breaker.cooldownMs', 1e13), 'snapshot.context.spec.breaker.cooldownMs'],
    ['no breaker, and not even null', spoiled('snapshot.context.spec.breaker', undefined), 'snapshot.context.spec.breaker'],
    ['a port above all', spoiled('snapshot.context.spec.ports.http.to', 65_536), 'snapshot.context.spec.ports.http.to'],
    ['a host that is a number', spoiled('snapshot.context.spec.ports.http.host', 1), 'snapshot.context.spec.ports.http.host'],
    ['ports in a list', spoiled('snapshot.context.spec.ports', []), 'snapshot.context.spec.ports'],
    ['health that is true', spoiled('snapshot.context.spec.health', true), 'snapshot.context.spec.health'],
    ['a probe that nobody knows how to ask', spoiled('snapshot.context.spec.health.liveness.check', { kind: 'prayer' }), 'liveness.check'],
    ['a check of one kind with the parts of another', spoiled('snapshot.context.spec.health.startup.check.kind', 'http'), 'startup.check.url'],
    ['a NUL in a probe’s command', spoiled('snapshot.context.spec.health.startup.check.command', 'a\0'), 'startup.check.command: has a NUL'],
    ['a header that is no text', spoiled('snapshot.context.spec.health.liveness.check.headers', { a: 1 }), 'liveness.check.headers'],
    ['half a range of status codes', spoiled('snapshot.context.spec.health.liveness.check.status', [[200]]), 'liveness.check.status.0: must be a pair'],
    ['a range of three ends', spoiled('snapshot.context.spec.health.liveness.check.status', [[200, 201, 202]]), 'liveness.check.status.0: must be a pair'],
    ['a status beyond HTTP', spoiled('snapshot.context.spec.health.liveness.check.status', [[200, 1_000]]), 'liveness.check.status.0.1'],
    ['a key that is a list', spoiled('snapshot.context.spec.health.readiness.check.tls.key', []), 'readiness.check.tls.key'],
    ['a threshold of none', spoiled('snapshot.context.spec.health.liveness.failureThreshold', 0), 'liveness.failureThreshold'],
    ['an interval before now', spoiled('snapshot.context.spec.health.liveness.intervalMs', -1), 'liveness.intervalMs'],
    ['an unknown consequence', spoiled('snapshot.context.spec.health.liveness.onFailure', 'panic'), 'liveness.onFailure'],
    ['a descriptor that is stdout', spoiled('snapshot.context.spec.ready.fd', 1), 'snapshot.context.spec.ready.fd'],
    ['an unknown sign of readiness', spoiled('snapshot.context.spec.ready', { kind: 'smoke' }), 'snapshot.context.spec.ready'],
    ['a startup without end', spoiled('snapshot.context.spec.startupTimeoutMs', 1e300), 'snapshot.context.spec.startupTimeoutMs'],
    ['data in data', spoiled('snapshot.context.spec.meta.a', {}), 'snapshot.context.spec.meta.a'],
    ['a template that is 1', spoiled('snapshot.context.spec.template', 1), 'snapshot.context.spec.template'],
    ['counters in a list', spoiled('snapshot.context.counters', []), 'snapshot.context.counters'],
    ['a row of less than none', spoiled('snapshot.context.counters.crash.streak', -1), 'snapshot.context.counters.crash.streak'],
    ['a restart at no time', spoiled('snapshot.context.counters.crash.atMs', ['now']), 'snapshot.context.counters.crash.atMs.0'],
    ['a breaker that is ajar', spoiled('snapshot.context.breaker.state', 'ajar'), 'snapshot.context.breaker.state'],
    ['a breaker that is open for ever', spoiled('snapshot.context.breaker.openUntilMs', 1e300), 'snapshot.context.breaker.openUntilMs'],
    ['a verdict that is a mood', spoiled('snapshot.context.probes.liveness.verdict', 'fine'), 'snapshot.context.probes.liveness.verdict'],
    ['an answer at no time', spoiled('snapshot.context.probes.liveness.results', [{ latencyMs: 1, cause: null }]), 'probes.liveness.results.0.atMs'],
    ['an answer before it was asked for', spoiled('snapshot.context.probes.liveness.results.0.latencyMs', -1), 'probes.liveness.results.0.latencyMs'],
    ['a body that is no text', spoiled('snapshot.context.probes.liveness.body', {}), 'probes.liveness.body'],
    ['a failure without a reason', spoiled('snapshot.context.failure', { cause: 'health' }), 'snapshot.context.failure.reason'],
    ['a failure for no cause', spoiled('snapshot.context.failure.cause', 'fate'), 'snapshot.context.failure.cause'],
    ['port 0, which is none', spoiled('snapshot.context.ports.http', 0), 'snapshot.context.ports.http'],
    ['ready at no time', spoiled('snapshot.context.readyAtMs', 'soon'), 'snapshot.context.readyAtMs'],
    ['a sign at no time', spoiled('snapshot.context.signalledAtMs', true), 'snapshot.context.signalledAtMs'],
    ['a stop for no purpose', spoiled('snapshot.context.stop', { purpose: 'fun', rungs: [], killAtMs: EPOCH_MS }), 'snapshot.context.stop.purpose'],
    ['an endless wait', spoiled('snapshot.context.spec.restart.delayMs', 0).replace('"delayMs":0', '"delayMs":1e999'), 'snapshot.context.spec.restart.delayMs'],
  ])('%s', (_name, text, reason) => {
    const decoded = decodeSnapshot(text, 'web')
    expect(decoded).toMatchObject({ kind: 'damaged', reason: expect.stringContaining(reason) })
  })
})

describe('the state file of format 1 that was kept', () => {
  it('is readable for ever', () => {
    const decoded = read(1)
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

  const contextOf = (change?: Parameters<typeof read>[1]) => {
    const decoded = read(1, change)
    if (decoded.kind === 'damaged') throw new Error(decoded.reason)
    return decoded.snapshot.context
  }

  it('goes on with the policy that it had, and without what there was not', () => {
    const { spec, ...context } = contextOf()
    expect(spec.restart).toEqual({
      strategy: 'on-failure',
      maxAttempts: 5,
      delayMs: 1_000,
      multiplier: 2,
      maxDelayMs: 60_000,
      jitter: 0,
      resetAfterMs: 60_000,
      windowMs: 600_000,
      successExitCodes: [0],
      successSignals: [],
      noRestartExitCodes: [],
    })
    expect(spec).toMatchObject({ breaker: null, ports: {}, health: null, ready: null, startupTimeoutMs: 60_000, meta: {}, template: false })
    expect(context).toMatchObject({ breaker: null, probes: {}, failure: null, ports: {}, signalledAtMs: null })
  })

  it('has not forgotten the restarts that it has made in a row', () => {
    expect(contextOf().counters).toEqual({ crash: { streak: 2, atMs: [1_767_323_045_006, 1_767_323_045_006] } })
    expect(contextOf(({ snapshot }) => Object.assign(snapshot.context, { attempts: 0 })).counters).toEqual({})
  })

  it('is ready since it began when it is up, and not when it is not', () => {
    expect(contextOf().readyAtMs).toBe(1_767_323_045_006)
    expect(contextOf(({ snapshot }) => Object.assign(snapshot.context, { endedAtMs: 1_767_323_050_000 })).readyAtMs).toBeNull()
    expect(contextOf(({ snapshot }) => Object.assign(snapshot.context, { startedAtMs: null })).readyAtMs).toBeNull()
  })

  it('that fails once a day does not give up now, which it did not before', () => {
    const dayMs = 24 * 3_600_000
    const { spec, counters: first } = contextOf()
    let counters = first
    for (let day = 1; day <= 30; day++) {
      const endedAtMs = 1_767_323_045_006 + day * dayMs
      const ready = { startedAtMs: endedAtMs - dayMs, readyAtMs: endedAtMs - dayMs, endedAtMs, nowMs: endedAtMs, draw: 0 }
      const none = { breakerPolicy: null, breaker: null, endedFor: null, hasConflict: false, cancelled: false }
      const verdict = decideRestart({ policy: spec.restart, outcome: code(1), counters, ...ready, ...none })
      if (verdict.kind !== 'restart') throw new Error(verdict.reason)
      counters = verdict.counters
    }
  })

  it.each([
    ['attempts', -1],
    ['attempts', 1e300],
    ['attempts', 'many'],
  ])('with %s %j is read, or damaged, but no harm', (name, value) => {
    const decoded = read(1, ({ snapshot }) => Object.assign(snapshot.context, { [name]: value }))
    if (decoded.kind === 'ok') expect(decoded.snapshot.context.counters).toEqual({})
    else expect(decoded.reason).toContain('snapshot.context.counters.crash.streak')
  })

  it.each([
    ['maxRestarts', 'many', 'maxAttempts'],
    ['maxRestarts', -1, 'maxAttempts'],
    ['maxDelayMs', null, 'maxDelayMs'],
    ['resetAfterMs', {}, 'resetAfterMs'],
  ])('with a policy whose %s is %j is damaged', (name, value, told) => {
    const decoded = read(1, ({ snapshot }) => Object.assign(snapshot.context.spec.restart, { [name]: value }))
    expect(decoded).toMatchObject({ kind: 'damaged', reason: expect.stringContaining(`snapshot.context.spec.restart.${told}`) })
  })

  it('with the largest limit that could be declared is whole', () => {
    const { restart } = contextOf(({ snapshot }) => Object.assign(snapshot.context.spec.restart, { maxRestarts: Number.MAX_SAFE_INTEGER })).spec
    expect(restart).toMatchObject({ maxAttempts: Number.MAX_SAFE_INTEGER, windowMs: 1e12 })
  })

  it.each([
    'null',
    '[]',
    '{"format":1}',
    '{"format":1,"snapshot":null}',
    '{"format":1,"snapshot":{"context":[]}}',
    '{"format":1,"snapshot":{"context":{"spec":{"restart":{"maxRestarts":1}}}}}',
  ])('that is %s is damaged', (text) => expect(decodeSnapshot(text, 'format-1').kind).toBe('damaged'))
})

describe('the state file of format 2 that was kept', () => {
  const found = () => {
    const decoded = read(2)
    if (decoded.kind === 'damaged') throw new Error(decoded.reason)
    return decoded.snapshot
  }

  it('is readable for ever, and all of it is still known', () => {
    const { value, context, children } = found()
    expect(value).toBe('unhealthy')
    const old = JSON.parse(record(2)).snapshot.context
    expect(context).toEqual({
      ...old,
      waitingFor: null,
      progress: null,
      spec: { ...old.spec, dependsOn: {}, origin: null, logs: DEFAULT_LOGS, progress: null },
    })
    expect(children).toEqual({ run: { id: 'format-2', run: 4 }, probeHealth: { id: 'format-2', run: 4 } })
  })

  it('is shown as it was, without its secrets', () => {
    const { value, context } = found()
    expect(toRecord(value, context)).toMatchObject({
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
  })

  it('is gone on with: the trial that it was on has failed when it ends', () => {
    const { logic, clock } = fakeWorld()
    const actor = createActor(logic, { snapshot: toRestorable(found()) as Snapshot<unknown>, input: undefined as never, clock }).start()
    const atMs = 1_795_680_070_000
    actor.send({ type: 'run.ended', run: 4, outcome: code(1), atMs, nowMs: atMs })
    expect(actor.getSnapshot()).toMatchObject({
      value: 'backoff',
      context: { breaker: { state: 'open' }, retryAtMs: actor.getSnapshot().context.breaker?.openUntilMs },
    })
    actor.stop()
  })
})

describe('the state file of format 3 that was kept', () => {
  const found = () => {
    const decoded = read(3)
    if (decoded.kind === 'damaged') throw new Error(decoded.reason)
    return decoded.snapshot
  }

  it('is readable for ever, and all of it is still known', () => {
    const { value, context } = found()
    expect(value).toBe('stopping')
    const old = JSON.parse(record(3)).snapshot.context
    expect(context).toEqual({ ...old, progress: null, spec: { ...old.spec, logs: DEFAULT_LOGS, progress: null } })
    expect(toRecord(value, context)).toMatchObject({
      depends_on: { db: 'healthy', migrate: 'completed-successfully' },
      origin: '/srv/shop',
      stopping: { purpose: 'restart', reason: 'declared anew (env DB_PASSWORD)' },
    })
  })

  it('is gone on with: it is stopped as it was launched, and started as it is declared now', () => {
    const { logic, clock } = fakeWorld()
    const actor = createActor(logic, { snapshot: toRestorable(found()) as Snapshot<unknown>, input: undefined as never, clock }).start()
    const atMs = 1_795_680_070_000
    actor.send({ type: 'run.ended', run: 4, outcome: code(0), atMs, nowMs: atMs })
    expect(actor.getSnapshot()).toMatchObject({ value: 'starting', context: { run: 5, spec: { env: { DB_PASSWORD: 'y' } } } })
    expect(actor.getSnapshot().context.reasons.at(-1)?.text).toBe('restarted: declared anew (env DB_PASSWORD)')
    actor.stop()
  })
})

describe('the state file of format 4 that was kept', () => {
  it('is readable for ever, and all of it is still known', () => {
    const decoded = read(4)
    if (decoded.kind === 'damaged') throw new Error(decoded.reason)
    const { value, context } = decoded.snapshot
    expect(context).toEqual(JSON.parse(record(4)).snapshot.context)
    expect(toRecord(value, context)).toMatchObject({
      logs: { stderr: 'memory', maxFiles: 3, compress: 'gzip', maxTotalBytes: 104_857_600 },
      progress: { percent: 45, etaMs: 12_000, message: 'installing' },
    })
  })
})

describe('a spec found in an intent', () => {
  it('is believed when it is one, and of this process', () => {
    expect(decodeSpec(JSON.parse(JSON.stringify(aSpec())), 'web')).toEqual(aSpec())
    expect(decodeSpec(JSON.parse(JSON.stringify(RICH.spec)), 'web')).toEqual(RICH.spec)
    const { logs, progress, ...third } = aSpec()
    expect(decodeSpec(third, 'web')).toEqual(aSpec())
    const { dependsOn, origin, ...second } = third
    expect(decodeSpec(second, 'web')).toEqual(aSpec())
    const { breaker, ports, health, ready, startupTimeoutMs, meta, template, restart, ...old } = second
    const policy = { strategy: 'always', delayMs: 1_000, multiplier: 2, maxDelayMs: 60_000, maxRestarts: 3, resetAfterMs: 60_000 }
    expect(decodeSpec({ ...old, restart: policy }, 'web')).toEqual(aSpec({ restart: { strategy: 'always', maxAttempts: 3, windowMs: 360_000 } }))
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
