/** What becomes of the output of a process: how its logs are kept, and what is understood of its progress. Plain JSON only. */

/** `files`: in logs. `memory`: the last bytes, while somebody is there to hold them. `none`: nowhere. */
export type Capture = 'files' | 'memory' | 'none'

/** Of rotated logs. `zstd`: where this Node has it (22.15 and newer), else gzip. */
export type Compression = 'none' | 'gzip' | 'zstd'

/** How the output of a process is kept, every default filled in. Sizes in bytes. */
export interface LogsSpec {
  readonly stdout: Capture
  readonly stderr: Capture
  /** Of `memory`, for each stream. 4 096 and up. Default 1 MiB. */
  readonly bufferBytes: number
  /** A log that is larger is rotated, each stream by itself; rounded up to the block of the file system. 1 and up, default 10 MiB. Null: never rotated. */
  readonly maxSizeBytes: number | null
  /** So many rotated files are kept of each stream; 0: none. Default 10. */
  readonly maxFiles: number
  /** Rotated files that are older, in ms, are removed. Null (default): they are kept. */
  readonly maxAgeMs: number | null
  /** Both streams with their rotated files together. Null (default): what the limits above come to. */
  readonly maxTotalBytes: number | null
  readonly compress: Compression
}

/** How progress is read from output. `pattern`: `source` and `flags` of a regular expression with the named groups percent, current, total or message. */
export type ProgressSpec = { readonly kind: 'auto' } | { readonly kind: 'pattern'; readonly source: string; readonly flags: string }

/** How far a run is, as its output says. What it does not say is null. */
export interface Progress {
  /** 0 to 100. */
  readonly percent: number | null
  readonly current: number | null
  readonly total: number | null
  /** Of `current` and `total`: `B` for bytes, `s` for seconds, else as the output calls them; null: it does not. */
  readonly unit: string | null
  /** Per second, in the unit of `current`. */
  readonly rate: number | null
  readonly etaMs: number | null
  readonly message: string | null
  /** When it was said, ms since 1970. */
  readonly atMs: number
}
