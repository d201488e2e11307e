/** A look at what a run has printed, at once: what is to be known before a run is over cannot be waited for. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from '../../files.ts'
import type { LogStream, RunMark } from '../logs/contract.ts'
import { MemoryFile } from '../logs/memory-file.ts'
import { memoryLogOf } from '../logs/memory-log.ts'
import { placePath, readPlace } from '../logs/place.ts'
import { markOf, type RunPlace, STREAMS } from '../logs/run-output.ts'

/** Of a long output the beginning is read, where some tools say how much there is, and the end. */
const HEAD_BYTES = 16 * 1024
const TAIL_BYTES = 64 * 1024

type Span = readonly [begin: number, end: number]

export class RunGlance {
  readonly mark: RunMark
  /** Logical, of the next byte of each stream. */
  readonly offsets: Record<LogStream, number>
  readonly #place: RunPlace
  /** What is held in memory is gone with its keeper, unless it is held here too. */
  readonly #held = new Map<LogStream, MemoryFile>()

  /** @throws PROCMAN_LOG_UNREADABLE when nobody knows where the output of the run begins */
  constructor(place: RunPlace) {
    this.#place = place
    this.mark = markOf(place)
    this.offsets = { stdout: this.mark.stdout, stderr: this.mark.stderr }
    for (const stream of STREAMS) {
      const fd = memoryLogOf(place.jobDir, stream, { run: place.run })?.open(place.run, stream) ?? null
      if (fd !== null) this.#held.set(stream, new MemoryFile(place.run, fd))
    }
  }

  /** What has come since: in its order, and of much the first and the last. */
  read(stream: LogStream): readonly Buffer[] {
    const held = this.#held.get(stream)
    return held === undefined ? this.#readLog(stream) : this.#readMemory(stream, held)
  }

  close(): void {
    for (const file of this.#held.values()) file.close()
    this.#held.clear()
  }

  #readMemory(stream: LogStream, file: MemoryFile): readonly Buffer[] {
    const begin = Math.max(this.offsets[stream] - this.mark[stream], file.head)
    const end = file.size
    this.offsets[stream] = Math.max(this.offsets[stream], this.mark[stream] + end)
    return spansOf(begin, end).map(([first, last]) => file.read(first, last, last - first).data)
  }

  #readLog(stream: LogStream): readonly Buffer[] {
    const path = join(this.#place.jobDir, `${stream}.log`)
    const place = readPlace(placePath(path))
    // While its head is being taken away, nobody knows for a moment where it stands.
    const fd = place === undefined || place.flux !== 0 ? null : openOrNull(path)
    if (place === undefined || fd === null) return []
    try {
      const stat = fstatSync(fd)
      const end = place.base + stat.size
      const begin = Math.max(this.offsets[stream], place.head)
      if (!stat.isFile() || end <= begin) return []
      this.offsets[stream] = end
      return spansOf(begin, end).map(([first, last]) => readSpan(fd, first - place.base, last - first))
    } finally {
      closeSync(fd)
    }
  }
}

function spansOf(begin: number, end: number): readonly Span[] {
  if (end <= begin) return []
  if (end - begin <= HEAD_BYTES + TAIL_BYTES) return [[begin, end]]
  return [
    [begin, begin + HEAD_BYTES],
    [end - TAIL_BYTES, end],
  ]
}

function openOrNull(path: string): number | null {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ELOOP' || errno === 'ENXIO') return null
    throw error
  }
}

function readSpan(fd: number, at: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  return bytes.subarray(0, readSync(fd, bytes, 0, length, at))
}
