/** What is declared, and what there is: all that the reconciler decides on. Plain data. */
import type { ProcessSpec } from '../../types.ts'
import type { ProcessRecord } from '../process/record.ts'

export interface Declared {
  readonly spec: ProcessSpec
  /** False: it is to be there, and is started by nobody but a user. */
  readonly autostart: boolean
  /** Some of its probes are functions: only a manager to which it was declared has them. */
  readonly hasFunctions?: boolean
}

/** What of a record matters here. */
export type Facts = Pick<ProcessRecord, 'state' | 'status' | 'pid' | 'run' | 'ready' | 'error' | 'waiting_for'> & {
  readonly health: { readonly status: 'healthy' | 'unhealthy' | 'unknown' } | null
  readonly stopping: { readonly purpose: NonNullable<ProcessRecord['stopping']>['purpose'] } | null
}

export interface Actual {
  readonly spec: ProcessSpec
  readonly record: Facts
}

export function isDown({ state }: Facts): boolean {
  return state === 'pending' || state === 'exited' || state === 'orphaned'
}

/** It runs, ready or not. */
export function isUp({ state }: Facts): boolean {
  return state === 'starting' || state === 'running' || state === 'unhealthy'
}

/** It is down, and is to be started once its dependencies are there: that is on record, whatever becomes of the manager. */
export function isHeld(facts: Facts): boolean {
  return isDown(facts) && facts.waiting_for !== null
}

/** Whether anything that is decided on differs. */
export function isSame(one: Facts, other: Facts): boolean {
  return (
    one.state === other.state &&
    one.status === other.status &&
    one.pid === other.pid &&
    one.run === other.run &&
    one.ready === other.ready &&
    one.error === other.error &&
    one.waiting_for === other.waiting_for &&
    one.health?.status === other.health?.status &&
    one.stopping?.purpose === other.stopping?.purpose
  )
}
