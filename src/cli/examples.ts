/** Examples at the end of a verb's help. */
import type { Command } from 'commander'

const examples = new WeakMap<Command, readonly string[]>()

/** @param lines command lines as one would type them, each beginning with `procman` */
export function withExamples(command: Command, lines: readonly string[]): Command {
  if (lines.length === 0) return command
  examples.set(command, [...examplesOf(command), ...lines])
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}\n`).join('')}`.trimEnd())
}

/** None: nothing was given. */
export function examplesOf(command: Command): readonly string[] {
  return examples.get(command) ?? []
}
