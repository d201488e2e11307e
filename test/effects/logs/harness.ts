import { appendFileSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LogChunk, LogLine } from '../../../src/api.ts'
import type { LogSource, LogStream, RunMark } from '../../../src/effects/logs/contract.ts'

/** A process's logs in a directory of their own, written by the test. */
export class TestLogs implements LogSource {
  readonly dir = mkdtempSync(join(tmpdir(), 'procman-logs-'))
  readonly #end = new AbortController()
  readonly #marks: RunMark[] = []
  readonly ended = this.#end.signal
  /** So often the marks were asked for: at least once each time that readers look at their logs. */
  looks = 0

  path(stream: LogStream): string {
    return join(this.dir, `${stream}.log`)
  }

  marks(): readonly RunMark[] {
    this.looks++
    return this.#marks
  }

  mark(run: number, stdout: number, stderr: number): void {
    this.#marks.push({ run, stdout, stderr })
  }

  write(text: string | Buffer, stream: LogStream = 'stdout'): void {
    appendFileSync(this.path(stream), text)
  }

  /** The process has ended. */
  end(): void {
    this.#end.abort()
  }

  remove(): void {
    this.#end.abort()
    rmSync(this.dir, { recursive: true, force: true })
  }

  /** How many of this process's file descriptors point into the directory; 0 where there is no /proc to tell. */
  openFiles(): number {
    if (process.platform !== 'linux') return 0
    return readdirSync('/proc/self/fd').filter((fd) => linkOf(fd).startsWith(this.dir)).length
  }
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return ''
  }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** The next items; the iterator stays open. */
export async function take<T>(items: AsyncIterator<T>, count: number): Promise<T[]> {
  const taken: T[] = []
  while (taken.length < count) {
    const next = await items.next()
    if (next.done) break
    taken.push(next.value)
  }
  return taken
}

/** `1 stdout: text`, neighbours of the same origin joined. */
export function told(chunks: readonly LogChunk[]): string[] {
  const parts: { origin: string; text: string }[] = []
  for (const { run, stream, data } of chunks) {
    const origin = `${run} ${stream}`
    const last = parts.at(-1)
    if (last?.origin === origin) last.text += data.toString()
    else parts.push({ origin, text: data.toString() })
  }
  return parts.map(({ origin, text }) => `${origin}: ${text}`)
}

export function bytesOf(chunks: readonly LogChunk[], stream: LogStream = 'stdout'): string {
  return Buffer.concat(chunks.filter((chunk) => chunk.stream === stream).map((chunk) => chunk.data)).toString()
}

/** A text, and `~` behind it if partial. */
export function textsOf(lines: readonly LogLine[]): string[] {
  return lines.map((line) => (line.partial ? `${line.text}~` : line.text))
}

/** Lets everything that is ready run, so that "does not happen" can be told after it. */
export async function settle(turns = 50): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
}
