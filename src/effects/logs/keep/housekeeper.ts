/**
 * Keeps rotated output within its limits and compresses it, in the background and one thing at a time. Keepers keep to the limits when they rotate; this is for
 * what comes of age meanwhile, for what nobody writes to any more, and for the limit of the whole state directory.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { errnoOf } from '../../../files.ts'
import type { LogsSpec } from '../../../output.ts'
import { codingFor, compressSegment, removeLeftovers } from './compress.ts'
import { beyondLimits, nextExpiry, oldestBeyond, type StoredSegment } from './retention.ts'
import { removeSegment, type StreamStock, stockOf } from './stock.ts'

/** Between two processes: there may be a thousand. */
const PAUSE_MS = 5
/** Longer waits are made of several. */
const LONGEST_WAIT_MS = 24 * 3_600_000
const STREAMS = ['stdout', 'stderr'] as const

export interface HousekeeperPorts {
  jobDirOf(id: string): string
  /** Null: it has been removed. */
  logsOf(id: string): LogsSpec | null
  onTrouble(id: string, path: string, message: string): void
}

export class Housekeeper {
  readonly #ports: HousekeeperPorts
  readonly #waiting = new Set<string>()
  readonly #stock = new Map<string, readonly StreamStock[]>()
  readonly #expiries = new Map<string, NodeJS.Timeout>()
  readonly #closed = new AbortController()
  #isAtWork = false
  #maxTotalBytes: number | null = null
  #isToldOfZstd = false

  constructor(ports: HousekeeperPorts) {
    this.#ports = ports
  }

  /** Something of it was rotated, or nobody has looked at it yet. */
  tend(id: string): void {
    this.#waiting.add(id)
    if (this.#isAtWork || this.#closed.signal.aborted) return
    this.#isAtWork = true
    void this.#work().finally(() => {
      this.#isAtWork = false
    })
  }

  /** @param maxBytes of the whole state directory: rotated output and live files. Null: no limit */
  limitTotal(maxBytes: number | null): void {
    this.#maxTotalBytes = maxBytes
    if (!this.#closed.signal.aborted) this.#keepTotal()
  }

  forget(id: string): void {
    this.#waiting.delete(id)
    this.#stock.delete(id)
    clearTimeout(this.#expiries.get(id))
    this.#expiries.delete(id)
  }

  /** What is half done is done again by the next manager. */
  close(): void {
    this.#closed.abort()
    for (const timer of this.#expiries.values()) clearTimeout(timer)
  }

  async #work(): Promise<void> {
    for (const id of this.#waiting) {
      if (this.#closed.signal.aborted) return
      this.#waiting.delete(id)
      try {
        await this.#tend(id)
      } catch (error) {
        if (!this.#closed.signal.aborted && this.#ports.logsOf(id) !== null) this.#trouble(id, error)
      }
      await pause(PAUSE_MS, undefined, { ref: false })
    }
  }

  async #tend(id: string): Promise<void> {
    const logs = this.#ports.logsOf(id)
    if (logs === null) return this.forget(id)
    const jobDir = this.#ports.jobDirOf(id)
    if (!this.#stock.has(id)) removeLeftovers(jobDir)
    const found = STREAMS.map((stream) => stockOf(jobDir, stream))
    for (const segment of beyondLimits(
      found.map(({ segments }) => segments),
      liveBytesOf(found),
      logs,
      Date.now(),
    ))
      remove(found, segment)
    await this.#compress(id, jobDir, logs)
    if (this.#ports.logsOf(id) !== logs) return
    const left = STREAMS.map((stream) => stockOf(jobDir, stream))
    this.#stock.set(id, left)
    this.#keepTotal()
    this.#expire(
      id,
      logs,
      left.flatMap(({ segments }) => segments),
    )
  }

  async #compress(id: string, jobDir: string, { compress }: LogsSpec): Promise<void> {
    const coding = codingFor(compress)
    if (coding === null) return
    if (compress !== coding) this.#tellOfZstd(id, jobDir)
    for (const stream of STREAMS) {
      const { segments, livePath, live } = stockOf(jobDir, stream)
      for (const segment of segments) {
        // What is beyond the head has only just got its name, and may lose it again.
        if (segment.coding !== 'plain' || (live !== null && segment.to > live.head)) continue
        try {
          await compressSegment(livePath, segment, coding, this.#closed.signal)
        } catch (error) {
          if (errnoOf(error) !== 'ENOENT') throw error // else: its keeper has removed it meanwhile
        }
      }
    }
  }

  /** The oldest of all processes go first. */
  #keepTotal(): void {
    const maxTotalBytes = this.#maxTotalBytes
    if (maxTotalBytes === null) return
    const stocks = [...this.#stock.values()].flat()
    const gone = new Set(
      oldestBeyond(
        stocks.flatMap(({ segments }) => segments),
        liveBytesOf(stocks),
        maxTotalBytes,
      ),
    )
    if (gone.size === 0) return
    for (const segment of gone) remove(stocks, segment)
    for (const [id, streams] of this.#stock) {
      this.#stock.set(
        id,
        streams.map((stream) => ({ ...stream, segments: stream.segments.filter((segment) => !gone.has(segment)) })),
      )
    }
  }

  #expire(id: string, { maxAgeMs }: LogsSpec, segments: readonly StoredSegment[]): void {
    clearTimeout(this.#expiries.get(id))
    this.#expiries.delete(id)
    const atMs = nextExpiry(segments, maxAgeMs)
    if (atMs === null || this.#closed.signal.aborted) return
    const waitMs = Math.min(Math.max(atMs - Date.now() + 1, 1_000), LONGEST_WAIT_MS)
    this.#expiries.set(id, setTimeout(() => this.tend(id), waitMs).unref())
  }

  #tellOfZstd(id: string, path: string): void {
    if (this.#isToldOfZstd) return
    this.#isToldOfZstd = true
    this.#ports.onTrouble(id, path, `this Node (${process.version}) cannot compress with zstd: logs are compressed with gzip; zstd needs 22.15 or later`)
  }

  #trouble(id: string, error: unknown): void {
    const path = this.#ports.jobDirOf(id)
    this.#ports.onTrouble(id, path, `the rotated logs in ${path} cannot be looked after (${errnoOf(error)}); tried again when they are rotated next`)
  }
}

function liveBytesOf(stocks: readonly StreamStock[]): number {
  return stocks.reduce((sum, { live }) => sum + (live?.diskBytes ?? 0), 0)
}

function remove(stocks: readonly StreamStock[], segment: StoredSegment): void {
  const owner = stocks.find(({ segments }) => segments.includes(segment))
  if (owner !== undefined) removeSegment(owner.livePath, segment)
}
