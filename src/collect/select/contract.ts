/** Which records a target gets. */
import type { LabelFilter } from '../../api.ts'

type Stream = 'stdout' | 'stderr'

/** All that is given must hold; of a list, one. */
export interface RecordSelector {
  /** Names of processes (one with replicas: all of them), or globs of ids as `web-*`. */
  readonly ids?: string | readonly string[]
  readonly labels?: LabelFilter
  readonly streams?: Stream | readonly Stream[]
  /** What the message has in it: regular expressions. */
  readonly message?: RegExp | string | readonly (RegExp | string)[]
}

/** One or several, of which one must hold; a text is a name or a glob of ids. */
export type Selection = string | RecordSelector | readonly (string | RecordSelector)[]
