/** Passes when an HTTP server answers with an accepted status, all of its body within the time. Redirects are not followed. */
import type { ProbeCheck } from '../../types.ts'
import { codeOf } from './causes.ts'
import { HttpLink, type HttpReply, type HttpRequest, type HttpTarget } from './http-link.ts'
import { failed, type Probe } from './probe.ts'
import { readTls } from './tls.ts'

type HttpCheck = Extract<ProbeCheck, { kind: 'http' }>

/** RFC 9110, 9.2.2: asking twice is as good as asking once. */
const IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']
const LOST = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']

let undici: typeof import('undici') | undefined

/** By the first probe; even of what is loaded, each import costs some microseconds. */
async function load(): Promise<typeof import('undici')> {
  undici ??= await import('undici')
  return undici
}

export function httpProbe(check: HttpCheck, cwd: string): Probe {
  const url = URL.canParse(check.url) ? new URL(check.url) : null
  if (url === null || !/^https?:$/.test(url.protocol) || url.port === '0')
    return { ask: async () => failed(`"${check.url}" is no http or https address`), close() {} }
  return new HttpProbe(check, url, cwd)
}

class HttpProbe implements Probe {
  readonly #check: HttpCheck
  readonly #target: HttpTarget
  readonly #request: HttpRequest
  #link: HttpLink | null = null

  constructor(check: HttpCheck, url: URL, cwd: string) {
    this.#check = check
    this.#target = targetOf(url, check, cwd)
    this.#request = { path: url.pathname + url.search, method: check.method, headers: headersOf(url, check) }
  }

  async prepare(): Promise<void> {
    await load()
  }

  async ask(signal: AbortSignal) {
    const library = await load()
    signal.addEventListener('abort', () => this.close())
    signal.throwIfAborted()
    this.#link ??= new HttpLink(library, this.#target)
    const { status, body, isCut } = await this.#reply(this.#link, () => {
      signal.throwIfAborted()
      this.close()
      this.#link = new HttpLink(library, this.#target)
      return this.#link
    })
    if (isCut) this.close()
    const isAccepted = this.#check.status.some(([from, to]) => status >= from && status <= to)
    return { cause: isAccepted ? null : `status ${status}`, body }
  }

  close(): void {
    this.#link?.destroy()
    this.#link = null
  }

  /** A server may close a kept connection just when the next request is on its way: that says nothing about it, so it is asked again on a new one. */
  async #reply(link: HttpLink, fresh: () => HttpLink): Promise<HttpReply> {
    const kept = link.socket
    try {
      return await link.request(this.#request)
    } catch (error) {
      const isOfKept = kept !== null && link.socket === kept
      if (isOfKept && LOST.includes(codeOf(error)) && IDEMPOTENT.includes(this.#request.method)) return fresh().request(this.#request)
      throw error
    }
  }
}

function targetOf(url: URL, check: HttpCheck, cwd: string): HttpTarget {
  const isSecure = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const tls = async () => ({ ...(await readTls(check.tls, cwd)), servername: check.tls.servername ?? host, protocol: 'http/1.1' as const })
  return { origin: url.origin, host, port: Number(url.port || (isSecure ? 443 : 80)), tls: isSecure ? tls : () => null }
}

/** Those of the check win, however they are written. */
function headersOf({ username, password }: URL, check: HttpCheck): Readonly<Record<string, string>> {
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  const own = { 'user-agent': 'procman', ...(username === '' ? {} : { authorization: `Basic ${login}` }) }
  return { ...own, ...Object.fromEntries(Object.entries(check.headers).map(([name, value]) => [name.toLowerCase(), value])) }
}
