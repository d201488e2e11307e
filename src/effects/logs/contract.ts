/** What log readers need to know about a process; the manager and the lock-free reader each provide it in their way. */

export type LogStream = 'stdout' | 'stderr'

/** Where the output of a run begins in the logs of its process. */
export interface RunMark {
  readonly run: number
  readonly stdout: number
  readonly stderr: number
}

export interface LogSource {
  /** Path of the log file of a stream; it may not exist yet. */
  path(stream: LogStream): string
  /** The marks of all runs whose run files are still kept, ascending by run. Cheap enough to be asked for each chunk. */
  marks(): readonly RunMark[]
  /** Aborted once nothing more will be written: the process has settled, or nobody watches it any longer. */
  readonly ended: AbortSignal
  /** Why `ended` was aborted although nobody knows whether the process has ended: readers read what is there, and fail with it. Undefined: it has. */
  failure?(): unknown
  /** False once what lies at the paths may be another process's, to which the id was given after this one was removed. Default: true. */
  isOwn?(): boolean
  /** Nobody reads any longer: `ended` need not be found out. Repeated: nothing. */
  release?(): void
}
