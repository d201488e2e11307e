/** The command line as commander sees it: every verb with its options. What a verb does is loaded when it is called. */
import { Command } from 'commander'
import { readVersion } from '../version.ts'
import { createCli } from './context.ts'
import { withExamples } from './examples.ts'
import type { Io } from './io.ts'
import { addMaintenanceVerbs } from './maintenance-verbs.ts'
import { addProcessVerbs } from './process-verbs.ts'
import { addProjectVerbs } from './project-verbs.ts'
import type { Answer, Verbs } from './verbs.ts'
import { addViewVerbs } from './view-verbs.ts'

export function createProgram(io: Io, answer: Answer): Command {
  const program = new Command('procman')
    .description('Starts processes that outlive their manager, and never loses one.')
    .version(readVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // main says it in one sentence.
      outputError: () => undefined,
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
  program.option('--state-dir <dir>', STATE_DIR_HELP)
  program.addHelpText('after', HELP_AFTER)

  const verbs: Verbs = {
    verb: (usage, description, ...examples) =>
      withExamples(program.command(usage).description(description).option('--state-dir <dir>', STATE_DIR_HELP), examples),
    cliOf: (options) => createCli(io, options.stateDir ?? program.opts<{ stateDir?: string }>().stateDir),
    answer,
    program,
  }
  program.commandsGroup('Projects:')
  addProjectVerbs(verbs)
  program.commandsGroup('Processes:')
  addProcessVerbs(verbs)
  program.commandsGroup('Look:')
  addViewVerbs(verbs)
  program.commandsGroup('Maintenance:')
  addMaintenanceVerbs(verbs)
  program.helpCommand('help [command]', 'print help')
  return program
}

const STATE_DIR_HELP = 'state directory (default: $PROCMAN_HOME, else ~/.cache/procman)'
const HELP_AFTER = `
An id may be shortened to a prefix that fits one process. Durations have units: 500ms, 30s, 1m30s, 24h, 7d.
Options end at the first word of the command or at --; what follows reaches the command as it is.

Exit codes: 0 done, 1 failed, 2 bad usage, 3 no such process, 4 wrong state for this command, 5 state directory in use.
run and wait exit with the code of the process, or 128+n after signal n.`
