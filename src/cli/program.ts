/** The command line as commander sees it: every verb with its options. What a verb does is loaded when it is called. */
import { Command } from 'commander'
import { type Cli, createCli } from './context.ts'
import type { Io } from './io.ts'
import { addProjectVerbs } from './project-verbs.ts'
import { collect, withSpecOptions } from './spec-options.ts'
import { readVersion } from './version.ts'
import { addViewVerbs } from './view-verbs.ts'

/** Receives what the called command answered. */
export type Answer = (exitCode: number) => void

/** What a group of verbs is added with. */
export interface Verbs {
  /** A verb with the options that all have; `act` gets the operands and the options. */
  readonly verb: (usage: string, description: string) => Command
  readonly cliOf: (options: { readonly stateDir?: string }) => Cli
  readonly answer: Answer
  readonly program: Command
}

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

  /** A verb; `act` gets the context, the operands and the options. */
  const verb = (usage: string, description: string): Command => program.command(usage).description(description).option('--state-dir <dir>', STATE_DIR_HELP)
  const cliOf = (options: { readonly stateDir?: string }): Cli => createCli(io, options.stateDir ?? program.opts<{ stateDir?: string }>().stateDir)

  withSpecOptions(verb('start', 'launch a command and leave it running; prints its id').option('--json', 'print the record instead of the id')).action(
    async (argv: string[], options) => answer(await (await import('./commands/start.ts')).start(cliOf(options), argv, options)),
  )
  withSpecOptions(verb('run', 'launch a command, follow it and exit with its code; Ctrl-C cancels it')).action(async (argv: string[], options) =>
    answer(await (await import('./commands/run.ts')).run(cliOf(options), argv, options)),
  )
  verb('list', 'list the processes')
    .alias('ps')
    .option('--status <status,...>', 'only these: pending, running, completed, failed, cancelled, orphaned', collect)
    .option('--label <name=value,...>', 'only with all of these labels; a name alone: with that label', collect)
    .option('--json', JSON_HELP)
    .action(async (options) => answer(await (await import('./commands/list.ts')).list(cliOf(options), options)))
  verb('show <id>', 'show all that is known of a process')
    .option('--json', JSON_HELP)
    .action(async (id: string, options) => answer(await (await import('./commands/show.ts')).show(cliOf(options), id, options)))
  verb('why <id>', 'say in plain words why a process is in its state, what was counted, and what comes next')
    .option('--json', JSON_HELP)
    .action(async (id: string, options) => answer(await (await import('./commands/why.ts')).why(cliOf(options), id, options)))
  verb('logs <id>', 'print the output of a process: its stdout on stdout, its stderr on stderr')
    .option('-f, --follow', 'go on until the process has ended')
    .option('--tail <lines>', 'begin so many lines before the end of each stream')
    .option('--stdout', 'its stdout only')
    .option('--stderr', 'its stderr only')
    .action(async (id: string, options) => answer(await (await import('./commands/logs.ts')).logs(cliOf(options), id, options)))
  verb('wait <id...>', 'wait until all have ended; exits with the code of the process (of several: the first that is not 0)')
    .option('--for <condition>', 'ready, healthy or settled; for the first two it is the manager where none lives (default: settled)')
    .option('--timeout <duration>', 'give up after, as 30s or 1m30s')
    .option('--json', JSON_HELP)
    .action(async (ids: string[], options) => answer(await (await import('./commands/wait.ts')).wait(cliOf(options), ids, options)))
  verb('send <id> [text]', 'write a line to the stdin of a process started with --stdin')
    .option('--eof', 'close its stdin (after the text)')
    .action(async (id: string, text: string | undefined, options) => answer(await (await import('./commands/send.ts')).send(cliOf(options), id, text, options)))
  verb('signal <id> <signal>', 'send a signal, as TERM, SIGTERM or 15, to the process group').action(async (id: string, name: string, options) =>
    answer(await (await import('./commands/signal.ts')).signal(cliOf(options), id, name)),
  )
  verb('cancel <id...>', 'stop processes with all their descendants')
    .alias('stop')
    .option('--timeout <duration>', 'from the first signal to SIGKILL; 0 kills at once')
    .action(async (ids: string[], options) => answer(await (await import('./commands/cancel.ts')).cancel(cliOf(options), ids, options)))
  verb('restart <id...>', 'stop what is up, and start the next run')
    .option('--force', 'also behind an open circuit breaker, which is closed')
    .action(async (ids: string[], options) => answer(await (await import('./commands/restart.ts')).restart(cliOf(options), ids, options)))
  verb('reset <id...>', 'forget the failures that were counted, and close the circuit breaker').action(async (ids: string[], options) =>
    answer(await (await import('./commands/reset.ts')).reset(cliOf(options), ids)),
  )
  verb('remove <id...>', 'forget ended processes, with their logs')
    .alias('rm')
    .option('--force', 'also live ones: stop them first')
    .action(async (ids: string[], options) => answer(await (await import('./commands/remove.ts')).remove(cliOf(options), ids, options)))
  verb('cleanup', 'forget all ended processes; prints their ids')
    .option('--older-than <duration>', 'only those that ended so long ago, as 24h')
    .option('--json', JSON_HELP)
    .action(async (options) => answer(await (await import('./commands/cleanup.ts')).cleanup(cliOf(options), options)))
  verb('refresh', 'check every process against the operating system now')
    .option('--json', JSON_HELP)
    .action(async (options) => answer(await (await import('./commands/refresh.ts')).refresh(cliOf(options), options)))
  verb('diagram', 'print the chart of a state machine')
    .argument('[machine]', 'process or supervisor', 'process')
    .option('--format <format>', 'mermaid or svg', 'mermaid')
    .action(async (name: string, options) => answer(await (await import('./commands/diagram.ts')).diagram(cliOf(options), name, options)))
  verb('doctor', 'say what procman works with here, and what is wrong')
    .option('--json', JSON_HELP)
    .action(async (options) => answer(await (await import('./commands/doctor.ts')).doctor(cliOf(options), options)))
  const verbs: Verbs = { verb, cliOf, answer, program }
  addProjectVerbs(verbs)
  addViewVerbs(verbs)
  return program
}

const STATE_DIR_HELP = 'state directory (default: $PROCMAN_HOME, else ~/.cache/procman)'
const JSON_HELP = 'print JSON'
const HELP_AFTER = `
An id may be shortened to a prefix that fits one process. Durations have units: 500ms, 30s, 1m30s, 24h, 7d.
Options end at the first word of the command or at --; what follows reaches the command as it is.

Exit codes: 0 done, 1 failed, 2 bad usage, 3 no such process, 4 wrong state for this command, 5 state directory in use.
run and wait exit with the code of the process, or 128+n after signal n.`
