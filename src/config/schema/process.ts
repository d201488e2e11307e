/** The short form: `processes`, a map of processes by name. */
import type * as z from 'zod'
import { health } from './health.ts'
import { leaf, object, oneOf, option, record } from './leaf.ts'
import { logging, resourceLimits } from './limits.ts'
import { ports } from './ports.ts'
import { PROGRESS, progress } from './progress.ts'
import { breaker, dependsOn, ready, restart, stop } from './restart.ts'
import { commandLine, environment, flag, fullText, labels, longDuration, meta, oneOrMoreTexts, texts, whole, word } from './values.ts'

/** The same as ids have everywhere. */
export const ID = {
  pattern: /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/,
  words: 'an id: 1 to 100 letters, digits, ".", "_" or "-", beginning with a letter, a digit or "_"',
}
const MOST_REPLICAS = 1_000

/** What both forms call the same. */
export const common = {
  enabled: option(flag, 'False: it is as if it were not declared.', true),
  autostart: option(flag, 'False: it is there, and is started by nobody but a user.', true),
  replicas: option(
    whole(0, MOST_REPLICAS),
    'So many of it, called `NAME-1`, `NAME-2` …, each with its number in PROCMAN_REPLICA. Default: one, called `NAME`.',
  ),
  depends_on: option(
    dependsOn,
    'It is started when these have been, or with a condition: `{ db: healthy }`, `{ migrate: { condition: completed_successfully } }`.',
  ),
  labels: option(labels, 'To find it by.'),
  meta: option(meta, 'Free data, for templates and for people.'),
}

/** What the command is given; long and short form call it the same. */
export const surroundings = {
  env_file: option(oneOrMoreTexts, 'Files with variables, from the directory of this file; the last one counts. What `env` says counts more.'),
  inherit_env: option(flag, 'Whether it gets the environment of the manager, too.', true),
  stdin: option(stdin(), '`pipe`: it can be written to, see `procman send`. `null`: /dev/null.', 'null'),
  ports: option(ports, 'Ports by name: a number, `any`, or a range. In the environment as PORT_NAME, the only one as PORT too; `${port.NAME}` in templates.'),
  template: option(flag, 'False: `${…}` is left as it is, but for `${env.NAME}`.', true),
  leftovers: option(word(['stop', 'leave']), 'What the command left behind when it ended is stopped, or left alone.', 'stop'),
  startup_timeout: option(longDuration, 'Not ready so long after its launch: stopped, as a failed start.', '60s'),
}

function stdin() {
  // In YAML `stdin: null` is no text.
  return oneOf('one of null, pipe', [word(['null', 'pipe']), leaf('null', { type: 'null' }, ['nothing'], () => 'null' as const)])
}

export const process = object('a command line, or a map with command', {
  command: commandLine.meta({
    description: 'A command line, split in words by the quoting rules of a shell and never given to one, or a list of its words. With `shell: true` a script.',
  }),
  args: option(texts, 'Further arguments, each as it is.'),
  shell: option(flag, 'The command is a script for `sh -c`.', false),
  env: option(environment, 'Variables.'),
  environment: option(environment, 'The same as `env`.'),
  cwd: option(fullText, 'Where it runs, from the directory of this file. Default: the directory of this file.'),
  working_directory: option(fullText, 'The same as `cwd`.'),
  ...surroundings,
  health: option(health, 'Whether it is well.'),
  ready: option(ready, 'What else makes a run ready.'),
  restart: option(restart, 'When it is started again: a word, or a map with `strategy`.', 'never'),
  breaker: option(breaker, 'True, false, or its figures. Where nothing is restarted there is none.', true),
  stop: option(stop, 'How it is asked to end.'),
  ...common,
  resource_limits: option(resourceLimits, 'Checked, and without effect yet.'),
  logging: option(logging, 'What becomes of its output.'),
  progress: option(progress, PROGRESS, false),
}).meta({ id: 'process', description: 'A process that should exist.' })

export type ProcessAsked = z.output<typeof process>

export const processes = record('a map of processes by name', oneOf('a command line, or a map with command', [fullText, process]), ID)
