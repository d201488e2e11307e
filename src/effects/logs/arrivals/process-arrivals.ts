/** When the output of one process arrived: looked at stream by stream, and written down. */
import { join } from 'node:path'
import type { LogStream } from '../contract.ts'
import type { ArrivalClock } from './clock.ts'
import { compactIndex } from './compact.ts'
import { type IndexWriter, readTail, TAIL_PERIOD } from './index-file.ts'
import { LogLook, oldestKept } from './log-end.ts'
import { type ArrivalRecord, RECORD_BYTES } from './record.ts'
import type { Looked } from './stream-eye.ts'

/** An index that is larger is looked through for what can go, in bytes. */
const LARGE_BYTES = 2048 * RECORD_BYTES
const STREAMS = ['stdout', 'stderr'] as const

export interface StartedRun {
  readonly run: number
  readonly stdout: number
  readonly stderr: number
  readonly startedAtMs: number
}

export interface ArrivalPorts {
  readonly writer: IndexWriter
  readonly clock: ArrivalClock
  /** Where runs began, of all whose run files are there. */
  runsIn(jobDir: string): readonly StartedRun[]
  /** Some of what is in this directory has gone from its live file into a rotated one. */
  onRotated(jobDir: string): void
  /** An index cannot be written; told once until it can be again. */
  onTrouble(path: string, error: unknown): void
}

export function arrivalsFile(jobDir: string): string {
  return join(jobDir, 'arrivals')
}

interface Told {
  readonly look: LogLook
  /** The last one; null: there is none. */
  last: ArrivalRecord | null
  /** What had come before this came while nobody looked. Infinity: that is all until the next look. */
  foundEnd: number
  /** What is before it is in rotated files; null: nobody has looked yet. */
  head: number | null
  /** So many records stand behind the last one in the index. */
  behind: number
}

export class ProcessArrivals {
  readonly #jobDir: string
  readonly #path: string
  readonly #ports: ArrivalPorts
  readonly #streams: Readonly<Record<LogStream, Told>>
  #isLoaded = false
  #run = 0
  /** The highest whose beginning is in the index. */
  #marked = 0
  #largeBytes = LARGE_BYTES
  #isInTrouble = false

  constructor(jobDir: string, ports: ArrivalPorts) {
    this.#jobDir = jobDir
    this.#path = arrivalsFile(jobDir)
    this.#ports = ports
    const told = (stream: LogStream): Told => ({ look: new LogLook(jobDir, stream), last: null, foundEnd: 0, head: null, behind: 0 })
    this.#streams = { stdout: told('stdout'), stderr: told('stderr') }
  }

  pathOf(stream: LogStream): string {
    return this.#streams[stream].look.path
  }

  /** A run is up. @param isFound it was up already when this manager came: what has come until now came while nobody looked */
  begin(run: number, isFound: boolean): void {
    this.#run = run
    // Nothing can have been written down of a first run.
    if (run === 1 && !isFound) this.#isLoaded = true
    if (isFound) for (const stream of STREAMS) this.#streams[stream].foundEnd = this.#endNow(stream)
  }

  look(stream: LogStream): Looked {
    try {
      const looked = this.#look(stream)
      if (looked === 'news') this.#isInTrouble = false
      return looked
    } catch (error) {
      if (!this.#isInTrouble) this.#ports.onTrouble(this.#path, error)
      this.#isInTrouble = true
      return 'silent'
    }
  }

  #look(stream: LogStream): Looked {
    this.#load()
    const told = this.#streams[stream]
    const found = told.look.end()
    if (found === null) return 'hidden'
    if (told.head !== null && found.head !== told.head) this.#ports.onRotated(this.#jobDir)
    told.head = found.head
    const foundEnd = Math.min(told.foundEnd, found.end)
    told.foundEnd = 0
    const before = told.last?.end ?? 0
    if (found.end === before) return 'silent'
    const from = found.end < before ? found.base : before
    this.#append(stream, [
      ...(found.end < before ? [this.#record('restarted', stream, found.base)] : []),
      ...(foundEnd > from ? [this.#record('unattended', stream, foundEnd)] : []),
      ...(found.end > Math.max(from, foundEnd) ? [this.#record('seen', stream, found.end)] : []),
    ])
    return 'news'
  }

  #endNow(stream: LogStream): number {
    try {
      return this.#streams[stream].look.end()?.end ?? Number.POSITIVE_INFINITY
    } catch {
      return Number.POSITIVE_INFINITY // the next look tells what is wrong
    }
  }

  #record(kind: ArrivalRecord['kind'], stream: LogStream, end: number): ArrivalRecord {
    return { kind, stream, end, seq: this.#ports.clock.next(), run: 0 }
  }

  #append(stream: LogStream, news: readonly ArrivalRecord[]): void {
    const { writer } = this.#ports
    const isNew = writer.sizeOf(this.#path) === 0
    const records = [...(isNew ? this.#lost() : []), ...this.#marks(isNew), ...news]
    const told = this.#streams[stream]
    told.last = news.at(-1) ?? null
    told.behind = 0
    const other = this.#streams[stream === 'stdout' ? 'stderr' : 'stdout']
    other.behind += records.length
    if (other.last !== null && other.behind >= TAIL_PERIOD) {
      records.push(other.last)
      other.behind = 0
    }
    const size = writer.append(this.#path, records)
    this.#marked = this.#run
    if (size >= this.#largeBytes) this.#compact()
  }

  /** Somebody has deleted the index: of what was in it is known that it had arrived by now. */
  #lost(): readonly ArrivalRecord[] {
    return STREAMS.flatMap((stream) => {
      const { last } = this.#streams[stream]
      return last === null ? [] : [{ ...last, kind: 'unattended' as const }]
    })
  }

  #marks(isNew: boolean): readonly ArrivalRecord[] {
    if (!isNew && this.#marked === this.#run) return []
    const runs = this.#ports.runsIn(this.#jobDir).filter(({ run }) => isNew || run > this.#marked)
    return runs.flatMap((each) => STREAMS.map((stream) => ({ kind: 'run' as const, stream, end: each[stream], seq: each.startedAtMs * 1000, run: each.run })))
  }

  #compact(): void {
    this.#ports.writer.forget(this.#path)
    const size = compactIndex(this.#path, { stdout: oldestKept(this.#jobDir, 'stdout'), stderr: oldestKept(this.#jobDir, 'stderr') })
    this.#largeBytes = Math.max(LARGE_BYTES, 2 * size)
  }

  #load(): void {
    if (this.#isLoaded) return
    this.#isLoaded = true
    for (const record of readTail(this.#path).records) {
      if (record.kind === 'run') this.#marked = Math.max(this.#marked, record.run)
      else {
        this.#streams[record.stream].last = record
        this.#ports.clock.raise(record.seq)
      }
    }
  }
}
