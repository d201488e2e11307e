/** Batches to a server. */
import type { Agent, Dispatcher } from 'undici'
import { lokiBody } from '../format/loki.ts'
import { otlpBody } from '../format/otlp.ts'
import { plainLine } from '../format/plain.ts'
import type { LogRecord } from '../record/contract.ts'
import { linesOf } from './render.ts'
import { Postponed, Refusal, type Target } from './target.ts'

/** What says that the address, the credentials or the moment are wrong, and not the batch: that may change, and the records wait. So they do for 3xx and 5xx. */
const HELD: readonly number[] = [401, 403, 404, 405, 407, 408, 425, 429]
const TOO_LARGE = 413
/** What is quoted of an answer. */
const MOST_SHOWN = 200
const LONGEST_ANSWER_BYTES = 64 * 1024

export interface HttpOptions {
  readonly url: string
  /** The url as it may be shown. */
  readonly shownUrl: string
  readonly preset: 'json' | 'ndjson' | 'loki' | 'otlp'
  readonly format: 'json' | 'plain'
  readonly headers: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly timeoutMs: number
}

export function httpTarget(options: HttpOptions): Target {
  let link: Link | null = null
  const deliver = async (records: readonly LogRecord[], signal: AbortSignal): Promise<void> => {
    link ??= await openLink(options)
    const status = await post(link, options, records, signal)
    if (status !== TOO_LARGE) return
    if (records.length === 1) throw new Refusal(`${options.shownUrl} answers ${TOO_LARGE}: a record is too large for it`, 1)
    await eachHalf(records, (half) => deliver(half, signal))
  }
  return { destination: options.shownUrl, deliver, close: () => void link?.agent.destroy().catch(() => {}) }
}

interface Link {
  readonly agent: Agent
  readonly request: typeof import('undici').request
}

/** Loaded when it is needed: most programs never deliver to a server. It connects with the first batch. */
async function openLink({ timeoutMs }: HttpOptions): Promise<Link> {
  const { Agent, request } = await import('undici')
  const agent = new Agent({ connections: 1, pipelining: 1, connectTimeout: timeoutMs, headersTimeout: timeoutMs, bodyTimeout: timeoutMs })
  return { agent, request }
}

/** Both are delivered, also when one is refused. */
async function eachHalf(records: readonly LogRecord[], deliver: (half: readonly LogRecord[]) => Promise<void>): Promise<void> {
  const middle = Math.ceil(records.length / 2)
  let refused = 0
  let message = ''
  for (const half of [records.slice(0, middle), records.slice(middle)]) {
    await deliver(half).catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error
      refused += error.records
      message = error.message
    })
  }
  if (refused > 0) throw new Refusal(message, refused)
}

/** @returns 2xx, or 413 */
async function post({ agent, request }: Link, options: HttpOptions, records: readonly LogRecord[], signal: AbortSignal): Promise<number> {
  const { url, shownUrl, headers, timeoutMs } = options
  const { type, body } = bodyOf(options, records)
  const answer = await request(url, {
    dispatcher: agent,
    method: 'POST',
    headers: { 'user-agent': 'procman', 'content-type': type, ...lowerCased(headers) },
    body,
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  })
  const { statusCode } = answer
  const isFine = statusCode < 300 || statusCode === TOO_LARGE
  const text = isFine ? await drained(answer) : await beginningOf(answer)
  if (isFine) return statusCode
  const message = `${shownUrl} answers ${statusCode}${text === '' ? '' : `: ${withoutSecrets(text, headers)}`}`
  if (statusCode >= 400 && statusCode < 500 && !HELD.includes(statusCode)) throw new Refusal(message, records.length)
  throw new Postponed(message, retryAfterMs(answer.headers['retry-after']))
}

/** So that the connection serves the next batch; an answer without end costs it. */
async function drained({ body }: Dispatcher.ResponseData): Promise<string> {
  await body.dump({ limit: LONGEST_ANSWER_BYTES }).catch(() => {})
  return ''
}

async function beginningOf({ body }: Dispatcher.ResponseData): Promise<string> {
  let text = ''
  try {
    for await (const chunk of body.setEncoding('utf8')) {
      text += chunk
      if (text.length >= MOST_SHOWN) break
    }
  } catch {
    // The status says enough.
  }
  return text.slice(0, MOST_SHOWN).trim()
}

/** A server may quote what it was sent. */
function withoutSecrets(text: string, headers: Readonly<Record<string, string>>): string {
  return Object.values(headers)
    .flatMap((value) => [value, ...value.split(' ')])
    .filter((part) => part.length >= 4)
    .reduce((left, part) => left.replaceAll(part, '***'), text)
}

function bodyOf({ preset, format, labels }: HttpOptions, records: readonly LogRecord[]): { readonly type: string; readonly body: string } {
  switch (preset) {
    case 'loki':
      return { type: 'application/json', body: lokiBody(records, format, labels) }
    case 'otlp':
      return { type: 'application/json', body: otlpBody(records, labels) }
    case 'ndjson':
      return { type: format === 'json' ? 'application/x-ndjson' : 'text/plain; charset=utf-8', body: linesOf(records, format) }
    case 'json':
      return { type: 'application/json', body: JSON.stringify(format === 'json' ? records : records.map(plainLine)) }
  }
}

/** So that one that is given stands in for one of ours. */
function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** Seconds, or a date. */
function retryAfterMs(header: string | string[] | undefined): number {
  const text = String(header ?? '')
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now()
  return ms > 0 ? ms : 0
}
