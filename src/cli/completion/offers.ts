/** What an operand or an option may be, for completion. Checked by the commands themselves, whose messages say more than commander's. */
import type { Argument, Command, Option } from 'commander'

/** Those that people send. */
export const SIGNALS = ['HUP', 'INT', 'QUIT', 'TERM', 'KILL', 'USR1', 'USR2', 'STOP', 'CONT', 'WINCH'] as const

const offers = new WeakMap<Argument | Option, readonly string[]>()

/** @param name of an operand, or the long name of an option without its dashes */
export function offer(command: Command, name: string, choices: readonly string[]): Command {
  const found = command.registeredArguments.find((argument) => argument.name() === name) ?? command.options.find((option) => option.name() === name)
  if (found === undefined) throw new Error(`internal: ${command.name()} has neither an operand nor an option ${name}`)
  offers.set(found, choices)
  return command
}

/** None: it may be anything. */
export function offersOf(of: Argument | Option): readonly string[] {
  return offers.get(of) ?? of.argChoices ?? []
}
