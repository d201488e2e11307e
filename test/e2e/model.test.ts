/**
 * Model-based, outside: the paths are taken from the production machine, the facts in them are made to happen in the real world by a child that obeys
 * the test. After each step the record, the actor and the OS must agree with each other and with the state that the machine was to be in.
 */
import { describe, expect, it } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import type { Supervisor } from '../../src/api.ts'
import type { ProcessEvent } from '../../src/machines/process/events.ts'
import { processMachine } from '../../src/machines/process/machine.ts'
import { parseProcessInput } from '../../src/spec/parse.ts'
import type { Outcome } from '../../src/types.ts'
import { agreed, aHome, type Home, kill, lives, obedient, until } from './harness.ts'

const STRATEGIES = ['never', 'on-failure', 'always'] as const
const inputOf = (strategy: (typeof STRATEGIES)[number]) =>
  obedient({ id: 'model', autostart: false, restart: { strategy, delayMs: strategy === 'always' ? 0 : 3_600_000, maxAttempts: 1 } })

const ends: Readonly<Record<string, { readonly outcome: Outcome; make(supervisor: Supervisor): Promise<void> | void }>> = {
  exit0: { outcome: { kind: 'code', code: 0 }, make: (supervisor) => supervisor.write('model', 'exit 0\n') },
  exit1: { outcome: { kind: 'code', code: 1 }, make: (supervisor) => supervisor.write('model', 'exit 1\n') },
  killed: { outcome: { kind: 'signal', signal: 'SIGKILL', core: false }, make: (supervisor) => kill(supervisor.get('model').pid) },
}
const identity = { pid: 4_000_000, start: '1', boot: 'boot' }
/** A launch is what follows a start; a tree that is gone is what follows a stop: both come by themselves, in the model as in the world. */
const byItself = new Set(['run.launched', 'deadline.passed', 'tree-gone'])

type Step = { readonly name: string; readonly event: ProcessEvent }

function stepsFrom(run: number): readonly Step[] {
  return [
    { name: 'start', event: { type: 'process.start', atMs: 0 } },
    { name: 'stop', event: { type: 'process.stop', atMs: 0 } },
    { name: 'restart', event: { type: 'process.restart', atMs: 0 } },
    { name: 'signal', event: { type: 'process.signal', atMs: 0, signal: 'SIGCONT', target: 'group', request: '' } },
    { name: 'deadline.passed', event: { type: 'deadline.passed', atMs: 0 } },
    { name: 'run.launched', event: { type: 'run.launched', run, identity, atMs: 0 } },
    ...Object.entries(ends).map(([name, { outcome }]) => ({ name, event: { type: 'run.ended', run, outcome, atMs: 0, nowMs: 0 } as const })),
    { name: 'tree-gone', event: { type: 'run.ended', run, outcome: { kind: 'signal', signal: 'SIGTERM', core: false }, atMs: 0, nowMs: 0 } },
  ]
}

/** Only what the world can do: nothing ends while it is being started, a stop is always followed by the end, a wait of no time by the start. */
function isReal(value: string, name: string, delayMs: number): boolean {
  if (value === 'starting') return name === 'run.launched'
  if (value === 'stopping') return name === 'tree-gone'
  if (value === 'backoff' && delayMs === 0) return name === 'deadline.passed'
  if (value === 'backoff') return name !== 'deadline.passed'
  return name !== 'run.launched' && name !== 'tree-gone'
}

interface Walk {
  readonly title: string
  readonly steps: readonly { readonly name: string; readonly value: string; readonly run: number }[]
}

function walksOf(strategy: (typeof STRATEGIES)[number]): readonly Walk[] {
  const { spec } = parseProcessInput(inputOf(strategy), () => 'model')
  const nameOf = (event: ProcessEvent, run: number) => stepsFrom(run).find((step) => JSON.stringify(step.event) === JSON.stringify(event))?.name
  const paths = getShortestPaths(processMachine, {
    input: { spec, createdAtMs: 0 },
    events: (state) =>
      stepsFrom(state.context.run).flatMap(({ name, event }) => (isReal(state.value, name, spec.restart.delayMs) && state.can(event) ? [event] : [])),
    serializeState: ({ value, context }) =>
      JSON.stringify([value, context.run, Object.values(context.counters).map(({ streak }) => streak), context.cancelled, context.gaveUp, context.outcome]),
    stopWhen: ({ context }) => context.run > 2,
  })
  const comesToRest = paths.filter(({ state }) => !['starting', 'stopping'].includes(state.value) && !(state.value === 'backoff' && spec.restart.delayMs === 0))
  const walks = comesToRest.map((path): Walk => {
    const steps = path.steps.flatMap(({ event, state }, index) => {
      const before = path.steps[index - 1]?.state.context.run ?? 0
      const name = nameOf(event as ProcessEvent, before)
      return name === undefined ? [] : [{ name, value: state.value, run: state.context.run }]
    })
    return { title: steps.map((step) => step.name).join(' '), steps }
  })
  // A path that another one begins with is walked on the way.
  return walks.filter(({ title }) => title !== '' && !walks.some((other) => other.title.startsWith(`${title} `)))
}

async function walk(home: Home, strategy: (typeof STRATEGIES)[number], { steps }: Walk): Promise<void> {
  const supervisor = await home.supervisor()
  await supervisor.start(inputOf(strategy))
  for (const [index, { name }] of steps.entries()) {
    if (byItself.has(name)) continue
    const pid = supervisor.get('model').pid
    await act(supervisor, name)
    const follows = steps.slice(index + 1).findIndex((step) => !byItself.has(step.name))
    const expected = steps[follows === -1 ? steps.length - 1 : index + follows]
    await until(`after ${name}: ${expected?.value} in run ${expected?.run}, not ${JSON.stringify(supervisor.get('model'))}`, () => {
      const record = supervisor.get('model')
      return record.state === expected?.value && record.run === expected.run
    })
    const record = agreed(supervisor.get('model'))
    expect(supervisor.list()).toEqual([record])
    expect(home.strays().map((stray) => stray.pid)).toEqual(record.pid === null ? [] : [record.pid])
    if (name !== 'signal') expect(pid !== null && lives(pid)).toBe(false)
    if (name in ends && record.run === expected?.run && record.state !== 'running') expect(record.outcome).toEqual(ends[name]?.outcome)
  }
  await supervisor.stop('model')
  await supervisor.remove('model')
  await supervisor.close()
}

async function act(supervisor: Supervisor, name: string): Promise<void> {
  if (name === 'start') await supervisor.launch('model')
  else if (name === 'stop') await supervisor.stop('model')
  else if (name === 'restart') await supervisor.restart('model')
  else if (name === 'signal') await supervisor.signal('model', 'SIGCONT')
  else await ends[name]?.make(supervisor)
}

describe.each(STRATEGIES)('the real process walks the paths of its machine, restart policy %s', (strategy) => {
  const walks = walksOf(strategy)

  it('which are some', () => {
    expect(walks.length).toBeGreaterThan(5)
    expect(new Set(walks.flatMap((each) => each.steps.map((step) => step.value)))).toContain('stopping')
  })

  it.each(walks.map((each) => [each.title, each] as const))('%s', async (_, each) => {
    await walk(aHome(), strategy, each)
  })
})
