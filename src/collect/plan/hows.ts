/** The types of targets: which options each has, and what opens it. */
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { isFullText, isText, type Options } from '../../spec/must.ts'
import { readSyslogAddress, type SyslogAddress } from '../address.ts'
import type { FunctionTarget, HttpTarget, LogTarget } from '../contract.ts'
import { SYSLOG_FACILITIES } from '../format/syslog.ts'
import { fileTarget } from '../targets/file.ts'
import { functionTarget } from '../targets/function.ts'
import { httpTarget } from '../targets/http.ts'
import { streamTarget } from '../targets/stream.ts'
import { syslogTarget } from '../targets/syslog.ts'
import type { Target } from '../targets/target.ts'

export interface How {
  readonly options: readonly string[]
  /** @returns where it delivers to, which names its checkpoint, and what opens it */
  read(options: Options): { readonly place: string; readonly open: () => Target }
}

const MANY_FILES = 100_000
const FORMATS = ['json', 'plain'] as const
const PRESETS = ['json', 'ndjson', 'loki', 'otlp'] as const satisfies readonly HttpTarget['preset'][]
const LONGEST_MS = 600_000

const file: How = {
  options: ['path', 'format', 'maxSizeBytes', 'maxFiles'],
  read(options) {
    const path = resolve(options.need('path', 'the path of a file', isFullText, '/'))
    const format = options.oneOf('format', FORMATS, 'plain')
    const maxSizeBytes = options.whole('maxSizeBytes', 10 * 1024 * 1024, [1, Number.MAX_SAFE_INTEGER])
    const maxFiles = options.whole('maxFiles', 10, [0, MANY_FILES])
    return { place: path, open: () => fileTarget({ path, format, maxSizeBytes, maxFiles }) }
  },
}

function stream(fd: 1 | 2): How {
  return {
    options: ['format'],
    read(options) {
      const format = options.oneOf('format', FORMATS, 'plain')
      return { place: '', open: () => streamTarget(fd, format) }
    },
  }
}

const syslog: How = {
  options: ['format', 'address', 'facility', 'appName', 'hostname'],
  read(options) {
    const text = options.read('address', 'udp://HOST:PORT, tcp://HOST:PORT or unix:///PATH', isAddress, 'udp://127.0.0.1:514')
    const header = {
      facility: options.oneOf('facility', SYSLOG_FACILITIES, 'user'),
      host: options.read('hostname', 'a text', isFullText, hostname()),
      appName: options.read('appName', 'a text', isFullText, null),
      format: options.oneOf('format', FORMATS, 'plain'),
    }
    return { place: text, open: () => syslogTarget(readSyslogAddress(text) as SyslogAddress, header) }
  },
}

const http: How = {
  options: ['format', 'url', 'preset', 'headers', 'labels', 'timeoutMs'],
  read(options) {
    const url = new URL(options.need('url', 'an address that begins with http: or https:', isHttpUrl, 'http://localhost'))
    const { username, password } = url
    const credentials = `${decoded(username)}:${decoded(password)}`
    url.username = ''
    url.password = ''
    const headers = textsIn(options, 'headers')
    const read = {
      url: url.href,
      shownUrl: `${url.origin}${url.pathname}${url.search === '' ? '' : '?***'}`,
      preset: options.oneOf('preset', PRESETS, presetOf(url)),
      format: options.oneOf('format', FORMATS, 'json'),
      headers: credentials === ':' ? headers : { authorization: `Basic ${Buffer.from(credentials).toString('base64')}`, ...headers },
      labels: textsIn(options, 'labels'),
      timeoutMs: options.number('timeoutMs', 10_000, [1, LONGEST_MS], ' ms'),
    }
    return { place: url.href, open: () => httpTarget(read) }
  },
}

const call: How = {
  options: ['deliver'],
  read(options) {
    const deliver = options.need(
      'deliver',
      'a function',
      (value): value is FunctionTarget['deliver'] => typeof value === 'function',
      () => {},
    )
    return { place: '', open: () => functionTarget(deliver) }
  },
}

export const HOWS: Readonly<Record<LogTarget['type'], How>> = {
  file,
  stdout: stream(1),
  stderr: stream(2),
  process_manager_stdout: stream(1),
  process_manager_stderr: stream(2),
  syslog,
  http,
  function: call,
}

/** As it stands where it is no encoding: a password may have a percent sign. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function presetOf({ pathname }: URL): (typeof PRESETS)[number] {
  if (pathname.endsWith('/loki/api/v1/push')) return 'loki'
  return pathname.endsWith('/v1/logs') ? 'otlp' : 'json'
}

function textsIn(options: Options, name: string): Readonly<Record<string, string>> {
  const given = options.texts(name)
  // A line end in a header would be another header.
  for (const [key, value] of Object.entries(given))
    if (!isText(value) || /[\r\n]/.test(value) || key === '') options.problems.push(`${options.placeOf(name)}.${key} must be a text of one line`)
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, String(value)]))
}

function isAddress(value: unknown): value is string {
  return isText(value) && readSyslogAddress(value) !== null
}

function isHttpUrl(value: unknown): value is string {
  return isText(value) && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
}
