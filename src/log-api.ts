/** The library's surface for output: how it is kept, and how it is read. */
import type { Readable } from 'node:stream'
import type { Capture, LogsSpec } from './output.ts'

/** How the output of a process is kept: `LogsSpec` tells the defaults. */
export interface LogsInput extends Partial<Omit<LogsSpec, 'stdout' | 'stderr' | 'maxSizeBytes'>> {
  /** Of both streams, or of each. Default `files`. */
  readonly capture?: Capture | { readonly stdout?: Capture; readonly stderr?: Capture }
  /** False: the logs grow without end. Default true. */
  readonly rotate?: boolean
  /** A log that is larger, in bytes, is rotated. 1 and up, default 10 MiB. */
  readonly maxSizeBytes?: number
}

/** When output arrived, as far as that is known. */
export interface Arrival {
  /** When it arrived, in ms since 1970. Absent: nobody has written it down. */
  readonly at?: number
  /** Order of arrival among all output of the state directory: microseconds since 1970, never the same twice. */
  readonly seq?: number
  /** It arrived while no manager was alive: `at` and `seq` say when the next one found it, not sooner than it came. Both are absent as long as none has. */
  readonly unattended?: true
  /** So many bytes before this are not kept any more. */
  readonly gapBytes?: number
}

/** A piece of output as it came, tagged with where it came from. */
export interface LogChunk extends Arrival {
  readonly stream: 'stdout' | 'stderr'
  readonly run: number
  readonly data: Buffer
}

/** A line of output without its end (`\n`, `\r\n` or a lone `\r`). */
export interface LogLine extends Arrival {
  readonly text: string
  readonly stream: 'stdout' | 'stderr'
  readonly run: number
  /** The text was given without having seen its end: after 200 ms of silence, longer than 1 MB, or the last before the process ended. */
  readonly partial?: true
  /** A piece of a line longer than 1 MB, and not its last. */
  readonly cut?: true
}

export interface AttachOptions {
  /** Default true. */
  readonly stdout?: boolean
  /** Default true. */
  readonly stderr?: boolean
  /** Go on until the process has ended (default), or end with what is there now. */
  readonly follow?: boolean
  /** Begin so many lines before the end of each stream. Default: from the beginning. 0: only what comes. */
  readonly tail?: number
  /** Go on where another reader of these logs was: its `position`. Then `tail` counts for nothing. */
  readonly from?: string
  /** Only what this run has written, a whole number from 1; it ends when that run has ended. Of one that has not begun yet, what it will write. */
  readonly run?: number
  /** Only what arrived from then on, as a Date or in ms since 1970. What nobody has written down the arrival of counts as of now. */
  readonly since?: number | Date
  /** Only what arrived until then, inclusive; following ends then. */
  readonly until?: number | Date
  readonly signal?: AbortSignal
}

export interface WatchOptions extends AttachOptions {
  /** Only lines that match; `tail` counts those. A line that comes in pieces is given from the first piece on that matches. The flags `g` and `y` make no difference. */
  readonly grep?: RegExp
  /** With `follow: false`: also give what has no end yet, `partial` (default). False: it is left, for whoever goes on at `position`. */
  readonly unfinished?: boolean
}

/**
 * A Readable of the bytes of both streams; iterated, it gives `LogChunk`s. It fails with PROCMAN_LOG_UNREADABLE when a log cannot be read (one that is no regular
 * file never is), and with PROCMAN_PROCESS_DAMAGED when nobody can tell any more whether the process has ended.
 */
export type Attachment = Readable & AsyncIterable<LogChunk> & Positioned

/** Lines as they come. To be iterated once. */
export type LogLines = AsyncIterableIterator<LogLine, undefined, undefined> & Positioned

/** The files of a process's output, absolute, oldest first, the live one last. What is compressed ends in `.gz` or `.zst`. */
export interface LogPaths {
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
}

/** What is kept of one stream. Its bytes are counted from the first one that the process ever put out. */
export interface StreamStats {
  /** Taken on the disk, by all its files. */
  readonly diskBytes: number
  /** Where what is kept begins and ends. */
  readonly from: number
  readonly to: number
  /** Bytes between the two that are not kept. */
  readonly gapBytes: number
  /** Bytes that could not be kept, since the process was created: the disk was full. */
  readonly lostBytes: number
  /** Rotated files, and how many of them are compressed. */
  readonly rotatedFiles: number
  readonly compressedFiles: number
}

export interface LogStats {
  readonly stdout: StreamStats
  readonly stderr: StreamStats
}

export interface Positioned {
  /** Behind what was given last: `from` of another reader goes on there, without a gap and without doubling anything. */
  readonly position: string
}
