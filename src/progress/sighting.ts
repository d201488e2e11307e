/** What one line of output says of how far the work is. */

export interface Sighting {
  /** 0 to 100. */
  readonly percent?: number
  readonly current?: number
  readonly total?: number
  /** Of `current` and `total`. Sizes are in bytes: `B`. */
  readonly unit?: string
  /** Per second, in the unit of `current`. */
  readonly rate?: number
  readonly etaMs?: number
  readonly message?: string
  /** What tells several bars of one output apart. Default: there is one. */
  readonly key?: string
  /** A line that could also mean something else: it counts when a later one goes on from it. */
  readonly isVague?: true
}

/** Asked for each line in turn, and may remember what it saw. Null: the line says nothing of progress. */
export type Recogniser = (line: string) => Sighting | null
