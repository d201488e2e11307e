import type { LogLine } from '../api.ts'

export interface NamedLine extends LogLine {
  /** Of the process that has printed it. */
  readonly id: string
}

/** Throws, or takes it: then the others go on. */
export type OnError = (id: string, error: unknown) => void

/** What nobody has written down yet is the newest. */
export function arrivalOf({ seq }: NamedLine): number {
  return seq ?? Number.POSITIVE_INFINITY
}
