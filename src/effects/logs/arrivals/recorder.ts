/** Has it written down when output arrives, of each process that is up; and tells whoever wants to know that some has. */
import type { LogStream } from '../contract.ts'
import { IndexWriter } from './index-file.ts'
import { News } from './news.ts'
import { type ArrivalPorts, arrivalsFile, ProcessArrivals } from './process-arrivals.ts'
import { Rota } from './rota.ts'
import { BUSY_MS, type EyePorts, type Looked, StreamEye } from './stream-eye.ts'

/** A thousand looks a second at those that are busy, however many these are: 3 % of a processor. */
const BUSY_PACE = { everyMs: BUSY_MS, atOnce: 10, pauseMs: 10 }
/** Those that cannot be watched, mostly silent ones. */
const UNWATCHABLE_PACE = { everyMs: 1_000, atOnce: 20, pauseMs: 50 }
/** Looks without waiting for a turn, in a second. */
const QUICK_LOOKS = 500

export interface RecorderPorts extends Omit<ArrivalPorts, 'writer' | 'onRotated'> {
  jobDirOf(id: string): string
  /** Some of its output has gone into a rotated file. */
  onRotated(id: string): void
  onError(error: unknown): void
  /** Told once. */
  onUnwatchable(error: unknown): void
}

interface Entry {
  readonly arrivals: ProcessArrivals
  readonly eyes: Readonly<Record<LogStream, StreamEye>>
}

export class Recorder {
  readonly #ports: RecorderPorts
  readonly #writer = new IndexWriter()
  readonly #news: News
  readonly #entries = new Map<string, Entry>()
  readonly #busy = new Rota<StreamEye>((eye) => eye.turn(), BUSY_PACE)
  readonly #unwatchable = new Rota<StreamEye>((eye) => eye.turn(), UNWATCHABLE_PACE)
  readonly #eyePorts: EyePorts
  #quickLooks = 0
  #quickSecond = 0
  #isToldUnwatchable = false
  #isClosed = false

  constructor(ports: RecorderPorts) {
    this.#ports = ports
    this.#news = new News((error) => ports.onError(error))
    this.#eyePorts = {
      busy: this.#busy,
      unwatchable: this.#unwatchable,
      mayLookNow: () => this.#mayLookNow(),
      onUnwatchable: (error) => {
        if (!this.#isToldUnwatchable) ports.onUnwatchable(error)
        this.#isToldUnwatchable = true
      },
    }
  }

  /** Calls back with the id of a process that has put something out: at once where it was silent, else at most every 50 ms. @returns a function that ends it */
  onNews(listener: (id: string) => void): () => void {
    return this.#news.listen(listener)
  }

  /** A run is up. @param isFound it was up already when this manager came. @param streams that go to files */
  begin(id: string, run: number, isFound: boolean, streams: readonly LogStream[]): void {
    if (this.#isClosed) return
    const { arrivals, eyes } = this.#have(id)
    arrivals.begin(run, isFound)
    for (const stream of streams) eyes[stream].open()
  }

  /** Does not wait until it is its turn. */
  lookAt(id: string): void {
    if (!this.#isClosed) for (const eye of this.#eyesOf(id)) eye.turn()
  }

  /** No run is up any more: its last words are looked for, and then nothing is. */
  end(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined || this.#isClosed) return
    for (const eye of this.#eyesOf(id)) eye.close()
    this.#look(id, entry.arrivals, 'stdout')
    this.#look(id, entry.arrivals, 'stderr')
  }

  /** Has it written down now what has come so far. */
  record(id: string, stream: LogStream): void {
    if (!this.#isClosed) this.#look(id, this.#have(id).arrivals, stream)
  }

  /** It has been removed. */
  forget(id: string): void {
    for (const eye of this.#eyesOf(id)) eye.close()
    this.#entries.delete(id)
    this.#writer.forget(arrivalsFile(this.#ports.jobDirOf(id)))
  }

  /** Writes down what those that are busy have put out until now, and lets go of everything. */
  close(): void {
    if (this.#isClosed) return
    for (const eye of [...this.#busy.items()]) eye.turn()
    this.#isClosed = true
    for (const id of this.#entries.keys()) for (const eye of this.#eyesOf(id)) eye.close()
    this.#busy.close()
    this.#unwatchable.close()
    this.#writer.close()
    this.#ports.clock.close()
  }

  #have(id: string): Entry {
    const known = this.#entries.get(id)
    if (known !== undefined) return known
    const arrivals = new ProcessArrivals(this.#ports.jobDirOf(id), {
      ...this.#ports,
      writer: this.#writer,
      onRotated: () => this.#ports.onRotated(id),
    })
    const eyeOf = (stream: LogStream) => new StreamEye(arrivals.pathOf(stream), () => this.#look(id, arrivals, stream), this.#eyePorts)
    const entry = { arrivals, eyes: { stdout: eyeOf('stdout'), stderr: eyeOf('stderr') } }
    this.#entries.set(id, entry)
    return entry
  }

  #eyesOf(id: string): readonly StreamEye[] {
    const eyes = this.#entries.get(id)?.eyes
    return eyes === undefined ? [] : [eyes.stdout, eyes.stderr]
  }

  #look(id: string, arrivals: ProcessArrivals, stream: LogStream): Looked {
    const looked = arrivals.look(stream)
    if (looked === 'news') this.#news.tell(id)
    return looked
  }

  #mayLookNow(): boolean {
    const second = Math.floor(performance.now() / 1_000)
    if (second !== this.#quickSecond) this.#quickLooks = 0
    this.#quickSecond = second
    return this.#quickLooks++ < QUICK_LOOKS
  }
}
