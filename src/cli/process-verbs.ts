/** The verbs that act on processes. */
import { offer, SIGNALS } from './completion/offers.ts'
import { withSpecOptions } from './spec-options.ts'
import type { Verbs } from './verbs.ts'

export function addProcessVerbs({ verb, cliOf, answer }: Verbs): void {
  withSpecOptions(
    verb(
      'start',
      'launch a command and leave it running; prints its id',
      'procman start -- rsync -a big/ backup/',
      'procman start --id nightly --label team=data --env DAY=1 -- ./export.sh',
      `procman start --id web --port 8080 --restart always --readiness /healthz -- node server.js`,
    ).option('--json', 'print the record instead of the id'),
  ).action(async (argv: string[], options) => answer(await (await import('./commands/start.ts')).start(cliOf(options), argv, options)))
  withSpecOptions(
    verb(
      'run',
      'launch a command, follow it and exit with its code; Ctrl-C cancels it',
      'procman run -- make test',
      'procman run --stdin --id sorted -- sort',
      'procman run --restart on-failure --max-attempts 5 -- ./flaky.sh',
    ),
  ).action(async (argv: string[], options) => answer(await (await import('./commands/run.ts')).run(cliOf(options), argv, options)))
  verb('cancel <id...>', 'stop processes with all their descendants', 'procman cancel web', 'procman stop web worker --timeout 30s')
    .alias('stop')
    .option('--timeout <duration>', 'from the first signal to SIGKILL; 0 kills at once')
    .action(async (ids: string[], options) => answer(await (await import('./commands/cancel.ts')).cancel(cliOf(options), ids, options)))
  verb('restart <id...>', 'stop what is up, and start the next run', 'procman restart web', 'procman restart web --force')
    .option('--force', 'also behind an open circuit breaker, which is closed')
    .action(async (ids: string[], options) => answer(await (await import('./commands/restart.ts')).restart(cliOf(options), ids, options)))
  offer(
    verb('signal <id> <signal>', 'send a signal, as TERM, SIGTERM or 15, to the process group', 'procman signal web HUP').action(
      async (id: string, name: string, options) => answer(await (await import('./commands/signal.ts')).signal(cliOf(options), id, name)),
    ),
    'signal',
    SIGNALS,
  )
  verb('send <id> [text]', 'write a line to the stdin of a process started with --stdin', "procman send repl '1 + 1'", 'procman send sorted --eof')
    .option('--eof', 'close its stdin (after the text)')
    .action(async (id: string, text: string | undefined, options) => answer(await (await import('./commands/send.ts')).send(cliOf(options), id, text, options)))
  verb('reset <id...>', 'forget the failures that were counted, and close the circuit breaker', 'procman reset web').action(async (ids: string[], options) =>
    answer(await (await import('./commands/reset.ts')).reset(cliOf(options), ids)),
  )
  verb('remove <id...>', 'forget ended processes, with their logs', 'procman remove nightly', 'procman rm web worker --force')
    .alias('rm')
    .option('--force', 'also live ones: stop them first')
    .action(async (ids: string[], options) => answer(await (await import('./commands/remove.ts')).remove(cliOf(options), ids, options)))
}
