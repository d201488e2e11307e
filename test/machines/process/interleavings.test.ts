/** Random orders of commands, facts, time and managers that die, as long as they come. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isReady, shallRestartUnhealthy } from '../../../src/machines/process/health.ts'
import { explainProcess } from '../../../src/machines/process/why.ts'
import type { ProbeState, ProcessSpec } from '../../../src/types.ts'
import { aProbe, OUTCOMES, type SpecParts } from '../fixtures.ts'
import { type FakeProcess, type FakeWorld, fakeWorld } from '../world.ts'

type Step = (world: FakeWorld, process: FakeProcess) => unknown

const STEPS: Readonly<Record<string, Step>> = {
  start: (_world, process) => process.start(),
  stop: (_world, process) => process.stop(),
  'stop at once': (_world, process) => process.stop(0),
  restart: (_world, process) => process.restart(),
  signal: (_world, process) => process.signal('SIGHUP', 'r'),
  'start, insisting': (_world, process) => process.start({ force: true }),
  'restart, insisting': (_world, process) => process.restart({ force: true }),
  reset: (_world, process) => process.reset(),
  'declared with a label': (_world, process) => redeclare(process, { labels: { tier: 'web' } }),
  'declared with other arguments': (_world, process) => redeclare(process, { args: [...process.context.spec.args, 'x'] }),
  'declared without probes': (_world, process) => redeclare(process, { health: null, ready: null }),
  'declared with other probes': (_world, process) => redeclare(process, { health: OTHER_PROBES }),
  'declared with the policy always': (_world, process) => redeclare(process, { restart: { ...process.context.spec.restart, strategy: 'always' } }),
  held: (_world, process) => process.hold('waits for db to be healthy'),
  ...Object.fromEntries(
    (['startup', 'liveness', 'readiness'] as const).flatMap((probe): [string, Step][] => [
      [`${probe} passes`, (world) => withChild(world, (child) => child.passes(probe))],
      [`${probe} fails`, (world) => withChild(world, (child) => child.fails(probe))],
    ]),
  ),
  'ready signalled': (world) => withChild(world, (child) => child.signalsReady()),
  // Not once it was ready, and only when it had been ready for long.
  'startup times out': (world, process) => process.state === 'starting' && withChild(world, (child) => child.timesOut()),
  steadied: (world, process) => process.state === 'running' && withChild(world, (child) => child.steadies()),
  'ports assigned': (world, process) => process.context.identity === null && withChild(world, (child) => child.hasPorts({ http: 30_000 + child.run })),
  launched: (world) => withChild(world, (child) => child.isToBeLaunched && child.isLaunched()),
  'keeper lost': (world) => withChild(world, (child) => child.losesItsKeeper()),
  'new manager': (_world, process) => process.saveAndRestore(),
  'a second': (world) => world.passMs(1_000),
  'a minute': (world) => world.passMs(60_000),
  ...Object.fromEntries(
    OUTCOMES.flatMap(([name, outcome]): [string, Step][] => [
      [`ends: ${name}`, (world) => withChild(world, (child) => child.exits(outcome))],
      [`ends, its port taken: ${name}`, (world) => withChild(world, (child) => child.exits(outcome, { name: 'http', port: 30_000 }))],
      [`leaves something: ${name}`, (world) => withChild(world, (child) => child.leavesBehind(outcome))],
    ]),
  ),
}

const OTHER_PROBES = {
  startup: aProbe({ intervalMs: 7 }),
  liveness: aProbe({ intervalMs: 7 }),
  readiness: aProbe({ intervalMs: 7 }),
  pauseWhenSuspended: false,
}

/** Parts of it another way, the rest as it was. */
function redeclare(process: FakeProcess, parts: Partial<ProcessSpec>): unknown {
  return process.update({ ...process.context.spec, ...parts })
}

/** The child can only do something while it is there. */
function withChild(world: FakeWorld, act: (child: FakeWorld['child']) => unknown): void {
  const child = world.runs.at(-1)
  if (child !== undefined && !child.isGone) act(child)
}

const aSometimes = (probe: ReturnType<typeof aProbe>) => fc.constantFrom(null, probe, { ...probe, failureThreshold: 2, successThreshold: 2 })

interface Life {
  readonly parts: SpecParts
  readonly steps: readonly string[]
}

const anyLife: fc.Arbitrary<Life> = fc.record({
  parts: fc.record({
    restart: fc.record({
      strategy: fc.constantFrom('never' as const, 'on-failure' as const, 'always' as const, 'unless-stopped' as const),
      maxAttempts: fc.nat(3),
      delayMs: fc.constantFrom(0, 500, 5_000),
      jitter: fc.constantFrom(0, 0.1),
      windowMs: fc.constantFrom(1_000, 600_000),
    }),
    breaker: fc.constantFrom(null, { failures: 2, cooldownMs: 30_000 }),
    health: fc.record({
      startup: aSometimes(aProbe()),
      liveness: fc.oneof(aSometimes(aProbe()), fc.constant(aProbe({ onFailure: 'report' }))),
      readiness: aSometimes(aProbe()),
    }),
    ready: fc.constantFrom(null, { kind: 'notify' as const, fd: 3 }),
  }),
  steps: fc.array(fc.constantFrom(...Object.keys(STEPS)), { maxLength: 60 }),
})

function mustHold(world: FakeWorld, process: FakeProcess, lastRun: number): void {
  const there = world.runs.filter((run) => !run.isGone)
  expect(there.length, 'runs at once').toBeLessThanOrEqual(1)
  expect(world.runs.map(({ run }) => run)).toEqual(world.runs.map((_, index) => index + 1))
  for (const { launches } of world.runs) expect(launches, 'launches of one run').toBe(1)
  expect(process.context.run).toBeGreaterThanOrEqual(lastRun)
  expect(process.is('alive'), 'alive exactly while a run is there').toBe(there.length === 1)
  expect(there[0]?.watchers ?? 0).toBe(there.length)
  expect(world.liveDeadlines.size).toBe(process.state === 'backoff' ? 1 : 0)
  expect(world.liveStops.size).toBe(process.state === 'stopping' ? 1 : 0)
  const isAttended = ['starting', 'running', 'unhealthy'].includes(process.state)
  expect(world.runs.map(({ attendants }) => attendants.size)).toEqual(world.runs.map((run) => (isAttended && run === there[0] ? 1 : 0)))
  mustBeShownRightly(process)
  const { maxAttempts } = process.context.spec.restart
  for (const counter of Object.values(process.context.counters)) if (maxAttempts > 0) expect(counter.atMs.length).toBeLessThanOrEqual(maxAttempts)
}

const aState: ProbeState = { verdict: 'unknown', failures: 0, successes: 0, results: [], body: null }

function mustBeShownRightly(process: FakeProcess): void {
  const { context, record, state } = process
  expect(record.ready).toBe(process.is('ready'))
  // A readiness probe that it was declared with since has not failed yet.
  const readiness = { ...aState, ...context.probes.readiness, ...(context.probes.readiness?.verdict === 'failing' ? {} : { verdict: 'passing' as const }) }
  const gates = { ...context, probes: { ...context.probes, readiness } }
  if (state === 'running') expect(isReady(gates) && context.identity !== null, 'ready only when all gates are open').toBe(true)
  if (state === 'unhealthy') expect(isReady(context), 'unwell only while something is in the way').toBe(false)
  if (state === 'unhealthy') expect(context.outcome, 'what has ended is not unwell').toBeNull()
  if (state === 'unhealthy') expect(shallRestartUnhealthy(context)).toBe(false)
  if (record.status === 'failed') expect(record.error, 'a failure has a reason').not.toBeNull()
  for (const line of explainProcess(record, context.createdAtMs)) expect(line).not.toMatch(/null|undefined|NaN/)
}

describe('in whatever order things happen', () => {
  it('a process has one run at a time, started once and watched once, and a stop ends it for good', () => {
    fc.assert(
      fc.property(anyLife, ({ steps, parts }) => {
        const world = fakeWorld()
        const process = world.process(parts)
        let lastRun = 0
        for (const step of steps) {
          STEPS[step]?.(world, process)
          mustHold(world, process, lastRun)
          lastRun = process.context.run
        }
        if (process.can('process.stop')) process.stop()
        const runs = world.runs.length
        world.passMs(3_600_000)
        process.saveAndRestore()
        withChild(world, (child) => child.exits({ kind: 'signal', signal: 'SIGKILL', core: false }))
        world.passMs(3_600_000)
        expect(process.is('settled')).toBe(true)
        expect(world.runs).toHaveLength(runs)
      }),
      { numRuns: 300 },
    )
  })

  it('a life with a new manager at every step is the same as one with the same manager throughout', () => {
    fc.assert(
      fc.property(anyLife, ({ steps, parts }) => {
        const [first, second] = [false, true].map((isRestoring) => {
          const world = fakeWorld(isRestoring)
          const process = world.process(parts)
          for (const step of steps) STEPS[step]?.(world, process)
          const { reasons: _notes, ...rest } = process.context
          return { state: process.state, runs: world.runs.length, rest, emitted: world.allEmitted }
        })
        expect(second).toEqual(first)
      }),
      { numRuns: 150 },
    )
  })
})
