/** What is to become of one process: what is declared against what there is. Pure: same facts, same verdict, always with the reason. */
import { type Change, changeBetween } from './change.ts'
import { stateWords } from './conditions.ts'
import { type Actual, type Declared, isDown, isHeld } from './facts.ts'

/**
 * `start`: is not there, or is down and should be up; `create`: is not there, and is started by nobody but a user; `restart`: what it runs has changed; `update`: what
 * has changed needs no restart; `stop`: stopped, and kept; `remove`: stopped if it is up, and removed; `keep`: nothing.
 */
export type Action = 'start' | 'create' | 'restart' | 'update' | 'stop' | 'remove' | 'keep'

export interface Decision {
  readonly action: Action
  readonly reason: string
  /** What is to be declared anew. */
  readonly change: Change | null
  /** It is to be up. */
  readonly starts: boolean
}

/** @param startDown also what a user has stopped, or what has failed */
export function decide(declared: Declared, actual: Actual | undefined, startDown: boolean): Decision {
  if (actual === undefined) return { action: declared.autostart ? 'start' : 'create', reason: 'is not there', change: null, starts: declared.autostart }
  const change = changeBetween(actual.spec, declared.spec)
  const start = startReason(declared, actual, change, startDown)
  if (start !== null) {
    const reason = change === null || start === change.words ? start : `${start}; ${change.words}`
    return { action: 'start', reason, change, starts: true }
  }
  if (change === null) return { action: 'keep', reason: keepReason(declared, actual), change, starts: false }
  return { action: change.restarts && !isDown(actual.record) ? 'restart' : 'update', reason: change.words, change, starts: false }
}

/** Null: it is up, is about to be, or is to stay down. */
function startReason({ autostart }: Declared, { record }: Actual, change: Change | null, startDown: boolean): string | null {
  if (!autostart) return null
  if (record.state === 'stopping') return startDown && record.stopping?.purpose === 'stop' ? 'is being stopped by the user' : null
  if (!isDown(record)) return null
  if (isHeld(record)) return record.waiting_for
  if (record.state === 'pending') return stateWords(record)
  // What has ended was something else. What the user has stopped stays stopped, whatever it is.
  if (change?.restarts && record.status !== 'cancelled') return change.words
  return startDown && record.status !== 'completed' ? stateWords(record) : null
}

function keepReason({ autostart }: Declared, { record }: Actual): string {
  if (!isDown(record)) return stateWords(record)
  if (!autostart) return `${stateWords(record)}, and is started by hand only`
  return record.status === 'completed' ? stateWords(record) : `${stateWords(record)}; up starts it`
}

/** Of one that is not declared. @param keeps it is stopped only */
export function decideEnd({ record }: Actual, isDisabled: boolean, keeps: boolean): Decision {
  const reason = isDisabled ? 'is not enabled any more' : 'is not declared any more'
  if (!keeps) return { action: 'remove', reason, change: null, starts: false }
  const isDone = isDown(record) && record.state !== 'pending' && !isHeld(record)
  return { action: isDone ? 'keep' : 'stop', reason: isDone ? stateWords(record) : 'everything is to be down', change: null, starts: false }
}
