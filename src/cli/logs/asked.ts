/** What the options of `logs` come to. */
import type { AttachOptions, LabelFilter } from '../../api.ts'
import { parseCount } from '../parse/count.ts'
import { parseLabelFilter } from '../parse/labels.ts'
import { usageError } from '../report.ts'

/** As commander leaves them. */
export interface LogsOptions {
  readonly follow?: boolean
  readonly label?: readonly string[]
  readonly tail?: string
  readonly stdout?: boolean
  readonly stderr?: boolean
  readonly json?: boolean
  readonly timestamps?: boolean
}

export interface Asked {
  readonly labels: LabelFilter | undefined
  readonly read: AttachOptions
  /** Something was asked for that only lines have. */
  readonly byLine: boolean
  readonly isJson: boolean
  readonly isTimed: boolean
}

export function parseLogsOptions(ids: readonly string[], options: LogsOptions): Asked {
  const { label, tail, stdout, stderr, json = false, timestamps = false } = options
  if (label !== undefined && ids.length > 0) throw usageError('give ids or --label, not both')
  // One of the two: that stream alone. None or both: both.
  const isBoth = stdout === stderr
  return {
    labels: label && parseLabelFilter(label),
    read: {
      follow: options.follow === true,
      stdout: isBoth || stdout === true,
      stderr: isBoth || stderr === true,
      ...(tail === undefined ? {} : { tail: parseCount(tail, '--tail') }),
    },
    byLine: json || timestamps,
    isJson: json,
    isTimed: timestamps,
  }
}
