/** The options of `start` and `run`, as commander sees them. */
import { type Command, Option } from 'commander'
import { offer, SIGNALS } from './completion/offers.ts'
import { CAPTURES, COMPRESSIONS } from './parse/logs.ts'

export function withSpecOptions(command: Command): Command {
  const described = command
    .usage('[options] -- <command> [argument...]')
    .argument('[command...]', 'what to execute, with its arguments; never given to a shell')
    .passThroughOptions()
    .option('--id <id>', 'name it: letters, digits, . _ - (default: 8 generated characters)')
    .option('--label <name=value>', 'label it (repeatable)', collect)
    .option('--env <NAME=value>', 'set a variable; NAME alone passes the current value (repeatable)', collect)
    .option('--no-inherit-env', 'give it only the variables of --env')
    .option('--cwd <dir>', 'working directory (default: the current one)')
    .option('--stdin', 'give it a stdin to write to (default: /dev/null)')
    .option('--stop-signal <signal>', 'what asks it to end (default: SIGTERM)')
    .option('--stop-timeout <duration>', 'from that signal to SIGKILL of the whole tree (default: 5s)')
    .option('--leave-leftovers', 'let what it leaves behind at its end live on')
    .optionsGroup('Restart (acts while a manager lives):')
    .option('--restart <strategy>', 'never, on-failure, always or unless-stopped (default: never)')
    .option('--max-attempts <n>', 'give up when one cause has led to so many restarts within some minutes; 0: never (default: 3)')
    .option('--restart-delay <duration>', 'before the first restart; each further wait is half as long again (default: 5s)')
    .option('--restart-max-delay <duration>', 'no wait is longer (default: 5m)')
    .option('--no-breaker', 'no circuit breaker, which pauses for 5m after 5 failures within 1m')
    .addOption(new Option('--max-restarts <n>').hideHelp())
    .optionsGroup('Output:')
    .option(
      '--capture <[stream=]where>',
      'files, memory (the last of it, while it is up) or none, of both streams or one: stderr=none (default: files)',
      collect,
    )
    .option(
      '--progress [regex]',
      'read from its output how far it is: as known tools print it, or by the groups percent, current, total, message of --progress=REGEX',
    )
    .option('--log-buffer <size>', 'how much of each stream memory holds (default: 1MB)')
    .option('--log-max-size <size>', 'a log that is larger is rotated (default: 10MB)')
    .option('--log-max-files <n>', 'rotated files of each stream that are kept (default: 10)')
    .option('--log-max-age <duration>', 'rotated files that are older are removed (default: they are kept)')
    .option('--log-max-total <size>', 'for both streams with all rotated files (default: what the limits above come to)')
    .option('--log-compress <how>', 'rotated files: none, gzip or zstd (default: none)')
    .option('--no-log-rotate', 'its logs grow without end')
    .optionsGroup('Ports and templates:')
    .option('--port <[name=]port>', `a free port: 8080, 30000-31000 or any, @HOST behind it; as $PORT_NAME and \${port.NAME} (repeatable; name: http)`, collect)
    .option('--meta <name=value>', `free data, as \${meta.NAME} (repeatable)`, collect)
    .option('--template', `fill in \${…} in the command, its arguments, --env and probes; --port and --meta do so too`)
    .optionsGroup('Health (acts while a manager lives):')
    .option('--startup <address>', 'a probe that must pass before the others are asked: http://…, tcp://…, grpc://…, /path or JSON')
    .option('--liveness <address>', 'a probe whose failure restarts')
    .option('--readiness <address>', 'a probe whose failure means not ready')
    .option('--health-interval <duration>', 'from one probe to the next, of probes given by address (default: 30s)')
    .option('--health-timeout <duration>', 'for one answer, the same (default: 5s)')
    .option('--health-failures <n>', 'so many in a row are a failure, the same (default: 3)')
    .option('--ready-log <regex>', 'ready when a line of its output matches')
    .option('--ready-fd <n>', 'ready when it writes a newline to this descriptor')
    .option('--ready-delay <duration>', 'ready so long after its launch')
    .option('--startup-timeout <duration>', 'not ready so long after its launch: a failed start (default: 60s)')
  offer(described, 'restart', ['never', 'on-failure', 'always', 'unless-stopped'])
  offer(described, 'capture', [...CAPTURES, ...['stdout', 'stderr'].flatMap((stream) => CAPTURES.map((where) => `${stream}=${where}`))])
  offer(described, 'log-compress', COMPRESSIONS)
  return offer(described, 'stop-signal', SIGNALS)
}

/** For options that may be given several times. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}
