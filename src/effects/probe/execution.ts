/** A command that a probe executes, in either way. */
import type { Readable } from 'node:stream'
import type { End } from '../run/run-files.ts'

export interface CommandLine {
  readonly command: string
  readonly args: readonly string[]
  /** Absolute. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

export interface Execution {
  readonly outputs: readonly (Readable | null)[]
  /** How the command ended. Never rejects. */
  readonly ended: Promise<End>
  /** When it has ended by itself, and nothing is left that is not meant to stay. */
  readonly gone: Promise<unknown>
  /** Kills its whole tree. @returns when nothing is left of it */
  kill(): Promise<unknown>
}
