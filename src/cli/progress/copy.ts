/**
 * Output of a process to our own streams, with a bar below it that says how far it is. What its own bars would have drawn on the same terminal is left out: ours
 * says the same. Where a stream of ours is no terminal, it gets every byte.
 */
import { StringDecoder } from 'node:string_decoder'
import type { Attachment, LogChunk } from '../../api.ts'
import type { ProgressSpec } from '../../output.ts'
import { OutputLines, ProgressReader } from '../../progress.ts'
import { copyOutput } from '../copy-output.ts'
import { BrokenPipe, type Io, write } from '../io.ts'
import { renderBar } from '../render/progress.ts'
import { escapeControls } from '../render/text.ts'
import { canBeDrawn, StatusLine } from './status-line.ts'

type Stream = LogChunk['stream']

/** A line that does not end is a prompt, or a bar that has stopped. */
const SILENCE_MS = 150
/** What is longer is no bar, and is not waited for, in UTF-16 characters. */
const LONGEST = 4_000

/** As `copyOutput`; without a terminal on stderr it is that. */
export function copyWithProgress(attachment: Attachment, io: Io, spec: ProgressSpec): Promise<boolean> {
  return canBeDrawn(io.stderr, io.env) ? new ProgressCopy(io, spec).run(attachment) : copyOutput(attachment, io)
}

class ProgressCopy {
  readonly #io: Io
  readonly #spec: ProgressSpec
  #reader: ProgressReader
  #run: number | undefined
  readonly #status: StatusLine
  readonly #decoders: Readonly<Record<Stream, StringDecoder>> = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') }
  readonly #lines: Readonly<Record<Stream, OutputLines>>
  readonly #gone = new Set<Stream>()
  /** The last that was printed has not ended its line: below it there is no room for ours. */
  #isMidLine = false
  /** Prints one after the other: what comes while one is under way, and what is printed after a silence. */
  #printing: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(io: Io, spec: ProgressSpec) {
    this.#io = io
    this.#spec = spec
    // What goes elsewhere is passed on as it comes: a line without an end is not to be held for that.
    const linesOf = (stream: Stream) => new OutputLines(io[stream].isTTY === true ? 'all' : 'beginnings')
    this.#lines = { stdout: linesOf('stdout'), stderr: linesOf('stderr') }
    this.#reader = new ProgressReader(spec)
    this.#status = new StatusLine(io.stderr, (columns) => {
      const { progress } = this.#reader
      return progress === null || this.#isMidLine ? '' : escapeControls(renderBar(progress, columns))
    })
  }

  async run(attachment: Attachment): Promise<boolean> {
    const chunks: AsyncIterable<LogChunk> = attachment
    try {
      for await (const { stream, run, data } of chunks) {
        clearTimeout(this.#timer)
        await this.#inTurn(() => this.#take(stream, run, data))
        if (this.#gone.has('stdout')) return false
        this.#timer = setTimeout(() => void this.#inTurn(() => this.#printRests()).catch(() => undefined), SILENCE_MS)
      }
      await this.#inTurn(() => this.#printRests())
      return this.#gone.size === 0
    } finally {
      clearTimeout(this.#timer)
      if (!this.#gone.has('stderr')) await this.#status.leave().catch(() => undefined)
    }
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error)
    const done = this.#printing.then(step)
    this.#printing = done.catch((error: unknown) => {
      this.#failure ??= { error }
    })
    return done
  }

  async #take(stream: Stream, run: number, data: Buffer): Promise<void> {
    // Each run begins anew.
    if (this.#run !== undefined && run !== this.#run) this.#reader = new ProgressReader(this.#spec)
    this.#run = run
    const lines = this.#lines[stream].write(this.#decoders[stream].write(data))
    const nowMs = this.#io.nowMs()
    const ordinary = lines.filter(({ text, isReplaced }) => {
      if (text.trim() === '') return !isReplaced
      const taken = this.#reader.take(text, nowMs)
      // One that was to be replaced would be under our line; of such only what comes before the first progress is shown, as it would be without it.
      return taken === null ? !isReplaced || this.#reader.progress === null : taken === 'own' && !isReplaced
    })
    const isLong = this.#lines[stream].rest.length >= LONGEST / 2
    if (this.#io[stream].isTTY !== true) await this.#print(stream, data)
    else await this.#print(stream, ordinary.map(({ raw }) => raw).join('') + (isLong ? this.#lines[stream].takeRest() : ''))
    this.#status.changed()
  }

  /** What no line end came behind, unless it is a bar. */
  async #printRests(): Promise<void> {
    for (const stream of ['stdout', 'stderr'] as const) {
      const { rest } = this.#lines[stream]
      if (rest.trim() === '' || this.#reader.take(rest, this.#io.nowMs()) !== null || this.#io[stream].isTTY !== true) continue
      await this.#print(stream, this.#lines[stream].takeRest())
    }
    this.#status.changed()
  }

  async #print(stream: Stream, data: string | Buffer): Promise<void> {
    if (data.length === 0 || this.#gone.has(stream)) return
    const isTerminal = this.#io[stream].isTTY === true
    if (isTerminal) await this.#status.hide()
    try {
      await write(this.#io[stream], data)
    } catch (error) {
      if (!(error instanceof BrokenPipe)) throw error
      this.#gone.add(stream)
    }
    if (isTerminal) this.#isMidLine = !/[\r\n]$/.test(data.toString())
  }
}
