/** Reads how far a run is from what it prints, from what there is on, and tells it when it changes, at most a few times a second. */
import type { Progress, ProgressSpec } from '../../output.ts'
import { ProgressReader } from '../../progress.ts'
import type { LogStream } from '../logs/contract.ts'
import { followRun, type RunPlace, STREAMS } from '../logs/run-output.ts'
import { RunGlance } from './run-glance.ts'
import { StreamLines } from './stream-lines.ts'

const TELL_MS = 250
/** A bar that does not end its line is complete when nothing has followed for so long. */
const SILENCE_MS = 100
/** So many bytes in a row without a rest are a flood: the last of it is what counts. */
const FLOOD_BYTES = 512 * 1024
const FLOOD_PAUSE_MS = 250

export interface FollowerPorts {
  tell(progress: Progress): void
  after(ms: number, then: () => void): () => void
  nowMs(): number
  failed(error: unknown): void
}

export class ProgressFollower {
  readonly #place: RunPlace
  readonly #ports: FollowerPorts
  readonly #reader: ProgressReader
  readonly #lines: Record<LogStream, StreamLines> = { stdout: new StreamLines(), stderr: new StreamLines() }
  readonly #glance: RunGlance
  readonly #stopped = new AbortController()
  #isFinished = false
  #told: Progress | null = null
  #toldAtMs = Number.NEGATIVE_INFINITY
  #stopTelling: (() => void) | undefined
  #stopListening: (() => void) | undefined

  /** @throws PROCMAN_LOG_UNREADABLE when nobody knows where its output begins */
  constructor(place: RunPlace, spec: ProgressSpec, ports: FollowerPorts) {
    this.#place = place
    this.#ports = ports
    this.#reader = new ProgressReader(spec)
    this.#glance = new RunGlance(place)
  }

  begin(): void {
    if (this.#stopped.signal.aborted || this.#isFinished) return
    this.#catchUp()
    this.#review()
    void this.#follow()
  }

  /** The command has ended: what it has printed to its end is read and told, at once. Repeated: what came since. */
  finish(): void {
    if (this.#stopped.signal.aborted) return
    this.#isFinished = true
    this.#catchUp()
    for (const stream of STREAMS) this.#look(this.#lines[stream].rest)
    this.#tell()
  }

  /** Repeated: nothing. */
  close(): void {
    this.#stopped.abort()
    this.#glance.close()
    this.#stopTelling?.()
    this.#stopListening?.()
  }

  /** Takes in what there is of both streams. */
  #catchUp(): void {
    for (const stream of STREAMS) for (const piece of this.#glance.read(stream)) this.#take(stream, piece)
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopped
    try {
      while (!signal.aborted && (await this.#followUntilFlood()) === 'flood') {
        await this.#rest(signal)
        if (!signal.aborted && !this.#isFinished) this.#catchUp()
      }
    } catch (error) {
      if (!signal.aborted) this.#ports.failed(error)
    }
  }

  #rest(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        stop()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const stop = this.#ports.after(FLOOD_PAUSE_MS, end)
      signal.addEventListener('abort', end, { once: true })
    })
  }

  async #followUntilFlood(): Promise<'flood' | 'over'> {
    let isResting = false
    let bytes = 0
    const onCaughtUp = () => {
      isResting = true
    }
    const chunks = followRun(this.#place, this.#glance.mark, { from: this.#glance.offsets, signal: this.#stopped.signal, onCaughtUp })
    try {
      for await (const { stream, data, gapBytes = 0 } of chunks.read()) {
        if (this.#stopped.signal.aborted || this.#isFinished) return 'over'
        bytes = (isResting ? 0 : bytes) + data.length
        isResting = false
        this.#glance.offsets[stream] += gapBytes + data.length
        this.#take(stream, data)
        this.#review()
        if (bytes > FLOOD_BYTES) return 'flood'
      }
      return 'over'
    } finally {
      await chunks.close()
    }
  }

  #take(stream: LogStream, data: Buffer): void {
    for (const line of this.#lines[stream].take(data)) this.#look(line)
    this.#stopListening?.()
    this.#stopListening = undefined
    if (STREAMS.some((each) => this.#lines[each].rest !== '')) this.#stopListening = this.#ports.after(SILENCE_MS, () => this.#silence())
  }

  #silence(): void {
    for (const stream of STREAMS) this.#look(this.#lines[stream].rest)
    this.#review()
  }

  #look(line: string): void {
    if (line.trim() !== '') this.#reader.take(line, this.#ports.nowMs())
  }

  /** What has changed is told soon. */
  #review(): void {
    if (this.#stopTelling !== undefined || this.#stopped.signal.aborted || !this.#hasChanged()) return
    const waitMs = this.#toldAtMs + TELL_MS - performance.now()
    if (waitMs <= 0) return this.#tell()
    this.#stopTelling = this.#ports.after(waitMs, () => this.#tell())
  }

  #hasChanged(): boolean {
    return this.#reader.progress !== this.#told && !isSame(this.#reader.progress, this.#told)
  }

  #tell(): void {
    this.#stopTelling?.()
    this.#stopTelling = undefined
    const { progress } = this.#reader
    if (progress === null || !this.#hasChanged()) return
    this.#told = progress
    this.#toldAtMs = performance.now()
    this.#ports.tell(progress)
  }
}

function isSame(one: Progress | null, other: Progress | null): boolean {
  return JSON.stringify({ ...one, atMs: 0 }) === JSON.stringify({ ...other, atMs: 0 })
}
