/** Decides what a target gets: what can be told of a whole process once, the rest of each record. Pure. */
import { matchesLabels } from '../../select.ts'
import { LEVELS, type LogRecord, type RecordLevel } from '../record/contract.ts'
import { levelOf, rankOf } from '../record/level.ts'
import type { RecordSelector, Selection } from './contract.ts'
import { globToRegExp } from './glob.ts'
import { toPattern } from './pattern.ts'

/** What selectors ask of a process. */
export interface Selectable {
  readonly id: string
  /** What its replicas have in common; else its id. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

export interface SelectorOptions {
  /** Default: all. */
  readonly ids?: readonly string[] | undefined
  /** Default: all. */
  readonly include?: Selection | undefined
  /** Counts more than `include`. */
  readonly exclude?: Selection | undefined
  /** And above. Default: all. */
  readonly level?: RecordLevel | undefined
}

type Predicate = (record: LogRecord) => boolean

/** @returns for a process: what of its records is taken; null: nothing */
export type Selector = (process: Selectable) => Predicate | null

const ALL: Predicate = () => true

export function createSelector({ ids, include, exclude, level = LEVELS[0] }: SelectorOptions): Selector {
  const included = include === undefined ? null : anyOf(include)
  const excluded = exclude === undefined ? null : anyOf(exclude)
  const least = rankOf(level)
  const isHigh: Predicate = (record) => rankOf(levelOf(record)) >= least
  return (process) => {
    if (ids !== undefined && !ids.includes(process.id)) return null
    const isIn = included === null ? ALL : included(process)
    const isOut = excluded?.(process) ?? null
    if (isIn === null || isOut === ALL) return null
    const tests = [...(isIn === ALL ? [] : [isIn]), ...(isOut === null ? [] : [(record: LogRecord) => !isOut(record)]), ...(least === 0 ? [] : [isHigh])]
    return tests.length === 0 ? ALL : (record) => tests.every((test) => test(record))
  }
}

function anyOf(selection: Selection): Selector {
  const each = [selection].flat().map((one) => allOf(typeof one === 'string' ? { ids: one } : (one as RecordSelector)))
  return (process) => {
    const found = each.flatMap((select) => select(process) ?? [])
    if (found.length === 0) return null
    return found.includes(ALL) ? ALL : (record) => found.some((test) => test(record))
  }
}

function allOf({ ids, labels, streams, message }: RecordSelector): Selector {
  const names = ids === undefined ? null : [ids].flat().map((pattern) => ({ pattern, glob: globToRegExp(pattern) }))
  const wanted = streams === undefined ? null : [streams].flat()
  const patterns = message === undefined ? null : [message].flat().map(toPattern)
  const tests: Predicate[] = []
  if (wanted !== null) tests.push(({ stream }) => wanted.includes(stream))
  if (patterns !== null) tests.push(({ msg }) => patterns.some((pattern) => pattern.test(msg)))
  return ({ id, name, labels: has }) => {
    if (names !== null && !names.some(({ pattern, glob }) => pattern === name || glob.test(id))) return null
    if (labels !== undefined && !matchesLabels(has, labels)) return null
    return tests.length === 0 ? ALL : (record) => tests.every((test) => test(record))
  }
}
