/** The lines of several processes as one sequence. */
import type { Reader, WatchOptions } from './api.ts'
import { isProcmanError } from './errors.ts'
import { ByArrival } from './merging/by-arrival.ts'
import { Funnel } from './merging/funnel.ts'
import type { NamedLine } from './merging/named-line.ts'

export type { NamedLine } from './merging/named-line.ts'

export interface WatchAllOptions extends Omit<WatchOptions, 'from' | 'unfinished'> {
  /** Told of a process whose output cannot be read (any more); the others go on. Default: the failure ends all. */
  readonly onError?: (id: string, error: unknown) => void
  /** Called once, when all that was there has been given: what is given from now on comes. Not without `follow`. */
  readonly onCaughtUp?: () => void
}

/**
 * First what is there, merged in the order in which it arrived; then, unless `follow` is false, what comes, as it comes, until all of them have ended. Between the two
 * nothing is missing and nothing doubled. What nobody has written down the arrival of yet comes behind what is known, and within a process everything keeps its order.
 * Holds one line of each process at most. `tail` counts for each stream of each process.
 *
 * @param source a supervisor, a reader, or what `connect` gives
 * @param ids or unique prefixes of ids
 * @throws PROCMAN_PROCESS_UNKNOWN, PROCMAN_PROCESS_AMBIGUOUS, and what `watch` throws
 * @example
 * for await (const { id, text } of watchAll(supervisor, ['web', 'worker'])) console.log(`${id}: ${text}`)
 */
export async function* watchAll(
  source: Pick<Reader, 'get' | 'watch'>,
  ids: readonly string[],
  { onError, onCaughtUp, ...options }: WatchAllOptions = {},
): AsyncGenerator<NamedLine, void, undefined> {
  const records = new Map(ids.map((given) => source.get(given)).map((record) => [record.id, record]))
  const fail = (id: string, error: unknown) => {
    if (onError === undefined) throw error
    onError(id, error)
  }
  const { follow = true, signal } = options
  const past = new ByArrival(fail)
  try {
    for (const id of records.keys()) past.add(id, () => source.watch(id, { ...options, follow: false, unfinished: !follow }))
    yield* past.lines()
  } finally {
    await past.close()
  }
  if (!follow || signal?.aborted === true) return
  onCaughtUp?.()
  const { tail: _tail, ...filters } = options
  const live = new Funnel(fail)
  try {
    for (const [id, from] of past.positions) if (isSame(source, records.get(id))) live.add(id, () => source.watch(id, { ...filters, from }))
    yield* live.lines()
  } finally {
    await live.close()
  }
}

/** It may have been removed meanwhile, and another one may have its id. */
function isSame(source: Pick<Reader, 'get'>, record: ReturnType<Reader['get']> | undefined): boolean {
  try {
    return record !== undefined && source.get(record.id).created_at === record.created_at
  } catch (error) {
    if (isProcmanError(error) && error.code === 'PROCMAN_PROCESS_UNKNOWN') return false
    throw error
  }
}
