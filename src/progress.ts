/** Reads how far a program is from what it prints. Pure: lines and the time in, progress out. */
import type { Progress, ProgressSpec } from './output.ts'
import { Bar } from './progress/bar.ts'
import type { Recogniser, Sighting } from './progress/sighting.ts'
import { apt } from './progress/tools/apt.ts'
import { curl } from './progress/tools/curl.ts'
import { createDocker } from './progress/tools/docker.ts'
import { createFfmpeg } from './progress/tools/ffmpeg.ts'
import { generic } from './progress/tools/generic.ts'
import { git } from './progress/tools/git.ts'
import { createPattern } from './progress/tools/pattern.ts'
import { pip } from './progress/tools/pip.ts'
import { rsync } from './progress/tools/rsync.ts'
import { tqdm } from './progress/tools/tqdm.ts'
import { createWget } from './progress/tools/wget.ts'

export { OutputLines } from './progress/output-lines.ts'

/** A bar that was not heard of for so long does not stand in the way of others. */
const SILENT_MS = 30_000
const MOST_BARS = 32
/** In UTF-16 characters. A pattern of the user sees all of a line. */
const LONGEST_BAR = 300

/** `tool`: a bar of a tool that is known. `own`: what the user's pattern or the general forms make of the line. */
export type Taken = 'tool' | 'own'

interface Named {
  readonly name: string
  readonly recognise: Recogniser
  readonly isTool: boolean
}

export class ProgressReader {
  readonly #recognisers: readonly Named[]
  readonly #bars = new Map<string, Bar>()
  #shown: Bar | null = null
  #count = 0
  #progress: Progress | null = null
  #hasSeenTool = false

  constructor(spec: ProgressSpec) {
    this.#recognisers = spec.kind === 'auto' ? tools() : [{ name: 'pattern', recognise: createPattern(spec.source, spec.flags), isTool: true }]
  }

  /** Null: nothing was said of it yet. */
  get progress(): Progress | null {
    this.#progress ??= this.#shown?.progress() ?? null
    return this.#progress
  }

  /** @returns null when the line says nothing of progress */
  take(line: string, atMs: number): Taken | null {
    const beginning = line.slice(0, LONGEST_BAR)
    for (const { name, recognise, isTool } of this.#recognisers) {
      const sighting = recognise(name === 'pattern' ? line : beginning)
      if (sighting === null) continue
      this.#sight(name, isTool, sighting, atMs)
      return isTool && name !== 'pattern' ? 'tool' : 'own'
    }
    return null
  }

  #sight(name: string, isTool: boolean, sighting: Sighting, atMs: number): void {
    // A tool that only says that it is at work.
    if (sighting.percent === undefined && sighting.current === undefined && sighting.message === undefined) return
    const bar = this.#barOf(`${name} ${sighting.key ?? ''}`, isTool)
    const isSure = bar.take(sighting, atMs)
    this.#hasSeenTool ||= isTool
    if (!isSure || !this.#believes(bar) || this.#choose(bar, atMs) !== bar) return
    this.#shown = bar
    this.#progress = null
    // Those within it are done with it.
    if (bar.isDone) for (const [key, other] of this.#bars) if (other.order > bar.order) this.#bars.delete(key)
  }

  /** Beside a tool that is known, another number may be of anything, as a summary: it has to go on. */
  #believes(bar: Bar): boolean {
    return bar.isOfTool || !this.#hasSeenTool || bar.hasAdvanced
  }

  #barOf(key: string, isTool: boolean): Bar {
    const known = this.#bars.get(key)
    // One that has been done begins anew, behind the others.
    if (known !== undefined && (!known.isDone || known === this.#shown)) return known
    const bar = new Bar(isTool, this.#count++)
    this.#bars.delete(key)
    this.#bars.set(key, bar)
    if (this.#bars.size > MOST_BARS) for (const oldest of [...this.#bars.keys()].slice(0, 1)) this.#bars.delete(oldest)
    return bar
  }

  /** Of the bars that go on, the one that is shown: those of tools first, and of these the first, which is that of the whole. */
  #choose(latest: Bar, nowMs: number): Bar {
    if (latest === this.#shown) return latest
    const going = [...this.#bars.values()].filter((bar) => bar.isSure && !bar.isDone && !bar.isSilent(nowMs, SILENT_MS))
    const ofTools = going.filter(({ isOfTool }) => isOfTool)
    const advanced = going.filter(({ hasAdvanced }) => hasAdvanced)
    const [first] = (ofTools.length > 0 ? ofTools : advanced).toSorted((one, other) => Number(other.hasEnd) - Number(one.hasEnd) || one.order - other.order)
    return first ?? latest
  }
}

function tools(): readonly Named[] {
  const known = { tqdm, curl, wget: createWget(), docker: createDocker(), ffmpeg: createFfmpeg(), git, apt, pip, rsync }
  return [...Object.entries(known).map(([name, recognise]) => ({ name, recognise, isTool: true })), { name: 'generic', recognise: generic, isTool: false }]
}
