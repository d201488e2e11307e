/** Every path through the production machine, up to a bound, with every event that the world can produce. What must hold on each is said below. */

import { describe, expect, it } from 'vitest'
import { initialTransition, type SnapshotFrom, transition } from 'xstate'
import { getShortestPaths, type StatePath } from 'xstate/graph'
import { steadyAfterMs } from '../../../src/machines/process/attendance.ts'
import type { ProcessEvent } from '../../../src/machines/process/events.ts'
import { isReady } from '../../../src/machines/process/health.ts'
import { processMachine } from '../../../src/machines/process/machine.ts'
import { toRecord } from '../../../src/machines/process/record.ts'
import { decodeSnapshot, encodeSnapshot } from '../../../src/persistence/codec.ts'
import type { Outcome, ProbeName, ProbeState } from '../../../src/types.ts'
import { aProbe, aSpec, code, EPOCH_MS, notFound, notStarted, REPORTED, type SpecParts, signal, unknown } from '../fixtures.ts'

type ProcessSnapshot = SnapshotFrom<typeof processMachine>
type Path = StatePath<ProcessSnapshot, ProcessEvent>

const STATES = ['pending', 'starting', 'running', 'unhealthy', 'backoff', 'stopping', 'exited', 'orphaned']
const LAST_RUN = 2
const atMs = EPOCH_MS + 5

const ends = (run: number, outcome: Outcome): ProcessEvent[] => [
  { type: 'run.exited', run, outcome, atMs, nowMs: atMs },
  { type: 'run.ended', run, outcome, atMs, nowMs: atMs },
]

const PROBES: readonly ProbeName[] = ['startup', 'liveness', 'readiness']

const answers = (run: number, probe: ProbeName): ProcessEvent[] => [
  { type: 'probe.failed', run, probe, latencyMs: 1, body: null, reason: 'no answer', atMs },
  { type: 'probe.passed', run, probe, latencyMs: 1, body: null, atMs },
]

/** The startup probe gates the others, and is not asked once it has passed. */
const isGated = ({ spec, probes }: ProcessSnapshot['context']) => spec.health?.startup != null && probes.startup?.verdict !== 'passing'

/** What the effect that attends a run tells: nothing before it is launched, after it has ended, or of what it is not asked for. */
function healthIn({ value, context }: ProcessSnapshot): ProcessEvent[] {
  const { run, identity, outcome, spec } = context
  const afterMs = steadyAfterMs(context)
  if (identity === null || outcome !== null) return []
  const asked = PROBES.filter((probe) => spec.health?.[probe] != null && (probe === 'startup') === isGated(context))
  return [
    ...asked.flatMap((probe) => answers(run, probe)),
    ...(spec.ready === null ? [] : [{ type: 'ready.signalled', run, atMs } as const]),
    ...(value === 'starting' ? [{ type: 'startup.timed-out', run, atMs } as const] : []),
    ...(afterMs === null ? [] : [{ type: 'run.steadied', run, afterMs, atMs } as const]),
  ]
}

/** What the world may say next. A command is only in a run's past when something was launched. */
function eventsIn(snapshot: ProcessSnapshot): ProcessEvent[] {
  const { run, identity, spec } = snapshot.context
  const outcomes = identity === null ? [notFound, notStarted, unknown] : [code(0), code(1), signal('SIGKILL'), unknown]
  return [
    { type: 'process.start', atMs },
    { type: 'process.stop', atMs },
    { type: 'process.stop', atMs, timeoutMs: 0 },
    { type: 'process.restart', atMs },
    { type: 'process.reset', atMs },
    { type: 'process.signal', atMs, signal: 'SIGHUP', target: 'group', request: 'r' },
    { type: 'deadline.passed', atMs },
    { type: 'run.launched', run, identity: { pid: 100 + run, start: '1', boot: 'b' }, atMs: EPOCH_MS },
    { type: 'run.keeper-lost', run, atMs },
    { type: 'stop.escalated', run, signal: 'SIGTERM', atMs },
    ...outcomes.flatMap((outcome) => ends(run, outcome)),
    ...healthIn(snapshot),
    ...(spec.breaker === null ? [] : FORCED),
    ...(Object.keys(spec.ports).length === 0 ? [] : portsIn(run)),
  ]
}

const FORCED: readonly ProcessEvent[] = [
  { type: 'process.start', atMs, force: true },
  { type: 'process.restart', atMs, force: true },
]

const portsIn = (run: number): ProcessEvent[] => [
  { type: 'run.ports-assigned', run, ports: { http: 80 }, atMs },
  { type: 'run.ended', run, outcome: code(1), conflict: { name: 'http', port: 80 }, atMs, nowMs: atMs },
]

/** Declared anew: what no run sees, what each was launched with, other probes, none. And held. */
const declaredAnew = ({ spec }: ProcessSnapshot['context']): ProcessEvent[] => [
  ...[
    { ...spec, labels: { tier: 'web' } },
    { ...spec, args: ['another.js'] },
    { ...spec, health: aSpec({ health: { startup: aProbe({ intervalMs: 7 }), readiness: aProbe({ intervalMs: 7 }) } }).health },
    { ...spec, health: null, ready: null },
    { ...spec, restart: { ...spec.restart, strategy: 'always' as const } },
  ].map((declared): ProcessEvent => ({ type: 'process.update', spec: declared, atMs })),
  { type: 'process.hold', reason: 'waits for db to be healthy', atMs },
]

/** Facts of an older run. */
const lateIn = (run: number): ProcessEvent[] => [
  ...ends(run, code(7)),
  { type: 'run.launched', run, identity: { pid: 99, start: '1', boot: 'b' }, atMs: EPOCH_MS },
  ...PROBES.flatMap((probe) => answers(run, probe)),
  { type: 'ready.signalled', run, atMs },
  { type: 'startup.timed-out', run, atMs },
  { type: 'run.steadied', run, afterMs: 1, atMs },
]

/** The state and what decides its future. */
function keyOf({ value, context }: ProcessSnapshot): string {
  const { run, counters, breaker, cancelled, gaveUp, identity, outcome, stop, failure, retryAtMs } = context
  return JSON.stringify([
    value,
    run,
    Object.entries(counters).map(([cause, { streak }]) => [cause, streak > 0]),
    breaker?.state ?? null,
    ['starting', 'running', 'unhealthy'].includes(value) ? gatesOf(context) : null,
    failure?.cause ?? null,
    cancelled,
    gaveUp,
    identity !== null,
    outcome?.kind ?? null,
    stop?.purpose ?? null,
    retryAtMs !== null,
  ])
}

/** They decide only while it is up. */
const gatesOf = ({ probes, signalledAtMs, ports }: ProcessSnapshot['context']) => [
  PROBES.map((probe) => probes[probe]?.verdict ?? null),
  signalledAtMs !== null,
  Object.keys(ports).length,
]

const optionsFor = ({ restart, ...parts }: SpecParts, lastRun: number) => ({
  input: { spec: aSpec({ ...parts, restart: { delayMs: 10, multiplier: 1, ...restart } }), createdAtMs: EPOCH_MS },
  events: eventsIn,
  filterEvents: (snapshot: ProcessSnapshot, event: ProcessEvent) => snapshot.can(event),
  serializeEvent: (event: ProcessEvent) => JSON.stringify(event),
  // A run beyond the last is only seen to begin.
  stopWhen: ({ context }: ProcessSnapshot) => context.run > lastRun,
  limit: 200_000,
})

interface Step {
  readonly before: ProcessSnapshot
  readonly event: ProcessEvent
  readonly after: ProcessSnapshot
}

const isUp = (snapshot: ProcessSnapshot) => snapshot.hasTag('alive')

/** Effects that watch or launch a run in this state, as XState would invoke them. */
const watchedRuns = (snapshot: ProcessSnapshot) =>
  Object.values(snapshot.children)
    .filter((child) => child?.id === 'run')
    .map(() => snapshot.context.run)

const PASSING: ProbeState = { verdict: 'passing', failures: 0, successes: 1, results: [], body: null }

const INVARIANTS: readonly (readonly [string, (step: Step) => void])[] = [
  [
    'a fact of an older run changes nothing',
    ({ before, event, after }) => {
      if (!('run' in event) || event.run === before.context.run) return
      expect([after.value, after.context]).toEqual([before.value, before.context])
    },
  ],
  [
    'the run number never decreases and grows by one at a time',
    ({ before, after }) => {
      expect([0, 1]).toContain(after.context.run - before.context.run)
    },
  ],
  [
    'never two runs at once: the next one begins only when the last one’s tree is gone',
    ({ before, event, after }) => {
      expect(watchedRuns(after).length).toBe(isUp(after) ? 1 : 0)
      if (after.context.run === before.context.run || !isUp(before)) return
      expect(event.type).toBe('run.ended')
    },
  ],
  [
    'a stop never lets a next run begin',
    ({ before, event, after }) => {
      if (!before.context.cancelled || after.context.run === before.context.run) return
      expect(before.hasTag('settled')).toBe(true)
      expect(['process.start', 'process.restart']).toContain(event.type)
    },
  ],
  [
    'a stop leads to stopping, or to exited where nothing is up',
    ({ event, after }) => {
      if (event.type !== 'process.stop') return
      expect(after.context.cancelled).toBe(true)
      expect(['stopping', 'exited']).toContain(after.value)
    },
  ],
  [
    'no restart after giving up, but by command',
    ({ before, event, after }) => {
      if (!before.context.gaveUp || after.context.run === before.context.run) return
      expect(['process.start', 'process.restart']).toContain(event.type)
    },
  ],
  [
    'what has settled has an outcome, or was cancelled before it was ever started',
    ({ after }) => {
      if (!after.hasTag('settled')) return
      if (after.context.outcome === null) expect(after.context).toMatchObject({ cancelled: true, run: 0 })
      else expect(after.context.endedAtMs).not.toBeNull()
      expect(after.context).toMatchObject({ stop: null, retryAtMs: null })
    },
  ],
  [
    'a wait has its end, and only a wait has one',
    ({ after }) => {
      expect(after.context.retryAtMs !== null).toBe(after.value === 'backoff')
    },
  ],
  [
    'only what is being stopped has a plan of it',
    ({ after }) => {
      expect(after.context.stop !== null).toBe(after.value === 'stopping')
    },
  ],
  [
    'an orphan is one whose end is unknown; where that is exited, the user stopped the wait for its restart',
    ({ after }) => {
      if (after.value === 'orphaned') expect(after.context.outcome?.kind).toBe('unknown')
      if (after.value === 'exited' && after.context.outcome?.kind === 'unknown') expect(after.context.cancelled).toBe(true)
    },
  ],
  [
    'restarts are one less than runs',
    ({ after }) => {
      expect(after.context.restarts).toBe(Math.max(0, after.context.run - 1))
    },
  ],
  [
    'no run is begun behind an open breaker, unless the user insists or resets, or its wait is over',
    ({ before, event, after }) => {
      if (after.context.run === before.context.run || before.context.breaker?.state !== 'open') return
      const insists = event.type === 'process.reset' || ('force' in event && event.force === true)
      expect(insists || event.type === 'deadline.passed').toBe(true)
      expect(after.context.breaker?.state ?? null).toBe(insists ? null : 'half-open')
    },
  ],
  [
    'what waits behind an open breaker waits until its cooldown is over',
    ({ after }) => {
      if (after.value === 'backoff' && after.context.breaker?.state === 'open') expect(after.context.retryAtMs).toBe(after.context.breaker.openUntilMs)
    },
  ],
  [
    'ready only while every gate is open, and something is there that can be ready',
    ({ event, after }) => {
      if (!after.hasTag('ready')) return
      // One that it was declared with since has not failed yet.
      const { probes } = after.context
      const isNew = event.type === 'process.update' && probes.readiness === undefined
      expect(isReady(isNew ? { ...after.context, probes: { ...probes, readiness: PASSING } } : after.context)).toBe(true)
      expect(after.context.identity).not.toBeNull()
      expect(after.context.readyAtMs).not.toBeNull()
    },
  ],
  [
    'what can be ready is: nothing that is launched stays in starting or unhealthy with every gate open',
    ({ after }) => {
      if (after.value === 'starting' && after.context.identity !== null) expect(isReady(after.context)).toBe(false)
      if (after.value === 'unhealthy') expect(isReady(after.context)).toBe(false)
      if (after.value === 'starting' || after.value === 'unhealthy') expect(after.context.readyAtMs).toBeNull()
    },
  ],
  [
    'a run whose command has ended is never marked unhealthy, and its probes have nothing more to say',
    ({ before, event, after }) => {
      if (before.context.outcome === null || after.context.run !== before.context.run) return
      expect(['starting', 'running', 'unhealthy']).not.toContain(after.value)
      if (event.type.startsWith('probe.')) expect(after.context.probes).toEqual(before.context.probes)
    },
  ],
  [
    'health restarts only what may be restarted, and only for its liveness',
    ({ before, after }) => {
      if (after.context.stop?.purpose !== 'unhealthy' || before.context.stop?.purpose === 'unhealthy') return
      expect(after.context.probes.liveness?.verdict).toBe('failing')
      expect(after.context.spec.restart.strategy).not.toBe('never')
      expect(after.context.spec.health?.liveness?.onFailure).toBe('restart')
    },
  ],
  [
    'why procman ends a run is known while it does, and until the next one',
    ({ before, after }) => {
      const { stop, failure, run } = after.context
      if (stop?.purpose === 'unhealthy') expect(failure?.cause).toBe('health')
      if (stop?.purpose === 'unready') expect(failure?.cause).toBe('start')
      if (before.context.failure !== null && run === before.context.run) expect(failure).toEqual(before.context.failure)
    },
  ],
  [
    'an end that procman brought about is no success, and a failure has a reason',
    ({ after }) => {
      const { status, error } = toRecord(after.value, after.context)
      if (after.context.failure !== null) expect(status).not.toBe('completed')
      if (status === 'failed') expect(error).not.toBeNull()
    },
  ],
  [
    'probes are asked exactly while it is up and is not being stopped',
    ({ after }) => {
      const attending = Object.values(after.children).filter((child) => child?.id === 'probeHealth')
      expect(attending).toHaveLength(['starting', 'running', 'unhealthy'].includes(after.value) ? 1 : 0)
    },
  ],
  [
    'a new declaration is taken in every state, and restarts what is up for what it was launched with, and nothing else',
    ({ before, event, after }) => {
      if (event.type !== 'process.update') return
      expect(after.context.spec).toBe(event.spec)
      const { run, counters, cancelled, outcome, retryAtMs } = before.context
      expect(after.context).toMatchObject({ run, counters, cancelled, outcome, retryAtMs })
      const isRunUp = isUp(before) && before.value !== 'stopping'
      const { args, ready } = before.context.spec
      if (isRunUp && (event.spec.args !== args || event.spec.ready !== ready)) expect(after.context.stop?.purpose).toBe('restart')
      else if (before.value === 'stopping') expect(after.context.stop).toBe(before.context.stop)
      else expect(after.context.stop?.purpose ?? 'unhealthy').toBe('unhealthy')
      if (!isRunUp) expect(after.value).toBe(before.value)
    },
  ],
  [
    'only what is down is held, until it is begun or stopped',
    ({ before, event, after }) => {
      if (event.type === 'process.hold') expect(after.context.waitingFor !== null).toBe(before.hasTag('settled') || before.value === 'pending')
      if (isUp(after)) expect(after.context.waitingFor).toBeNull()
    },
  ],
  [
    'its last ports are kept for the next run',
    ({ before, event, after }) => {
      if (event.type !== 'run.ports-assigned') expect(after.context.ports).toEqual(before.context.ports)
    },
  ],
]

interface Subject {
  readonly parts: SpecParts
  /** The last run that is looked at to its end, on the shortest paths. */
  readonly lastRun?: number
  readonly missing?: readonly string[]
}

const ALWAYS = { strategy: 'always' } as const

const SUBJECTS: readonly (readonly [string, Subject])[] = [
  ['the policy never', { parts: { restart: { strategy: 'never' }, health: REPORTED }, missing: ['backoff'] }],
  ['the policy on-failure, once', { parts: { restart: { strategy: 'on-failure', maxAttempts: 1 }, health: REPORTED } }],
  ['the policy always', { parts: { restart: ALWAYS, health: REPORTED } }],
  ['a liveness probe that restarts it', { parts: { restart: ALWAYS, health: { liveness: aProbe() } }, lastRun: 1, missing: ['unhealthy'] }],
  ['a liveness probe, and the policy never', { parts: { restart: { strategy: 'never' }, health: { liveness: aProbe() } }, missing: ['backoff'] }],
  ['all probes', { parts: { restart: ALWAYS, health: { startup: aProbe(), liveness: aProbe(), readiness: aProbe() } }, lastRun: 1 }],
  ['a sign and a readiness probe', { parts: { restart: ALWAYS, ready: { kind: 'notify', fd: 3 }, health: { readiness: aProbe() } }, lastRun: 1 }],
  ['a circuit breaker', { parts: { restart: ALWAYS, breaker: { failures: 1 } }, missing: ['unhealthy'] }],
  ['ports', { parts: { restart: ALWAYS, ports: { http: { from: 80, to: 81, host: null } }, health: REPORTED }, lastRun: 1 }],
]

const failedAt = (step: Step, path: Path) =>
  `${path.steps.map(({ event }) => event.type).join(' → ')}\nat ${String(step.before.value)} --${JSON.stringify(step.event)}--> ${String(step.after.value)}`

interface Case {
  readonly path: Path
  readonly step: Step
}

function holdsIn(cases: readonly Case[], invariant: (step: Step) => void): void {
  expect(cases.length).toBeGreaterThan(20)
  for (const { path, step } of cases) {
    try {
      invariant(step)
    } catch (error) {
      throw new Error(failedAt(step, path), { cause: error })
    }
  }
}

describe.each(SUBJECTS)('on every path of a process with %s', (_name, { parts, lastRun = LAST_RUN, missing = [] }) => {
  const shortest = getShortestPaths(processMachine, { ...optionsFor(parts, lastRun), serializeState: keyOf })
  const reached = new Map(shortest.map((path) => [keyOf(path.state), path]))

  // Every path is made of these steps: every event in every situation, also those that are refused. Late facts are not tried with each set of answers.
  const coarse = new Set(new Map([...reached.values()].map((path) => [`${path.state.value}${path.state.context.run}`, path])).values())
  const everything = [...reached.values()].flatMap((path) =>
    [...eventsIn(path.state), ...declaredAnew(path.state.context), ...(coarse.has(path) ? lateIn(path.state.context.run - 1) : [])]
      .filter((event) => event.type !== 'process.stop' || path.state.can(event))
      .map((event) => ({ path, step: { before: path.state, event, after: transition(processMachine, path.state, event)[0] } })),
  )

  it('every state is reached that can be', () => {
    const states = new Set(shortest.map(({ state }) => state.value))
    expect([...states].sort()).toEqual(STATES.filter((state) => !missing.includes(state)).sort())
  })

  it.each(INVARIANTS)('%s', (_rule, invariant) => holdsIn(everything, invariant))

  it('the context stays plain JSON, and what is saved in each situation can be read again', () => {
    for (const { state } of reached.values()) {
      expect(JSON.parse(JSON.stringify(state.context))).toEqual(state.context)
      const decoded = decodeSnapshot(encodeSnapshot(processMachine.getPersistedSnapshot(state), atMs), 'web')
      if (decoded.kind === 'damaged') throw new Error(decoded.reason)
      expect(decoded.snapshot).toMatchObject({ value: state.value, context: state.context })
    }
  })

  it('a stop always settles: once the tree is gone, the process is down and stays down', () => {
    for (const path of reached.values()) {
      if (!path.state.can({ type: 'process.stop', atMs })) continue
      let [state] = transition(processMachine, path.state, { type: 'process.stop', atMs })
      if (state.value === 'stopping')
        [state] = transition(processMachine, state, { type: 'run.ended', run: state.context.run, outcome: code(1), atMs, nowMs: atMs })
      expect(state.value).toBe('exited')
      ;[state] = transition(processMachine, state, { type: 'deadline.passed', atMs })
      expect(state.value).toBe('exited')
    }
  })

  it('every state that is up can be stopped', () => {
    for (const { state } of reached.values()) {
      if (isUp(state) || state.hasTag('waiting')) expect(state.can({ type: 'process.stop', atMs })).toBe(true)
    }
  })
})

describe('the machine', () => {
  it('starts nothing by itself', () => {
    const [state, actions] = initialTransition(processMachine, { spec: aSpec(), createdAtMs: EPOCH_MS })
    expect(state.value).toBe('pending')
    expect(actions).toEqual([])
  })
})
