/** Probes. */
import type { CheckInput } from '../../api.ts'
import { leaf, list, object, oneOf, option } from './leaf.ts'
import { commandLine, duration, environment, flag, fullText, headers, longDuration, text, texts, whole, word } from './values.ts'

type FunctionAsked = Extract<CheckInput, { readonly function: unknown }>['function']

const MOST_PROBES = 10_000

const address = {
  port: option(text, 'A port, or a template as `${port.http}`. Default: the only port of the process.'),
  host: option(fullText, 'Default: where the process binds that port, else localhost.'),
}

const tls = oneOf('true, or a map', [
  leaf('true', { const: true }, ['flag'], (given) => (given === true ? true : undefined)),
  object('a map of ca, cert, key, servername', {
    ca: option(fullText, 'PEM text, or the path of a file with it.'),
    cert: option(fullText, 'PEM text, or the path of a file with it.'),
    key: option(fullText, 'PEM text, or the path of a file with it.'),
    servername: option(fullText, 'The name that the certificate must be for. Default: the host.'),
  }).meta({ id: 'tls', description: 'How TLS is spoken.' }),
])

const httpStatus = whole(100, 599)
const status = oneOf('a status code, or a list of codes and of [from, to]', [
  httpStatus,
  list('a status code, or a list of codes and of [from, to]', oneOf('a status code, or [from, to]', [httpStatus, list('[from, to]', httpStatus)])),
])

const http = object('a URL, or a map', {
  url: option(fullText, 'With `http:` or `https:`. Instead of port, host and path.'),
  ...address,
  path: option(fullText, 'Begins with `/`.', '/'),
  method: option(fullText, 'The method of the request.', 'GET'),
  headers: option(headers, 'Headers of the request.'),
  status: option(status, 'What is accepted: a code, or a list of codes and of [from, to]. Redirects are not followed.', 200),
  tls: option(tls, '`true`, or files: https.'),
}).meta({ id: 'http_check', description: 'An HTTP request, in parts.' })

const exec = object('a command line, a list of its words, or a map', {
  command: commandLine.meta({ description: 'A command line, or a list of its words. Never given to a shell.' }),
  args: option(texts, 'Further arguments.'),
  cwd: option(fullText, 'Default: that of the process, which a relative one starts from.'),
  env: option(environment, 'Added to the environment of the process.'),
}).meta({ id: 'exec_check', description: 'A command, in parts.' })

const addressText = leaf('a port, host:port, or a map', { type: ['string', 'integer'] }, ['text', 'number'], (given) =>
  given === '' ? undefined : (given as string | number),
)

const check = {
  http: option(oneOf('a URL, or a map', [fullText, http]), 'A URL, or its parts. A status of 200 passes.'),
  tcp: option(
    oneOf('a port, host:port, or a map', [
      addressText,
      object('a port, host:port, or a map', address).meta({ id: 'tcp_check', description: 'Host and port.' }),
    ]),
    '`host:port`, or a port of localhost: can be connected to.',
  ),
  exec: option(oneOf('a command line, a list of its words, or a map', [commandLine, exec]), 'A command line, or a list of its words. Exit code 0 passes.'),
  grpc: option(
    oneOf('a port, host:port, or a map', [
      addressText,
      object('a port, host:port, or a map', {
        ...address,
        service: option(text, 'Default: the server as a whole.'),
        tls: option(tls, 'Default: plain text.'),
      }).meta({
        id: 'grpc_check',
        description: 'A gRPC server.',
      }),
    ]),
    '`host:port`, or a port of localhost: `grpc.health.v1.Health/Check`.',
  ),
  function: option(
    leaf<FunctionAsked>('a function, or the name of one of the manager’s probes', { type: 'string' }, ['text', 'function'], (given) =>
      given === '' ? undefined : (given as FunctionAsked),
    ),
    'A function (in a `.ts` or `.mjs` file), or the name of one of the manager’s probes.',
  ),
}

export const timing = {
  interval: option(longDuration, 'From the beginning of one probe to that of the next.', '30s'),
  start_interval: option(longDuration, 'The same, until the process is ready. Default: `interval`, at most 1s.'),
  timeout: option(longDuration, 'An answer that takes longer is a failure.', '5s'),
  initial_delay: option(duration, 'No probe so soon after the launch.', '0s'),
  failure_threshold: option(whole(1, MOST_PROBES), 'So many failures in a row, and it is failing.', 3),
  success_threshold: option(whole(1, MOST_PROBES), 'So many passes in a row, and it is passing again.', 1),
  on_failure: option(word(['restart', 'report']), 'What a failing liveness probe leads to. The others never restart.', 'restart'),
}

export const probe = object('a map with one of http, tcp, exec, grpc, function', { ...check, ...timing }).meta({
  id: 'probe',
  description: 'How a process is asked whether it is well: exactly one of `http`, `tcp`, `exec`, `grpc`, `function`, and when.',
})

export const probes = {
  startup: option(probe, 'Gates the others: until it has passed they are not asked, and the process is not ready.'),
  liveness: option(probe, 'Its failure is what restarts.'),
  readiness: option(probe, 'Its failure withdraws `ready`, and never restarts.'),
  pause_when_suspended: option(flag, 'No probes while the command is stopped by SIGSTOP.', false),
}

export const health = object('a map with http, tcp, exec or grpc, or with startup, liveness, readiness', { ...check, ...timing, ...probes }).meta({
  id: 'health',
  description:
    'Either one check, which is asked as the startup probe and then as the liveness probe (so `ready` means that it has passed once, within `startup_timeout`), or the probes `startup`, `liveness`, `readiness`, each by itself.',
})

export const healthCheck = object('a map with one of http_endpoint, tcp_endpoint, grpc_endpoint, exec_command', {
  enabled: option(flag, 'False: it is not asked.', true),
  http_endpoint: option(fullText, 'A URL. A status of 200 passes.'),
  tcp_endpoint: option(addressText, '`host:port`, or a port of localhost: can be connected to.'),
  grpc_endpoint: option(addressText, '`host:port`, or a port of localhost: `grpc.health.v1.Health/Check`.'),
  exec_command: option(commandLine, 'A command line, or a list of its words. Exit code 0 passes.'),
  ...timing,
  ...probes,
}).meta({
  id: 'health_check',
  description:
    'Either one endpoint, which is asked as the startup probe and then as the liveness probe, or the probes `startup`, `liveness`, `readiness`, each by itself.',
})
