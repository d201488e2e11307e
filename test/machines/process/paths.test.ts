/** Every path through the production machine, up to a bound, with every event that the world can produce. What must hold on each is said below. */

import { describe, expect, it } from 'vitest'
import { initialTransition, type SnapshotFrom, transition } from 'xstate'
import { getShortestPaths, getSimplePaths, type StatePath } from 'xstate/graph'
import type { ProcessEvent } from '../../../src/machines/process/events.ts'
import { processMachine } from '../../../src/machines/process/machine.ts'
import { decodeSnapshot, encodeSnapshot } from '../../../src/persistence/codec.ts'
import type { Outcome, RestartPolicy } from '../../../src/types.ts'
import { aSpec, code, EPOCH_MS, notFound, notStarted, signal, unknown } from '../fixtures.ts'

type ProcessSnapshot = SnapshotFrom<typeof processMachine>
type Path = StatePath<ProcessSnapshot, ProcessEvent>

const LAST_RUN = 2
const atMs = EPOCH_MS + 5

const ends = (run: number, outcome: Outcome): ProcessEvent[] => [
  { type: 'run.exited', run, outcome, atMs, nowMs: atMs },
  { type: 'run.ended', run, outcome, atMs, nowMs: atMs },
]

/** What the world may say next. Facts also of the run before, as late ones. A command is only in a run's past when something was launched. */
function eventsIn({ context }: ProcessSnapshot): ProcessEvent[] {
  const { run, identity } = context
  const outcomes = identity === null ? [notFound, notStarted, unknown] : [code(0), code(1), signal('SIGKILL'), unknown]
  return [
    { type: 'process.start', atMs },
    { type: 'process.stop', atMs },
    { type: 'process.stop', atMs, timeoutMs: 0 },
    { type: 'process.restart', atMs },
    { type: 'process.signal', atMs, signal: 'SIGHUP', target: 'group', request: 'r' },
    { type: 'deadline.passed', atMs },
    { type: 'run.launched', run, identity: { pid: 100 + run, start: '1', boot: 'b' }, atMs: EPOCH_MS },
    { type: 'run.keeper-lost', run, atMs },
    { type: 'probe.failed', run, reason: 'no answer', atMs },
    { type: 'probe.passed', run, atMs },
    { type: 'stop.escalated', run, signal: 'SIGTERM', atMs },
    ...outcomes.flatMap((outcome) => ends(run, outcome)),
    ...ends(run - 1, code(7)),
    { type: 'run.launched', run: run - 1, identity: { pid: 99, start: '1', boot: 'b' }, atMs: EPOCH_MS },
  ]
}

/** The state and what decides its future. */
function keyOf({ value, context }: ProcessSnapshot): string {
  const { run, attempts, cancelled, gaveUp, keeperLost, identity, outcome, stop, retryAtMs } = context
  return JSON.stringify([
    value,
    run,
    attempts,
    cancelled,
    gaveUp,
    keeperLost,
    identity !== null,
    outcome?.kind ?? null,
    stop?.purpose ?? null,
    retryAtMs !== null,
  ])
}

/** Coarser, for paths without a repeated state: there are far more of them. */
function simpleKeyOf({ value, context }: ProcessSnapshot): string {
  return JSON.stringify([value, context.run, context.cancelled, context.stop?.purpose ?? null, context.gaveUp])
}

const optionsFor = (restart: Partial<RestartPolicy>, lastRun: number) => ({
  input: { spec: aSpec({ restart: { delayMs: 10, multiplier: 1, ...restart } }), createdAtMs: EPOCH_MS },
  events: eventsIn,
  filterEvents: (snapshot: ProcessSnapshot, event: ProcessEvent) => snapshot.can(event),
  serializeEvent: (event: ProcessEvent) => JSON.stringify(event),
  // A run beyond the last is only seen to begin.
  stopWhen: ({ context }: ProcessSnapshot) => context.run > lastRun,
  limit: 50_000,
})

interface Step {
  readonly before: ProcessSnapshot
  readonly event: ProcessEvent
  readonly after: ProcessSnapshot
}

function stepsOf(path: Path): Step[] {
  const states = [...path.steps.map(({ state }) => state), path.state]
  // The first event of a path is the start of the machine itself.
  const events = path.steps.map(({ event }) => event)
  return states.slice(1).flatMap((after, index) => {
    const [before, event] = [states[index], events[index + 1]]
    return before === undefined || event === undefined ? [] : [{ before, event, after }]
  })
}

const isUp = (snapshot: ProcessSnapshot) => snapshot.hasTag('alive')

/** Effects that watch or launch a run in this state, as XState would invoke them. */
const watchedRuns = (snapshot: ProcessSnapshot) =>
  Object.values(snapshot.children)
    .filter((child) => child?.id === 'run')
    .map(() => snapshot.context.run)

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
]

const POLICIES: readonly (readonly [string, Partial<RestartPolicy>])[] = [
  ['never', { strategy: 'never' }],
  ['on-failure, once', { strategy: 'on-failure', maxRestarts: 1 }],
  ['always', { strategy: 'always' }],
]

const failedAt = (step: Step, path: Path) =>
  `${path.steps.map(({ event }) => event.type).join(' → ')}\nat ${String(step.before.value)} --${JSON.stringify(step.event)}--> ${String(step.after.value)}`

function holdsOn(paths: readonly Path[], invariant: (step: Step) => void): void {
  const seen = new Set<string>()
  for (const path of paths) {
    for (const step of stepsOf(path)) {
      const key = `${keyOf(step.before)}${JSON.stringify(step.event)}${keyOf(step.after)}`
      if (seen.has(key)) continue
      seen.add(key)
      try {
        invariant(step)
      } catch (error) {
        throw new Error(failedAt(step, path), { cause: error })
      }
    }
  }
  expect(seen.size).toBeGreaterThan(20)
}

describe.each(POLICIES)('on every path of a process with the policy %s', (_name, restart) => {
  const shortest = getShortestPaths(processMachine, { ...optionsFor(restart, LAST_RUN), serializeState: keyOf })
  const simple = getSimplePaths(processMachine, { ...optionsFor(restart, 1), serializeState: simpleKeyOf })
  const reached = new Map(shortest.map((path) => [keyOf(path.state), path]))

  const everything = [...reached.values()].flatMap((path) =>
    eventsIn(path.state)
      .filter((event) => event.type !== 'process.stop' || path.state.can(event))
      .map((event) => ({ path, step: { before: path.state, event, after: transition(processMachine, path.state, event)[0] } })),
  )

  it('all eight states are reached', () => {
    const states = new Set(shortest.map(({ state }) => state.value))
    const expected = ['pending', 'starting', 'running', 'unhealthy', 'stopping', 'exited', 'orphaned', ...(restart.strategy === 'never' ? [] : ['backoff'])]
    expect([...states].sort()).toEqual(expected.sort())
  })

  describe.each(INVARIANTS)('%s', (_rule, invariant) => {
    it('on the shortest path to each situation', () => holdsOn(shortest, invariant))
    it('on all paths without a repeated situation', () => holdsOn(simple, invariant))
    it('and with every event in every situation, also with those that are refused', () => {
      for (const { path, step } of everything) {
        try {
          invariant(step)
        } catch (error) {
          throw new Error(failedAt(step, path), { cause: error })
        }
      }
    })
  })

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
