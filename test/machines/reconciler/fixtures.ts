import type { Actual, Declared, Facts } from '../../../src/machines/reconciler/facts.ts'
import type { DependencyCondition, ProcessSpec } from '../../../src/types.ts'
import { aSpec, type SpecParts } from '../fixtures.ts'

export const ORIGIN = '/srv/shop'

export const specOf = (id: string, part: SpecParts = {}): ProcessSpec => ({ ...aSpec({ dependsOn: {}, origin: ORIGIN, ...part }), id })

export const declared = (id: string, part: SpecParts & { readonly autostart?: boolean } = {}): Declared => {
  const { autostart = true, ...spec } = part
  return { spec: specOf(id, spec), autostart }
}

export const needing = (dependencies: readonly string[], condition: DependencyCondition = 'started') => ({
  dependsOn: Object.fromEntries(dependencies.map((id) => [id, condition])),
})

export const facts = (part: Partial<Facts> = {}): Facts => ({
  state: 'pending',
  status: 'pending',
  pid: null,
  run: 0,
  ready: false,
  error: null,
  waiting_for: null,
  health: null,
  stopping: null,
  ...part,
})

/** What a process can be in, with the facts that go with it. */
export const as = {
  pending: facts(),
  held: facts({ waiting_for: 'waits for db to be started: db is not there' }),
  launching: facts({ state: 'starting', status: 'running', run: 1 }),
  starting: facts({ state: 'starting', status: 'running', run: 1, pid: 10 }),
  running: facts({ state: 'running', status: 'running', run: 1, pid: 10, ready: true }),
  unproven: facts({ state: 'running', status: 'running', run: 1, pid: 10, ready: true, health: { status: 'unknown' } }),
  healthy: facts({ state: 'running', status: 'running', run: 1, pid: 10, ready: true, health: { status: 'healthy' } }),
  unhealthy: facts({ state: 'unhealthy', status: 'running', run: 1, pid: 10, health: { status: 'unhealthy' } }),
  backoff: facts({ state: 'backoff', status: 'running', run: 1, error: 'exited with code 1' }),
  stopping: facts({ state: 'stopping', status: 'running', run: 1, pid: 10, stopping: { purpose: 'stop' } }),
  restarting: facts({ state: 'stopping', status: 'running', run: 1, pid: 10, stopping: { purpose: 'restart' } }),
  completed: facts({ state: 'exited', status: 'completed', run: 1 }),
  failed: facts({ state: 'exited', status: 'failed', run: 1, error: 'exited with code 1' }),
  cancelled: facts({ state: 'exited', status: 'cancelled', run: 1 }),
  orphaned: facts({ state: 'orphaned', status: 'orphaned', run: 1 }),
} as const

export const actual = (id: string, record: Facts, part: SpecParts = {}): Actual => ({ spec: specOf(id, part), record })
