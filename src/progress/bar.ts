/** One bar among those of an output: what was sighted of it last, and what follows from how it went. */
import type { Progress } from '../output.ts'
import type { Sighting } from './sighting.ts'
import { Speed } from './speed.ts'

const DONE = 99.95
/** So often has a number to grow that could mean something else. */
const CONVINCING = 2
const LONGEST_MESSAGE = 200

export class Bar {
  /** Seen of one tool; the others may be anything. */
  readonly isOfTool: boolean
  /** The one that was first is that of the whole. */
  readonly order: number
  #last: Sighting = {}
  #advances = 0
  #isSure = false
  #lastMs = 0
  /** What went back, and is not believed. */
  #doubted: number | null = null
  readonly #current = new Speed()
  readonly #percent = new Speed()

  constructor(isOfTool: boolean, order: number) {
    this.isOfTool = isOfTool
    this.order = order
  }

  /** Whether it is believed to be one. */
  get isSure(): boolean {
    return this.#isSure
  }

  /** It was seen to go on. */
  get hasAdvanced(): boolean {
    return this.#advances > 0
  }

  /** It says how much there is. */
  get hasEnd(): boolean {
    return percentOf(this.#last) !== null
  }

  get isDone(): boolean {
    return (percentOf(this.#last) ?? 0) >= DONE
  }

  isSilent(nowMs: number, forMs: number): boolean {
    return nowMs - this.#lastMs > forMs
  }

  /** @returns false when it is not believed yet: one that goes back may be of something else, unless it goes on from there. A tool begins its next bar. */
  take(sighting: Sighting, atMs: number): boolean {
    const [before, now] = [measureOf(this.#last), measureOf(sighting)]
    const isBack = before !== null && now !== null && now < before
    const isDoubtful = isBack && !this.isOfTool && !this.isDone
    if (isDoubtful && !this.#goesOnFromDoubt(now)) {
      this.#doubted = now
      return false
    }
    this.#doubted = null
    if (isDoubtful && sighting.isVague === true) this.#isSure = false
    if (isBack) this.#advances = 0
    if (before !== null && now !== null && now > before) this.#advances++
    this.#isSure ||= this.isOfTool || sighting.isVague !== true || this.#advances >= CONVINCING
    this.#see(sighting, atMs)
    return this.#isSure
  }

  #goesOnFromDoubt(now: number): boolean {
    return this.#doubted !== null && now > this.#doubted
  }

  #see(sighting: Sighting, atMs: number): void {
    const percent = percentOf(sighting)
    this.#last = sighting
    this.#lastMs = atMs
    if (sighting.current !== undefined) this.#current.add(sighting.current, atMs)
    if (percent !== null) this.#percent.add(percent, atMs)
  }

  progress(): Progress {
    const { current, total, unit = null, message = '' } = this.#last
    const percent = percentOf(this.#last)
    const rate = this.#last.rate ?? (current === undefined ? null : this.#current.perSecond)
    return {
      percent: percent === null ? null : Math.round(percent * 10) / 10,
      current: roundedAs(unit, current),
      total: roundedAs(unit, total),
      unit,
      rate: rate === null || !Number.isFinite(rate) ? null : rounded(Math.max(0, rate)),
      etaMs: this.#etaMs(percent, rate),
      message: message === '' ? null : message.slice(0, LONGEST_MESSAGE),
      atMs: this.#lastMs,
    }
  }

  #etaMs(percent: number | null, rate: number | null): number | null {
    const { etaMs, current, total } = this.#last
    if (percent === null) return etaMs ?? null
    if (percent >= DONE) return 0
    if (etaMs !== undefined) return etaMs
    const perSecond = this.#percent.perSecond
    const seconds =
      current !== undefined && total !== undefined && rate !== null ? (total - current) / rate : perSecond === null ? Number.NaN : (100 - percent) / perSecond
    return Number.isFinite(seconds) && seconds >= 0 ? Math.min(Math.round(seconds * 1_000), LONGEST_MS) : null
  }
}

/** What takes longer is not known. A hundred years. */
const LONGEST_MS = 3_155_760_000_000

function percentOf({ percent, current, total }: Sighting): number | null {
  const share = percent ?? (current === undefined || total === undefined || total <= 0 ? null : (current / total) * 100)
  return share === null || Number.isNaN(share) ? null : Math.min(100, Math.max(0, share))
}

function measureOf(sighting: Sighting): number | null {
  return percentOf(sighting) ?? sighting.current ?? null
}

/** No part of a byte. What is no number is not said. */
function roundedAs(unit: string | null, value = Number.NaN): number | null {
  if (!Number.isFinite(value)) return null
  return unit === 'B' ? Math.round(value) : Math.round(value * 1_000) / 1_000
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}
