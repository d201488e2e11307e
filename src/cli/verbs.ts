/** What verbs are added to the program with. */
import type { Command } from 'commander'
import type { Cli } from './context.ts'

/** Receives what the called command answered. */
export type Answer = (exitCode: number) => void

/** What a group of verbs is added with. */
export interface Verbs {
  /** A verb with the options that all have, and the examples of its help: command lines as one would type them. */
  readonly verb: (usage: string, description: string, ...examples: readonly string[]) => Command
  readonly cliOf: (options: { readonly stateDir?: string }) => Cli
  readonly answer: Answer
  readonly program: Command
}

export const JSON_HELP = 'print JSON'
