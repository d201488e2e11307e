/** Whatever is declared, whatever there is, in whatever order things come about. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Step } from '../../../src/machines/reconciler/book.ts'
import { isMet } from '../../../src/machines/reconciler/conditions.ts'
import { type Actual, type Declared, isDown } from '../../../src/machines/reconciler/facts.ts'
import { planOf } from '../../../src/machines/reconciler/plan.ts'
import type { DependencyCondition } from '../../../src/types.ts'
import type { SpecParts } from '../fixtures.ts'
import { actual, as, declared, ORIGIN, specOf } from './fixtures.ts'
import { World } from './world.ts'

const IDS = ['a', 'b', 'c', 'd', 'e', 'f'] as const
const CONDITIONS = ['started', 'healthy', 'completed-successfully'] as const
const SETTLED = ['pending', 'held', 'starting', 'healthy', 'unhealthy', 'backoff', 'stopping', 'completed', 'failed', 'cancelled', 'orphaned'] as const

/** Each may depend on those before it. */
const dependsOnOf = (index: number) =>
  fc.dictionary(fc.constantFrom(...IDS.slice(0, Math.max(1, index))), fc.constantFrom<DependencyCondition>(...CONDITIONS), { maxKeys: index === 0 ? 0 : 2 })

const parts = { command: fc.constantFrom('node', 'deno'), labels: fc.constantFrom<Record<string, string>>({}, { tier: 'web' }) }

const declarations: fc.Arbitrary<readonly Declared[]> = fc
  .tuple(...IDS.map((_, index) => fc.option(fc.record({ ...parts, dependsOn: dependsOnOf(index), autostart: fc.boolean() }))))
  .map((all) => all.flatMap((part, index) => (part === null ? [] : [declared(IDS[index] ?? '', part)])))

const actualOf = (id: string, { state, ...part }: SpecParts & { readonly state: keyof typeof as }) => actual(id, as[state], part)

const processes: fc.Arbitrary<readonly Actual[]> = fc
  .tuple(
    ...IDS.map((_, index) =>
      fc.option(
        fc.record({
          ...parts,
          dependsOn: dependsOnOf(index),
          origin: fc.constantFrom(ORIGIN, ORIGIN, ORIGIN, '/srv/other', null),
          state: fc.constantFrom(...SETTLED),
        }),
      ),
    ),
  )
  .map((all) => all.flatMap((part, index) => (part === null ? [] : [actualOf(IDS[index] ?? '', part)])))

/** How what is launched fares, and what is done next. */
const fates = fc.array(fc.record({ pick: fc.nat(), becomes: fc.constantFrom('healthy', 'healthy', 'starting', 'completed', 'failed') }), {
  minLength: 5,
  maxLength: 60,
})

type Fate = { readonly pick: number; readonly becomes: 'healthy' | 'starting' | 'completed' | 'failed' }

/** Finishes steps in a random order; what was being stopped or was starting gets on with it. */
function play(world: World, all: readonly Fate[]): void {
  for (let turn = 0; turn < 500; turn++) {
    const { pick, becomes } = all[turn % all.length] ?? { pick: 0, becomes: 'healthy' }
    const step = world.steps[pick % Math.max(1, world.steps.length)]
    if (step !== undefined) {
      world.finish(step, as[becomes])
      continue
    }
    const ongoing = [...world.processes].find(([, { record }]) => record.state === 'stopping')
    if (ongoing === undefined) return
    world.become(ongoing[0], as.cancelled)
  }
  throw new Error('it does not come to rest')
}

/** What users and policies do meanwhile. */
const meddlings = fc.array(
  fc.option(fc.record({ id: fc.constantFrom(...IDS), does: fc.constantFrom('stop', 'start', 'fail', 'complete', 'remove', 'replace') }), {
    nil: null,
  }),
  { maxLength: 40 },
)

type Meddling = { readonly id: string; readonly does: string } | null

function meddle(world: World, { id, does }: NonNullable<Meddling>): void {
  const known = world.processes.get(id)
  if (known === undefined) return
  const isUp = !isDown(known.record)
  if (does === 'stop' && (isUp || known.record.state === 'pending')) world.become(id, as.cancelled)
  if (does === 'start' && !isUp) world.become(id, { ...as.healthy, run: known.record.run + 1 })
  if (does === 'fail' && isUp) world.become(id, as.failed)
  if (does === 'complete' && isUp) world.become(id, as.completed)
  if (isUp || (does !== 'remove' && does !== 'replace')) return
  world.remove(id)
  if (does === 'replace') world.add({ ...known, spec: { ...known.spec, origin: null } })
}

const isForeign = ({ spec }: Actual) => spec.origin !== ORIGIN

/** @throws when a step may not be done now */
function check(world: World, step: Step): void {
  const known = world.processes.get(step.id)
  if (known !== undefined && isForeign(known)) throw new Error(`${step.kind} ${step.id}, which is another's`)
  if (step.kind === 'launch') {
    for (const [id, condition] of Object.entries(known?.spec.dependsOn ?? {})) {
      const dependency = world.processes.get(id)
      if (dependency === undefined || !isMet(condition, dependency.record)) throw new Error(`${step.id} is launched before ${id} is ${condition}`)
    }
  }
  if (step.kind !== 'stop') return
  const isLeaving = (id: string) => world.steps.some((each) => each.id === id && each.kind === 'remove')
  for (const [id, { spec, record }] of world.processes) {
    const isEnding = spec.origin === ORIGIN && !world.actor.getSnapshot().context.book.declared?.has(id)
    if (isEnding && step.id in spec.dependsOn && !isDown(record) && !isLeaving(id)) throw new Error(`${step.id} is stopped before ${id}`)
  }
}

function reconciled(processes: readonly Actual[], declared: readonly Declared[], all: readonly Fate[], startDown: boolean): World {
  const world = new World(processes)
  world.onStep = (step) => check(world, step)
  world.declare(...declared)
  world.reconcile({ startDown })
  play(world, all)
  return world
}

describe('whatever there is', () => {
  const cases = fc.tuple(processes, declarations, fates, fc.boolean())

  it('comes to what is declared, in the order of the dependencies, and nobody else is touched', () => {
    fc.assert(
      fc.property(cases, ([before, wanted, all, startDown]) => {
        const world = reconciled(before, wanted, all, startDown)
        expect(world.state).toBe('steady')
        const foreign = before.filter(isForeign)
        for (const each of foreign) expect(world.processes.get(each.spec.id)).toEqual(expect.objectContaining({ spec: each.spec }))
        const ours = [...world.processes.values()].filter((each) => !isForeign(each)).map(({ spec }) => spec.id)
        const taken = foreign.map(({ spec }) => spec.id)
        expect(ours.sort()).toEqual(wanted.map(({ spec }) => spec.id).filter((id) => !taken.includes(id)))
      }),
    )
  })

  it('is left alone the second time', () => {
    fc.assert(
      fc.property(cases, ([before, wanted, all]) => {
        const world = reconciled(before, wanted, all, false)
        const lines = planOf({ origin: ORIGIN, declared: wanted, actual: [...world.processes.values()] })
        // A restart waits for its dependencies, and the old run goes on meanwhile.
        expect(lines.filter(({ action, reason }) => action !== 'keep' && !(action === 'restart' && reason.includes('; waits for ')))).toEqual([])
        world.reconcile()
        expect(world.steps).toEqual([])
      }),
    )
  })

  it('comes to rest whatever users do meanwhile, and is what is declared once somebody asks again', () => {
    fc.assert(
      fc.property(cases, meddlings, ([before, wanted, all], deeds) => {
        const world = new World(before)
        world.onStep = (step) => check(world, step)
        world.declare(...wanted)
        world.reconcile()
        for (const [turn, deed] of deeds.entries()) {
          const { pick, becomes } = all[turn % all.length] ?? { pick: 0, becomes: 'healthy' }
          const step = world.steps[pick % Math.max(1, world.steps.length)]
          if (deed !== null) meddle(world, deed)
          else if (step !== undefined) world.finish(step, as[becomes])
        }
        play(world, all)
        expect(world.state).toBe('steady')
        world.reconcile()
        play(world, all)
        const ours = [...world.processes.values()].filter((each) => !isForeign(each)).map(({ spec }) => spec.id)
        const taken = [...world.processes.values()].filter(isForeign).map(({ spec }) => spec.id)
        expect(ours.sort()).toEqual(wanted.map(({ spec }) => spec.id).filter((id) => !taken.includes(id)))
        expect(world.told.filter((event) => event.type === 'reconciler.failed' && event.code !== 'PROCMAN_PROCESS_EXISTS')).toEqual([])
      }),
    )
  })

  it('comes to the same when another manager goes on at any point', () => {
    fc.assert(
      fc.property(cases, fc.nat(30), ([before, wanted, all, startDown], after) => {
        const first = new World(before)
        first.declare(...wanted)
        first.reconcile({ startDown })
        for (let turn = 0; turn < after; turn++) {
          const step = first.steps[0]
          if (step !== undefined) first.finish(step)
        }
        const second = reconciled([...first.processes.values()], wanted, all, startDown)
        const missing = wanted.filter(({ spec, autostart }) => {
          const known = second.processes.get(spec.id)
          return autostart && known !== undefined && !isForeign(known) && known.record.state === 'pending' && known.record.waiting_for === null
        })
        expect(missing).toEqual([])
      }),
    )
  })

  it('is brought down, whatever goes on', () => {
    fc.assert(
      fc.property(cases, fc.boolean(), ([before, wanted, all, startDown], keep) => {
        const world = reconciled(before, wanted, all, startDown)
        world.onStep = (step) => {
          if (step.kind === 'launch' || step.kind === 'create') throw new Error(`${step.kind} ${step.id}`)
        }
        world.send({ type: 'reconciler.drain', keep, killAtMs: 0 })
        play(world, all)
        const ours = [...world.processes.values()].filter((each) => !isForeign(each))
        expect(ours.filter(({ record }) => !keep || !isDown(record))).toEqual([])
      }),
    )
  })
})

describe('a thousand processes', () => {
  it('are looked at as often as something becomes of them', () => {
    const size = 1_000
    const chain = Array.from({ length: size }, (_, n) => declared(`p${n}`, n === 0 ? {} : { dependsOn: { [`p${n - 1}`]: 'healthy' } }))
    const world = new World()
    world.declare(...chain)
    world.reconcile()
    const done = world.settle()
    // Created, perhaps held a few times, launched.
    expect(done.length).toBeLessThan(6 * size)
    expect(done.filter((step) => step.startsWith('launch'))).toEqual(chain.map(({ spec }) => `launch ${spec.id}`))
    expect(specOf('p0')).toEqual(world.processes.get('p0')?.spec)
  })
})
