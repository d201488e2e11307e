/** Where output is delivered to. */
import { readSyslogAddress } from '../../collect/address.ts'
import { SYSLOG_FACILITIES } from '../../collect/format/syslog.ts'
import { LEVELS } from '../../collect/record/contract.ts'
import { toPattern } from '../../collect/select/pattern.ts'
import { leaf, list, object, oneOf, option, quote, Refused, record } from './leaf.ts'
import { duration, flag, fullText, labels, longDuration, oneOrMoreTexts, size, sizeFrom, text, whole, word } from './values.ts'

export const TARGET_TYPES = ['file', 'stdout', 'stderr', 'process_manager_stdout', 'process_manager_stderr', 'syslog', 'http'] as const
const STREAMS = ['stdout', 'stderr'] as const
const MANY = 100_000
const LEAST_BATCH = 4 * 1024
const MOST_BATCH = 64 * 1024 ** 2

const pattern = leaf<RegExp>('a regular expression', { title: 'regular expression', type: 'string', minLength: 1 }, ['text', 'other'], (given) => {
  if (given instanceof RegExp) return given
  if (typeof given !== 'string' || given === '') return undefined
  try {
    return toPattern(given)
  } catch (error) {
    return new Refused(`must be a regular expression, not ${quote(given)}: ${error instanceof Error ? error.message : String(error)}`)
  }
})
const patterns = list('a list of regular expressions', pattern)
const level = word(LEVELS)

const selector = object('a map of ids, labels, streams and message', {
  ids: option(oneOrMoreTexts, 'Names of processes (one with replicas: all of them), or globs of ids as `web-*`.'),
  labels: option(
    record('a map of texts, or of lists of texts', oneOf('a text, or a list of texts', [text, list('a list of texts', text)]), {
      pattern: /^[^\0]+$/,
      words: 'a name',
    }),
    'All of them; of a list, one.',
  ),
  streams: option(oneOf('stdout, stderr, or a list of these', [word(STREAMS), list('a list of stdout and stderr', word(STREAMS))]), 'Of output.'),
  message: option(oneOf('a regular expression, or a list of these', [pattern, patterns]), 'Regular expressions, of which the message fits one.'),
}).meta({ id: 'log_selector', description: 'Which records are meant: those for which all that is given holds.' })

const WORDS = 'a name or glob of ids, a map of ids, labels, streams and message, or a list of these'
const selection = oneOf(WORDS, [fullText, selector, list(WORDS, oneOf(WORDS, [fullText, selector]))])

const address = leaf('udp://HOST:PORT, tcp://HOST:PORT or unix:///PATH', { type: 'string', minLength: 1 }, ['text'], (given) =>
  readSyslogAddress(String(given)) === null ? undefined : String(given),
)

const url = leaf('an address that begins with http: or https:', { type: 'string', minLength: 1 }, ['text'], (given) =>
  URL.canParse(String(given)) && /^https?:$/.test(new URL(String(given)).protocol) ? String(given) : undefined,
)

const name = leaf('letters, digits, ".", "_" or "-", at most 100', { type: 'string', minLength: 1 }, ['text'], (given) =>
  /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/.test(String(given)) ? String(given) : undefined,
)

const header = leaf('a text of one line', { type: ['string', 'number', 'boolean'] }, ['text', 'number', 'flag'], (given) =>
  /[\r\n\0]/.test(String(given)) ? undefined : String(given),
)
const headers = record('a map of texts', header, { pattern: /^[\w!#$%&'*+.^`|~-]+$/, words: 'the name of a header' })

const target = object('a map with type', {
  type: word(TARGET_TYPES).meta({ description: 'Where output goes. `process_manager_stdout` is the same as `stdout`: that of the manager.' }),
  name: option(name, 'Names its checkpoint. Default: made of where it delivers to.'),
  format: option(word(['plain', 'json']), 'How a record is written. Of `http` the default is `json`.', 'plain'),
  include: option(selection, 'What it gets. Default: everything.'),
  exclude: option(selection, 'What it does not get, whatever `include` says.'),
  level: option(level, 'And above. A line without a level counts as `error` on stderr, else as `info`. Default: all.'),
  redact: option(patterns, 'What fits one of these becomes `[redacted]`; `(?i)` before one: whatever the case.', []),
  from: option(
    word(['now', 'beginning']),
    'What a new target gets of the output that there is: nothing, or all. Later processes are collected from their first byte.',
    'now',
  ),
  path: option(fullText, 'Of type `file`: the file, from the directory of this one.'),
  max_size: option(size, 'Of type `file`: a larger one is moved to `PATH.1`.', '10MB'),
  max_files: option(whole(0, MANY), 'Of type `file`: so many of those are kept.', 10),
  address: option(address, 'Of type `syslog`: the server. `unix:` is a stream socket.', 'udp://127.0.0.1:514'),
  facility: option(word(SYSLOG_FACILITIES), 'Of type `syslog`.', 'user'),
  app_name: option(fullText, 'Of type `syslog`. Default: the id of the process.'),
  hostname: option(fullText, 'Of type `syslog`. Default: the name of this machine.'),
  url: option(url, 'Of type `http`: where batches are posted to.'),
  preset: option(
    word(['json', 'ndjson', 'loki', 'otlp']),
    'Of type `http`: what a body is. Default: `loki` or `otlp` where the url ends as theirs do (`/loki/api/v1/push`, `/v1/logs`), else `json`.',
  ),
  headers: option(headers, 'Of type `http`: sent with each batch.'),
  labels: option(labels, 'Of type `http`: labels of Loki, attributes of OpenTelemetry’s resource.'),
  timeout: option(longDuration, 'Of type `http`: so long an answer is waited for.', '10s'),
  batch_size: option(whole(1, MANY), 'So many records are delivered at once. Default: 1000 of types `http` and `syslog`, else 5000.'),
  batch_bytes: option(sizeFrom(LEAST_BATCH, MOST_BATCH, 'from 4kB to 64MB'), 'So much output is read for a batch.', '1MB'),
  batch_wait: option(duration, 'The first record waits so long for others. Default: `500ms` of type `http`, else `0`.'),
}).meta({ id: 'log_target', description: 'Where collected output goes. [Logs](logs.md) tells more.' })

const targets = list('a list of targets', target)

/** Of the output of one process. */
export const collected = {
  collect: option(flag, 'False: its output goes to its logs, and to no target.', true),
  level: option(level, 'Targets get lines of this level, and above. Default: all.'),
  parse: option(
    word(['auto', 'json', 'logfmt', 'none']),
    'What its lines are: `auto` takes JSON and logfmt for what they are, `none` takes all for text.',
    'auto',
  ),
  targets: option(targets, 'Targets of its own, beside those of `log_collection`.', []),
}

export const logCollection = object('a map about the collection of logs', {
  enabled: option(flag, 'False: no output is collected, whatever else is declared.', true),
  targets: option(targets, 'Where the output of all processes goes.', []),
  global_aggregation: option(
    object('a map of enabled and targets', {
      enabled: option(flag, 'Whether the output of all processes goes to the targets.', true),
      targets: option(targets, 'Where it goes.', []),
    }).meta({ id: 'global_aggregation', description: 'The output of all processes together.' }),
    'Further targets, which can be turned off together.',
  ),
}).meta({ id: 'log_collection', description: 'Where output is delivered to, beside the logs that each process has. [Logs](logs.md) tells more.' })
