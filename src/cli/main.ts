#!/usr/bin/env node
/** The command line. `main` does everything through `io` and answers with the exit code; the file runs itself only as the program. */
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CommanderError } from 'commander'
import { EXIT } from './exit-codes.ts'
import { BrokenPipe, type Io, processIo } from './io.ts'
import { createProgram } from './program.ts'
import { reportError, usageError } from './report.ts'

/** @param argv the words after `procman` */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  let exitCode: number = EXIT.done
  const program = createProgram(io, (code) => {
    exitCode = code
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof BrokenPipe) return EXIT.done
    if (error instanceof CommanderError) return answerCommander(error, argv, io)
    return reportError(io, error)
  }
}

/** Help and version were printed; everything else is a usage error, said in one sentence with where help is. */
async function answerCommander(error: CommanderError, argv: readonly string[], io: Io): Promise<number> {
  if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return EXIT.done
  if (error.code === 'commander.help') return error.exitCode === 0 ? EXIT.done : EXIT.usage
  const sentence = error.message
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean (.*)\?\)$/, ' (did you mean $1?)')
    .replace(/\.$/, '')
  const verb = createProgram(io, () => undefined).commands.find(
    (command) => argv.includes(command.name()) || command.aliases().some((alias) => argv.includes(alias)),
  )
  const hint = verb === undefined || error.code === 'commander.unknownCommand' ? 'procman --help' : `procman ${verb.name()} --help`
  return reportError(io, usageError(`${sentence}; see '${hint}'`))
}

/** Installed, we are called through a symlink in node_modules/.bin. */
function isProgram(): boolean {
  const [, entry] = process.argv
  if (entry === undefined) return false
  try {
    return realpathSync(entry) === realpathSync(fileURLToPath(import.meta.url))
  } catch {
    return false
  }
}

if (isProgram()) {
  const exitCode = await main(process.argv.slice(2), processIo())
  // All output was waited for; what may still be open (a stdin that nobody will read) must not keep us.
  process.exit(exitCode)
}
