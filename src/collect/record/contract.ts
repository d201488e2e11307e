/** What a line becomes on its way to a target. */

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const

export type RecordLevel = (typeof LEVELS)[number]

/** How lines are read: `auto`: as JSON or logfmt where they are that; `none`: as text. */
export type LineFormat = 'auto' | 'json' | 'logfmt' | 'none'

/** What is known of a line without having looked into it. */
export interface Origin {
  /** ISO 8601, UTC: when the line has arrived. */
  readonly time: string
  /** Order of arrival in the state directory: microseconds since 1970. */
  readonly seq: number
  readonly id: string
  /** Which of its replicas; 1 for a process that has none. */
  readonly instance: number
  readonly run: number
  /** Of the command; null: it is not known any more. */
  readonly pid: number | null
  readonly stream: 'stdout' | 'stderr'
  /** The line has arrived while no manager was there: not later than `time`. */
  readonly unattended?: true
  /** The end of the line has not been seen: it was cut, or its run has ended. */
  readonly partial?: true
}

/**
 * One line of output. Of a line that is JSON or logfmt, `time`, `level` and `msg` are what the program says, and its other fields stand beside ours; one that has
 * the name of one of ours is called `app_NAME`.
 */
export interface LogRecord extends Origin {
  readonly level?: RecordLevel
  readonly msg: string
  readonly [field: string]: unknown
}
