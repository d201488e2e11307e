/** Paths through the production machine over probes, readiness, restarts, breaker and reset, taken as steps that a test can make happen in the world. */
import { initialTransition, type SnapshotFrom, transition } from 'xstate'
import { getShortestPaths } from 'xstate/graph'
import type { ProbeInput, ProcessInput } from '../../src/api.ts'
import { steadyAfterMs } from '../../src/machines/process/attendance.ts'
import type { ProcessEvent } from '../../src/machines/process/events.ts'
import { processMachine } from '../../src/machines/process/machine.ts'
import { type ProcessRecord, toRecord } from '../../src/machines/process/record.ts'
import { parseProcessInput } from '../../src/spec/parse.ts'
import type { Outcome, ProbeName, ProcessSpec } from '../../src/types.ts'
import { obedient } from './harness.ts'

type Snapshot = SnapshotFrom<typeof processMachine>

/** What is due so soon comes by itself before a test could do anything; what is due much later never comes in a test. In ms. */
const SOON_MS = 30
const NEVER_MS = 10 * 3_600_000

export interface Service {
  readonly name: string
  /** Walks end when a later run begins. */
  readonly lastRun: number
  /** @param urlOf where the test answers a probe */
  input(id: string, urlOf: (probe: ProbeName) => string): ProcessInput
}

/** What the test does, and what the machine says has come of it when nothing more happens by itself. */
export interface Act {
  readonly name: string
  readonly expected: Essence
  /** Commands that are refused then. */
  readonly refused: readonly string[]
}

export interface Walk {
  readonly title: string
  readonly acts: readonly Act[]
}

const often = { intervalMs: 20, startIntervalMs: 20, timeoutMs: NEVER_MS } as const
const steadyWaits = { jitter: 0, multiplier: 1, resetAfterMs: NEVER_MS, windowMs: NEVER_MS, maxDelayMs: NEVER_MS, delayMs: SOON_MS } as const
const service = (id: string, more: Partial<ProcessInput>): ProcessInput =>
  obedient({ id, autostart: false, breaker: false, startupTimeoutMs: NEVER_MS, stop: { timeoutMs: 10_000 }, ...more })
const asked = (http: string, more: Partial<ProbeInput> = {}): ProbeInput => ({ ...often, http, failureThreshold: 1, ...more })

export const SERVICES: readonly Service[] = [
  {
    name: 'three probes, thresholds in both directions, nothing is restarted',
    lastRun: 1,
    input: (id, urlOf) =>
      service(id, {
        health: {
          startup: asked(urlOf('startup'), { failureThreshold: 2 }),
          liveness: asked(urlOf('liveness'), { failureThreshold: 2 }),
          readiness: asked(urlOf('readiness'), { successThreshold: 2 }),
        },
      }),
  },
  {
    name: 'failed health and crashes restart, each on a budget of its own',
    lastRun: 2,
    input: (id, urlOf) => service(id, { health: { liveness: asked(urlOf('liveness')) }, restart: { ...steadyWaits, strategy: 'on-failure', maxAttempts: 1 } }),
  },
  {
    name: 'not ready in time is a failed start, and the restart is much later',
    lastRun: 2,
    input: (id, urlOf) =>
      service(id, {
        ready: { logLine: 'come in' },
        health: { readiness: asked(urlOf('readiness')) },
        // It is asked first all the same: the first failure is what makes it late.
        startupTimeoutMs: 1,
        restart: { ...steadyWaits, strategy: 'always', delayMs: NEVER_MS },
      }),
  },
  {
    name: 'not ready in time is a failed start, and the budget is used up',
    lastRun: 2,
    input: (id, urlOf) =>
      service(id, {
        health: { startup: asked(urlOf('startup'), { failureThreshold: 2 }), readiness: asked(urlOf('readiness')) },
        startupTimeoutMs: 1,
        restart: { ...steadyWaits, strategy: 'on-failure', maxAttempts: 1 },
      }),
  },
  {
    name: 'a breaker that stays open',
    lastRun: 2,
    input: (id, urlOf) =>
      service(id, {
        health: { liveness: asked(urlOf('liveness')) },
        breaker: { failures: 2, windowMs: NEVER_MS, cooldownMs: NEVER_MS },
        restart: { ...steadyWaits, strategy: 'always', maxAttempts: 0 },
      }),
  },
  {
    name: 'a breaker with a trial run that nothing but a command ends the trial of',
    lastRun: 2,
    input: (id, urlOf) =>
      service(id, {
        health: { readiness: asked(urlOf('readiness')), liveness: asked(urlOf('liveness')) },
        breaker: { failures: 1, windowMs: NEVER_MS, cooldownMs: SOON_MS },
        restart: { ...steadyWaits, strategy: 'on-failure', maxAttempts: 0 },
      }),
  },
  {
    name: 'a breaker with a trial run that passes once it was ready for long',
    lastRun: 2,
    input: (id, urlOf) =>
      service(id, {
        health: { readiness: asked(urlOf('readiness')) },
        breaker: { failures: 1, windowMs: NEVER_MS, cooldownMs: SOON_MS },
        restart: { ...steadyWaits, strategy: 'on-failure', maxAttempts: 0, resetAfterMs: SOON_MS },
      }),
  },
]

const probe = (name: ProbeName, run: number, reason: string | null): ProcessEvent => {
  const about = { run, probe: name, latencyMs: 0, body: '', atMs: 0 }
  return reason === null ? { type: 'probe.passed', ...about } : { type: 'probe.failed', ...about, reason }
}
const PROBES: readonly ProbeName[] = ['startup', 'liveness', 'readiness']
/** A minute after it began: longer than what is due soon. */
const ENDED_MS = 60_000
/** A minute after its end: a cooldown that is over soon is over. */
const COMMAND_MS = 120_000

export const OUTCOMES: Readonly<Record<string, Outcome>> = {
  'exit 0': { kind: 'code', code: 0 },
  'exit 1': { kind: 'code', code: 1 },
  'foreign kill': { kind: 'signal', signal: 'SIGKILL', core: false },
}
const GONE: Outcome = { kind: 'signal', signal: 'SIGTERM', core: false }

const COMMANDS: Readonly<Record<string, ProcessEvent>> = {
  start: { type: 'process.start', atMs: COMMAND_MS },
  'start force': { type: 'process.start', atMs: COMMAND_MS, force: true },
  stop: { type: 'process.stop', atMs: COMMAND_MS },
  restart: { type: 'process.restart', atMs: COMMAND_MS },
  'restart force': { type: 'process.restart', atMs: COMMAND_MS, force: true },
  reset: { type: 'process.reset', atMs: COMMAND_MS },
}

function factsOf({ context }: Snapshot): Readonly<Record<string, ProcessEvent>> {
  const { run, spec } = context
  const declared = PROBES.filter((name) => (spec.health?.[name] ?? null) !== null)
  return {
    ...Object.fromEntries(
      declared.flatMap((name) => [[`${name} passes`, probe(name, run, null)] as const, [`${name} fails`, probe(name, run, 'status 503')] as const]),
    ),
    ...(spec.ready === null ? {} : { 'says it is ready': { type: 'ready.signalled', run, atMs: 0 } }),
    ...Object.fromEntries(Object.entries(OUTCOMES).map(([name, outcome]) => [name, ended(run, outcome)])),
  }
}

function ended(run: number, outcome: Outcome): ProcessEvent {
  return { type: 'run.ended', run, outcome, atMs: ENDED_MS, nowMs: ENDED_MS }
}

/** What comes by itself, and before anything else can: null when a test has to do something. */
function impending({ value, context }: Snapshot): ProcessEvent | null {
  const { run, spec, identity, probes } = context
  if (value === 'stopping') return ended(run, GONE)
  if (value === 'starting' && identity === null) return { type: 'run.launched', run, identity: { pid: 4_000_000, start: '1', boot: 'boot' }, atMs: 0 }
  if (value === 'backoff' && context.retryDelayMs === SOON_MS) return { type: 'deadline.passed', atMs: COMMAND_MS }
  const wanted: ProbeName = spec.health?.startup != null && probes.startup?.verdict !== 'passing' ? 'startup' : 'readiness'
  if (value === 'starting' && spec.startupTimeoutMs < SOON_MS && probes[wanted] !== undefined) return { type: 'startup.timed-out', run, atMs: 0 }
  if (value === 'running' && steadyAfterMs(context) === SOON_MS) return { type: 'run.steadied', run, afterMs: SOON_MS, atMs: ENDED_MS }
  return null
}

/** The startup probe gates the others; what has ended is asked nothing. */
function isAsked(name: string, { value, context }: Snapshot): boolean {
  const probeName = PROBES.find((each) => name.startsWith(each))
  if (probeName === undefined) return name !== 'says it is ready' || context.signalledAtMs === null
  const hasStarted = (context.spec.health?.startup ?? null) === null || context.probes.startup?.verdict === 'passing'
  return ['starting', 'running', 'unhealthy'].includes(value) && hasStarted === (probeName !== 'startup')
}

function choicesIn(snapshot: Snapshot): Readonly<Record<string, ProcessEvent>> {
  const next = impending(snapshot)
  if (next !== null) return { [next.type]: next }
  const all = { ...COMMANDS, ...factsOf(snapshot) }
  return Object.fromEntries(Object.entries(all).filter(([name, event]) => snapshot.can(event) && isAsked(name, snapshot)))
}

/** The part of what is known of a process that does not hang on when things happened. */
export type Essence = ReturnType<typeof essenceOf>

export function essenceOf(record: ProcessRecord) {
  const { state, status, pid, run, restarts, ready, outcome, gave_up, error, waiting_for, attempts, breaker, health, reasons } = record
  const texts = reasons.map(({ text }) => timeless(text)).filter((text) => !text.endsWith(' sent'))
  return {
    ...{ state, status, isUp: pid !== null, run, restarts, ready, outcome, gave_up },
    error: error === null ? null : timeless(error),
    waiting_for: waiting_for === null ? null : timeless(waiting_for),
    attempts: Object.fromEntries(Object.entries(attempts).map(([cause, counted]) => [cause, { in_a_row: counted?.in_a_row, times: counted?.at.length }])),
    breaker: breaker === null ? null : { state: breaker.state, failures: breaker.failures_at.length },
    health: health === null ? null : { status: health.status, probes: PROBES.map((name) => verdictOf(health[name])) },
    // Of ten that are kept some tell of signals sent.
    reasons: texts.slice(-3),
  }
}

function verdictOf(known: { readonly verdict: string; readonly failures: number; readonly successes: number } | undefined) {
  return known === undefined ? null : `${known.verdict}, ${known.failures} failures, ${known.successes} successes`
}

function timeless(text: string): string {
  return text.replace(/\b[\d.]+ ?(ms|s|m|h|d)\b/g, 'a while')
}

/** What decides its future, and how it came there when that was a command. */
function keyOf({ value, context }: Snapshot, event: ProcessEvent | undefined): string {
  const { run, counters, breaker, cancelled, gaveUp, probes, spec, signalledAtMs, retryAtMs, outcome } = context
  const counted = PROBES.map((name) => {
    const { verdict, failures = 0, successes = 0 } = probes[name] ?? {}
    const { failureThreshold = 0, successThreshold = 0 } = spec.health?.[name] ?? {}
    return [verdict, Math.min(failures, failureThreshold), Math.min(successes, successThreshold)]
  })
  const isUp = value === 'starting' || value === 'running' || value === 'unhealthy'
  const budgets = Object.entries(counters).map(([cause, { streak, atMs }]) => [cause, streak, atMs.length])
  const command = event?.type.startsWith('process.') === true ? event : null
  return JSON.stringify([
    value,
    run,
    context.identity !== null,
    budgets,
    breaker?.state,
    breaker?.failuresAtMs.length,
    cancelled,
    gaveUp,
    retryAtMs,
    isUp ? [counted, signalledAtMs] : outcome?.kind,
    command,
  ])
}

/** The shortest path to each such situation, without those that another one begins with: they are walked on the way. */
export function walksOf({ input, lastRun }: Service): readonly Walk[] {
  const { spec } = parseProcessInput(
    input('walk', () => 'http://127.0.0.1:1/'),
    () => 'walk',
  )
  const paths = getShortestPaths(processMachine, {
    input: { spec, createdAtMs: 0 },
    events: (snapshot) => Object.values(choicesIn(snapshot)),
    serializeState: (snapshot, event) => keyOf(snapshot, event as ProcessEvent | undefined),
    stopWhen: ({ context }) => context.run > lastRun,
    limit: 20_000,
  })
  const walks = [
    ...new Map(
      paths
        .map(({ steps }) =>
          walkOf(
            spec,
            steps.slice(1).map(({ event }) => event as ProcessEvent),
          ),
        )
        .map((walk) => [walk.title, walk]),
    ).values(),
  ]
  return walks.filter(({ title }) => title !== '' && !walks.some((other) => other.title.startsWith(`${title}, `)))
}

/** Taken once more, since of situations that are alike the search has kept any; and to the end of what comes by itself. */
function walkOf(spec: ProcessSpec, events: readonly ProcessEvent[]): Walk {
  const acts: Act[] = []
  let snapshot: Snapshot = initialTransition(processMachine, { spec, createdAtMs: 0 })[0]
  const take = (name: string, event: ProcessEvent) => {
    snapshot = transition(processMachine, snapshot, event)[0]
    acts.push({ name, expected: essenceOf(toRecord(snapshot.value, snapshot.context)), refused: refusedIn(snapshot) })
  }
  const takeByItself = (event: ProcessEvent) => take(acts.pop()?.name ?? '', event)
  for (const event of events) {
    if (impending(snapshot) === null) take(nameOf(snapshot, event), event)
    else takeByItself(event)
  }
  for (let next = impending(snapshot); next !== null; next = impending(snapshot)) takeByItself(next)
  return { title: acts.map(({ name }) => name).join(', '), acts }
}

function nameOf(from: Snapshot, event: ProcessEvent): string {
  const name = Object.entries(choicesIn(from)).find(([, each]) => JSON.stringify(each) === JSON.stringify(event))?.[0]
  if (name === undefined) throw new Error(`no test can make ${JSON.stringify(event)} happen to a process that is ${from.value}`)
  return name
}

function refusedIn(snapshot: Snapshot): readonly string[] {
  return Object.entries(COMMANDS).flatMap(([name, event]) => (name === 'stop' || snapshot.can(event) ? [] : [name]))
}
