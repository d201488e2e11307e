/** Random orders of commands, facts, time and managers that die, as long as they come. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OUTCOMES } from '../fixtures.ts'
import { type FakeProcess, type FakeWorld, fakeWorld } from '../world.ts'

type Step = (world: FakeWorld, process: FakeProcess) => unknown

const STEPS: Readonly<Record<string, Step>> = {
  start: (_world, process) => process.start(),
  stop: (_world, process) => process.stop(),
  'stop at once': (_world, process) => process.stop(0),
  restart: (_world, process) => process.restart(),
  signal: (_world, process) => process.signal('SIGHUP', 'r'),
  'probe failed': (_world, process) => process.failsItsProbe(),
  'probe passed': (_world, process) => process.passesItsProbe(),
  launched: (world) => withChild(world, (child) => child.isLaunched()),
  'keeper lost': (world) => withChild(world, (child) => child.losesItsKeeper()),
  'new manager': (_world, process) => process.saveAndRestore(),
  'a second': (world) => world.passMs(1_000),
  'a minute': (world) => world.passMs(60_000),
  ...Object.fromEntries(
    OUTCOMES.flatMap(([name, outcome]): [string, Step][] => [
      [`ends: ${name}`, (world) => withChild(world, (child) => child.exits(outcome))],
      [`leaves something: ${name}`, (world) => withChild(world, (child) => child.leavesBehind(outcome))],
    ]),
  ),
}

/** The child can only do something while it is there. */
function withChild(world: FakeWorld, act: (child: FakeWorld['child']) => unknown): void {
  const child = world.runs.at(-1)
  if (child !== undefined && !child.isGone) act(child)
}

const anyLife = fc.record({
  strategy: fc.constantFrom('never' as const, 'on-failure' as const, 'always' as const),
  maxRestarts: fc.nat(3),
  delayMs: fc.constantFrom(0, 500, 5_000),
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
  if (process.context.spec.restart.maxRestarts > 0) expect(process.context.attempts).toBeLessThanOrEqual(process.context.spec.restart.maxRestarts)
}

describe('in whatever order things happen', () => {
  it('a process has one run at a time, started once and watched once, and a stop ends it for good', () => {
    fc.assert(
      fc.property(anyLife, ({ steps, ...restart }) => {
        const world = fakeWorld()
        const process = world.process({ restart })
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
      fc.property(anyLife, ({ steps, ...restart }) => {
        const [first, second] = [false, true].map((isRestoring) => {
          const world = fakeWorld(isRestoring)
          const process = world.process({ restart })
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
