import type { ProcessRecord } from '../../../src/index.ts'
import type { Outcome } from '../../../src/types.ts'

export interface Violation {
  readonly kind: string
  readonly why?: string
  readonly [detail: string]: unknown
}

export interface StormReport {
  readonly seed: string
  readonly dir: string
  readonly rounds: number
  readonly killCount: number
  readonly adopted: number
  readonly executions: number
  readonly ends: number
  readonly unheard: number
  readonly checks: number
  readonly lines: number
  readonly violations: Readonly<Record<string, number>>
  readonly violationCount: number
  readonly details: readonly Violation[]
  text(): string
}

export interface StormOptions {
  readonly rounds?: number
  readonly seed?: string
  readonly dir?: string
  readonly keep?: boolean
  readonly killKeepers?: boolean
  /** A claim that has not been seen to be true for so long is a violation. Default 15 s. */
  readonly patienceMs?: number
  readonly slots?: number
  readonly workers?: number
  readonly signal?: AbortSignal
  onProgress?(report: StormReport): void
}

export function runStorm(options: StormOptions): Promise<StormReport>
/** The first C compiler that runs here. */
export function compiler(): string | undefined

export interface TracedRun {
  readonly id: string
  readonly incarnation: number
  readonly run: number
  readonly begins: readonly { readonly pid: number; readonly us: number }[]
  readonly end: { readonly us: number; readonly outcome: object; readonly out: number; readonly err: number } | null
  readonly overlaps: readonly number[]
  readonly left: { readonly pid: number; readonly endedUs: number | null } | null
}

export class Trace {
  constructor(path: string, nonce: string)
  readonly executions: number
  take(text: string): ReadonlySet<TracedRun>
  get(id: string, incarnation: number, run: number): TracedRun | undefined
  lastRun(id: string, incarnation: number): number
}

export interface Slot {
  readonly possible: Set<number | null>
  readonly stopped: { readonly incarnation: number | null; readonly run: number | null } | null
}

export type Entry = Readonly<Record<string, unknown>>

export class Ledger {
  slotOf(id: string): Slot
  take(journal: readonly Entry[], violate: (kind: string, detail: object) => void): void
  mayHaveSent(id: string, what: string, fromMs: number, toMs: number): boolean
}

export interface Holding {
  readonly life: number
  readonly fromNs: number
  readonly toNs: number
}

export function heldTwice(intervals: readonly Holding[]): readonly (readonly [Holding, Holding])[]

export interface Told {
  readonly outcome: Outcome
  readonly atMs: number
  readonly source: string
}

export interface EndFacts {
  readonly traced: TracedRun | undefined
  readonly endedBeforeMs: number
  readonly act: { readonly letter: string; readonly first: number; readonly second: number }
  readonly nowMs: number
  wasAsked(what: string, fromMs: number, toMs: number): boolean
}

export interface Seen {
  readonly commands: readonly { readonly pid: number; readonly id: string; readonly run: number }[]
  readonly keepers: readonly { readonly pid: number; readonly id: string }[]
  readonly spawners: readonly { readonly pid: number; readonly parent: number }[]
}

export function judgeRun(traced: TracedRun, before: TracedRun | undefined): readonly Violation[]
export function judgeEnd(told: Told, facts: EndFacts): Violation | undefined
export function judgeUnheard(traced: TracedRun, record: ProcessRecord | undefined): Violation | undefined
export function judgeLeftover(traced: TracedRun, wasAsked: (fromMs: number, toMs: number) => boolean): Violation | undefined
export function judgeInput(traced: TracedRun, acknowledged: number): Violation | undefined
export function judgeAgreement(one: Told, other: Told): Violation | undefined
export function judgeLines(
  text: string,
  of: { readonly incarnation: number; readonly run: number; readonly stream: 'stdout' | 'stderr'; readonly expected: number | null },
): { readonly lines: number; readonly violation: Violation | undefined }
export function judgeStanding(id: string, record: ProcessRecord | undefined, slot: Slot, trace: Trace): readonly Violation[]
export function doubtsOf(
  records: readonly ProcessRecord[],
  seen: Seen,
  known: { readonly ledger: Ledger; readonly trace: Trace; readonly managerPid: number },
): readonly Violation[]
export function differencesOf(records: readonly ProcessRecord[], read: readonly ProcessRecord[]): readonly Violation[]
export function overlapsOf(records: readonly ProcessRecord[], seen: Seen): readonly Violation[]
