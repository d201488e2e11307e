/** What log readers need to know about a process; the manager and the lock-free reader each provide it in their way. */

export type LogStream = 'stdout' | 'stderr'

/** Of the next byte of one stream. */
export interface LogPlace {
  /** The inode of the file that is read: another one in its place is read from its beginning. */
  readonly file: string
  readonly offset: number
  /** The run that wrote the byte before. */
  readonly run: number
  /** That byte is a `\r`, which has ended a line: a `\n` belongs to it. */
  readonly isAfterCr?: boolean
}

/** Output that is held in memory, by the keeper of its run or by whoever has it open. */
export interface MemoryLog {
  /** All that may be had, ascending. Cheap enough to be asked each time that is looked for news. */
  runs(): readonly number[]
  /** @returns a descriptor to read from, to be closed by the caller; null: it is gone */
  open(run: number, stream: LogStream): number | null
  /** A directory in which something happens when another run begins. */
  readonly place: string
}

/** Where the output of a run begins in the logs of its process. */
export interface RunMark {
  readonly run: number
  readonly stdout: number
  readonly stderr: number
}

/** With it came all bytes before the logical offset `end` that came with no earlier one. */
export interface ArrivalSpan {
  readonly end: number
  /** Microseconds since 1970, never the same for another one of the state directory. */
  readonly seq: number
  /** It came while no manager was alive, and was found at `seq`. */
  readonly isUnattended: boolean
}

/** When output arrived. Offsets are logical. */
export interface LogArrivals {
  /** @param offset of a byte that is there. @returns the arrival with which it came; null: nobody knows */
  at(stream: LogStream, offset: number): ArrivalSpan | null
  /** The offset of the first byte that is known to have come at or after a time, in microseconds since 1970; behind all that is known when there is none. */
  since(stream: LogStream, seq: number): number
  /** The offset of the first byte that is known to have come after a time; Infinity when there is none. */
  until(stream: LogStream, seq: number): number
}

/** Which part of the output is meant. */
export interface LogRange {
  readonly run?: number
  /** In microseconds since 1970, inclusive: what is known to have come before or after is left out. */
  readonly since?: number
  readonly until?: number
}

export interface LogSource {
  /** Path of the log file of a stream; it may not exist yet. */
  path(stream: LogStream): string
  /** The marks of all runs that are known, ascending by run. Cheap enough to be asked for each chunk. */
  marks(): readonly RunMark[]
  /** Where the stream is held in memory; null (default): it is in files. */
  memory?(stream: LogStream): MemoryLog | null
  /** Undefined: nobody knows. */
  readonly arrivals?: LogArrivals
  /** False: no manager lives that would write down what arrives. Default: true. */
  isAttended?(): boolean
  /** Aborted once nothing more will be written: the process has settled, or nobody watches it any longer. */
  readonly ended: AbortSignal
  /** Why `ended` was aborted although nobody knows whether the process has ended: readers read what is there, and fail with it. Undefined: it has. */
  failure?(): unknown
  /** False once what lies at the paths may be another process's, to which the id was given after this one was removed. Default: true. */
  isOwn?(): boolean
  /** Nobody reads any longer: `ended` need not be found out. Repeated: nothing. */
  release?(): void
}
