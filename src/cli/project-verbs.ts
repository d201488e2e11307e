/** The verbs of projects: a config file, and the manager that keeps what it says. */
import type { Command } from 'commander'
import { offer } from './completion/offers.ts'
import { addConfigVerbs } from './config-verbs.ts'
import { withExamples } from './examples.ts'
import { LOG_LEVELS } from './manager-options.ts'
import { JSON_HELP, type Verbs } from './verbs.ts'

const CONFIG = ['-c, --config <file>', 'the config file (default: procman.yaml, .yml, .json, .ts or .mjs, looked for upward from here)'] as const
const TOKEN_FILE = ['--token-file <file>', 'what --listen asks for, 0600 (default: control.token in the state directory, made when needed)'] as const
const READ_TOKEN_FILE = ['--read-token-file <file>', 'the same for those who may only look (default: control.read-token there)'] as const
const LISTEN = ['--listen <address>', 'serve the control API on a TCP port of this machine too, as 127.0.0.1:50055'] as const
const LOG_LEVEL = ['--log-level <level>', "of the manager's own log: trace, debug, info, warn, error, fatal or silent (default: as the config says)"] as const

export function addProjectVerbs(verbs: Verbs): void {
  addUp(verbs)
  addDown(verbs)
  const { verb, cliOf, answer } = verbs
  verb('plan', 'show what up would do, and why; changes nothing', 'procman plan', 'procman plan -c staging.yaml --check')
    .option(...CONFIG)
    .option('--replace', 'as up --replace would do')
    .option('--check', 'exit with 1 when something would change')
    .option('--json', JSON_HELP)
    .action(async (options) => answer(await (await import('./commands/plan.ts')).plan(cliOf(options), options)))
  verb('reload', 'have the manager read its config file again and apply it; what was stopped stays stopped', 'procman reload')
    .option('-c, --config <file>', 'another file of the same project (default: the one in force)')
    .option('--json', JSON_HELP)
    .action(async (options) => answer(await (await import('./commands/reload.ts')).reload(cliOf(options), options)))
  addDaemon(verbs)
  addConfigVerbs(verbs)
}

function addUp({ verb, cliOf, answer }: Verbs): void {
  verb(
    'up',
    'start what a config file declares, keep it so, and show its output; Ctrl-C stops it in order',
    'procman up',
    'procman up -d --wait --timeout 1m',
    'procman up -c Procfile --exit-code-from test',
  )
    .option(...CONFIG)
    .option('-d, --detach', 'leave it to a daemon, which is started when there is none')
    .option('--watch', 'apply the file again whenever it changes')
    .option('--replace', 'remove what was brought up from another directory')
    .option('--wait', 'with -d: until all are ready and healthy, or completed')
    .option('--timeout <duration>', 'of --wait, as 30s or 1m30s (default: none)')
    .option('--exit-code-from <id>', 'when this one ends, stop all others and exit with its code')
    .option('--no-logs', 'do not show the output of the processes')
    .option(...LISTEN)
    .option(...TOKEN_FILE)
    .option(...READ_TOKEN_FILE)
    .option(...LOG_LEVEL)
    .option('--json', 'with -d: print what was done as JSON')
    .action(async (options) => answer(await (await import('./commands/up.ts')).up(cliOf(options), options)))
}

function addDown({ verb, cliOf, answer }: Verbs): void {
  verb('down', 'stop and remove what was brought up, dependents first; the daemon ends', 'procman down', 'procman down --timeout 1m')
    .option('-c, --config <file>', 'only if it was brought up from the directory of this file')
    .option('--timeout <duration>', 'whatever is left so long after is killed (default: force_shutdown_timeout of the config, 30s)')
    .option('--json', JSON_HELP)
    .action(async (options) => answer(await (await import('./commands/down.ts')).down(cliOf(options), options)))
}

function addDaemon({ verb, cliOf, answer }: Verbs): void {
  const daemon = verb('daemon', 'the manager in the background: start, stop, restart, status, logs, log-level')
  const sub = (usage: string, description: string, ...examples: readonly string[]): Command =>
    withExamples(daemon.command(usage).description(description).option('--state-dir <dir>', 'as of procman'), examples)
  const load = () => import('./commands/daemon.ts')
  sub('start', 'start one that manages what is there, with the config that was in force last', 'procman daemon start --listen 127.0.0.1:50055')
    .option(...CONFIG)
    .option('--watch', 'apply the file again whenever it changes')
    .option(...LISTEN)
    .option(...TOKEN_FILE)
    .option(...READ_TOKEN_FILE)
    .option(...LOG_LEVEL)
    .action(async (options) => answer(await (await load()).start(cliOf(options), options)))
  sub('stop', 'let it go and end; what runs goes on', 'procman daemon stop').action(async (options) => answer(await (await load()).stop(cliOf(options))))
  sub('restart', 'another one takes over, as after an upgrade; what runs goes on', 'procman daemon restart').action(async (options) =>
    answer(await (await load()).restart(cliOf(options))),
  )
  sub('status', 'say how it is; exits with 4 when there is none', 'procman daemon status --json')
    .option('--json', JSON_HELP)
    .action(async (options) => answer(await (await load()).status(cliOf(options), options)))
  sub('logs', 'print its log', 'procman daemon logs -f --tail 20')
    .option('-f, --follow', 'go on with what it writes')
    .option('--tail <lines>', 'begin so many lines before the end')
    .option('--json', 'as it is written, one JSON object a line')
    .action(async (options) => answer(await (await load()).logs(cliOf(options), options)))
  offer(
    sub('log-level <level>', 'change how much it writes: trace, debug, info, warn, error, fatal or silent', 'procman daemon log-level debug').action(
      async (level: string, options) => answer(await (await load()).logLevel(cliOf(options), level)),
    ),
    'level',
    LOG_LEVELS,
  )
}
