/** The verbs that look at processes. */
import { STATUSES } from '../select.ts'
import { offer } from './completion/offers.ts'
import { collect } from './spec-options.ts'
import { JSON_HELP, type Verbs } from './verbs.ts'

export function addViewVerbs({ verb, cliOf, answer }: Verbs): void {
  offer(
    verb('list', 'list the processes', 'procman list', 'procman ps --status running,failed', 'procman list --label team=data --json')
      .alias('ps')
      .option('--status <status,...>', `only these: ${STATUSES.join(', ')}`, collect)
      .option('--label <name=value,...>', 'only with all of these labels; a name alone: with that label', collect)
      .option('--json', JSON_HELP)
      .action(async (options) => answer(await (await import('./commands/list.ts')).list(cliOf(options), options))),
    'status',
    STATUSES,
  )
  verb('show <id>', 'show all that is known of a process', 'procman show web', 'procman show web --json')
    .option('--json', JSON_HELP)
    .action(async (id: string, options) => answer(await (await import('./commands/show.ts')).show(cliOf(options), id, options)))
  verb('why <id>', 'say in plain words why a process is in its state, what was counted, and what comes next', 'procman why web')
    .option('--json', JSON_HELP)
    .action(async (id: string, options) => answer(await (await import('./commands/why.ts')).why(cliOf(options), id, options)))
  verb(
    'logs [id...]',
    'print the output of a process, or of several or all with their names: stdout on stdout, stderr on stderr',
    'procman logs web --tail 20 --follow',
    'procman logs -f --tail 0',
    'procman logs -l team=data --timestamps',
    'procman logs web --json --stderr',
    'procman logs --path web',
  )
    .option('-f, --follow', 'go on until they have ended')
    .option('-l, --label <name=value,...>', 'of all processes with these labels', collect)
    .option('--tail <lines>', 'begin so many lines before the end of each stream')
    .option('--since <time>', 'what arrived since: 10m ago, 09:30, 2026-01-31, 2026-01-31T09:30:00Z')
    .option('--until <time>', 'what arrived until then')
    .option('--run <n>', 'of that run; 0 is the last one, -1 the one before it')
    .option('--grep <regex>', 'lines that match')
    .option('-i, --ignore-case', 'with --grep: capital letters are the same as small ones')
    .option('--stdout', 'stdout only')
    .option('--stderr', 'stderr only')
    .option('--timestamps', 'each line after the time when it arrived')
    .option('--json', 'print JSON, an object a line')
    .option('--path', 'print the paths of their files instead, the oldest first')
    .option('--rotate', 'rotate their logs now')
    .option('--clear', 'empty their logs')
    .action(async (ids: readonly string[], options) => answer(await (await import('./commands/logs.ts')).logs(cliOf(options), ids, options)))
  verb('top', 'the processes as they are, live, with keys: logs, restart, stop, start', 'procman top').action(async (options) =>
    answer(await (await import('./commands/top.ts')).top(cliOf(options))),
  )
  verb(
    'events [id...]',
    'print what happened to processes, a line each: when, to whom, what, why',
    'procman events',
    'procman events web --follow',
    'procman events -f --tail 0 --json',
  )
    .option('-f, --follow', 'go on with what happens')
    .option('--tail <count>', 'begin so many lines before the end')
    .option('--json', 'print JSON, a line each')
    .action(async (ids: string[], options) => answer(await (await import('./commands/events.ts')).events(cliOf(options), ids, options)))
  offer(
    verb(
      'wait <id...>',
      'wait until all have ended; exits with the code of the process (of several: the first that is not 0)',
      'procman wait nightly --timeout 2h',
      'procman wait web db --for healthy --timeout 30s',
    )
      .option('--for <condition>', 'ready, healthy or settled; for the first two it is the manager where none lives (default: settled)')
      .option('--timeout <duration>', 'give up after, as 30s or 1m30s')
      .option('--json', JSON_HELP)
      .action(async (ids: string[], options) => answer(await (await import('./commands/wait.ts')).wait(cliOf(options), ids, options))),
    'for',
    ['ready', 'healthy', 'settled'],
  )
}
