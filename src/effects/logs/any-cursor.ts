/** What reads one stream, wherever its output is. */
import type { LogChunk } from '../../log-api.ts'
import type { ArrivalSpan, LogPlace, LogRange, LogStream } from './contract.ts'

/** What is read next of one stream. At most 64 KB are read ahead. */
export interface Cursor {
  readonly stream: LogStream
  readonly hasData: boolean
  /** Of the next byte. */
  readonly run: number
  /** Of the next byte that is taken; undefined while there is nothing to read from. */
  readonly place: LogPlace | undefined
  /** With which the next byte came. Only with `hasData`. Null: nobody knows. */
  readonly arrival: ArrivalSpan | null
  /** All that is meant by the range has been read. */
  readonly isOver: boolean
  /** The next byte was there when the cursor was made. */
  readonly isInHistory: boolean
  /** Where something happens when there is more to read. */
  places(): readonly string[]
  /** Synchronously: since the last look there is more to read, or something else to watch than `places` has said. */
  hasChanged(): boolean
  /** Reads on unless there is data already. No data afterwards: the end was reached, there is nothing to read from, or the cursor is closed. */
  fill(): Promise<void>
  /** Takes what `fill` has read, up to the end of its run and of what arrived with it. Only with `hasData`. */
  take(): LogChunk
  /** Settles when all is let go of. A `fill` that is pending then ends or rejects. Repeated: settles likewise. */
  close(): Promise<void>
}

export interface CursorOptions {
  readonly follow: boolean
  readonly tail: number
  /** Logical offset to begin at, without a `tail`. Default 0. */
  readonly from?: number
  /** Where another cursor was, whatever the `tail`. */
  readonly at?: LogPlace | undefined
  /** Only such lines count for `tail`. */
  readonly wants?: ((text: string) => boolean) | undefined
  /** Nothing else is read, but the beginning of the line that was under way at `since`, and what is before `run` where nobody knows where that begins. */
  readonly range?: LogRange
}
