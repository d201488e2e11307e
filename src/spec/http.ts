/** The check of an HTTP probe. */
import type { ProbeCheck } from '../types.ts'
import { type About, sampleOf } from './about.ts'
import { ADDRESS_OPTIONS, readAddress } from './address.ts'
import { isFullText, isRecord, isWhole, Options, show } from './must.ts'
import { parseTls } from './tls.ts'

type Range = readonly [from: number, to: number]

const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/
const OPTIONS = ['url', ...ADDRESS_OPTIONS, 'path', 'tls', 'method', 'headers', 'status']

export function parseHttp(given: unknown, place: string, about: About, problems: string[]): ProbeCheck {
  const options = new Options(typeof given === 'string' ? { url: given } : given, place, OPTIONS, problems)
  const tls = parseTls(options)
  const url = options.given('url') === undefined && isRecord(given) ? builtUrl(options, tls !== null, about) : givenUrl(options)
  if (!isHttpUrl(sampleOf(url, about)) && !(about.template && url.startsWith('${')))
    problems.push(`${options.placeOf('url')} must be a URL with http: or https:, not ${show(url)}; for a port of this machine give port and path`)
  if (tls !== null && url.startsWith('http:')) problems.push(`${options.placeOf('tls')} needs a URL with https:, not ${show(url)}`)
  const isMethod = (value: unknown): value is string => typeof value === 'string' && TOKEN.test(value)
  return {
    kind: 'http',
    url,
    method: options.read('method', 'a method as GET', isMethod, 'GET').toUpperCase(),
    headers: parseHeaders(options),
    status: parseStatus(options),
    tls: tls ?? {},
  }
}

function givenUrl(options: Options): string {
  const others = [...ADDRESS_OPTIONS, 'path'].filter((name) => options.given(name) !== undefined)
  if (others.length > 0) options.problems.push(`${options.placeOf('url')} already says ${others.join(', ')}: give the one or the other`)
  return options.need('url', 'a URL', isFullText, 'http://localhost/')
}

function builtUrl(options: Options, isTls: boolean, about: About): string {
  const { host, port } = readAddress(options, about)
  const isPath = (value: unknown): value is string => isFullText(value) && /^(\/|\$\{)/.test(value)
  const path = options.read('path', 'a path that begins with "/"', isPath, '/')
  return `${isTls ? 'https' : 'http'}://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}${path}`
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text)
}

function parseHeaders(options: Options): Readonly<Record<string, string>> {
  const headers: [string, string][] = []
  for (const [name, value] of Object.entries(options.texts('headers'))) {
    if (!TOKEN.test(name)) options.problems.push(`${options.placeOf('headers')}: ${show(name)} is not a name of a header`)
    if (typeof value === 'string' && !/[\r\n\0]/.test(value)) headers.push([name, value])
    else options.problems.push(`${options.placeOf('headers')}: ${name} must be a string without line ends and NUL, not ${show(value)}`)
  }
  return Object.fromEntries(headers)
}

/** A code, or a list of codes and of [from, to]. */
function parseStatus(options: Options): readonly Range[] {
  const given = options.given('status') ?? 200
  const listed: readonly unknown[] = Array.isArray(given) ? [...given] : [given]
  const ranges = listed.map((one) => (isCode(one) ? ([one, one] as const) : one))
  if (ranges.length > 0 && ranges.every(isRange)) return ranges.map(([from, to]) => [from, to])
  const right = 'a status code from 100 to 599, or a list of codes and of [from, to], as [[200, 299], 404]'
  options.problems.push(`${options.placeOf('status')} must be ${right}, not ${show(given)}`)
  return [[200, 200]]
}

function isCode(value: unknown): value is number {
  return isWhole(value, 100, 599)
}

function isRange(value: unknown): value is Range {
  return Array.isArray(value) && value.length === 2 && isCode(value[0]) && isCode(value[1]) && value[0] <= value[1]
}
