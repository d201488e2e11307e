import type { LogChunk } from '../../log-api.ts'
import { LineSplitter } from './line-splitter.ts'

/** A part of one stream of a log, from a logical offset on, in pieces. */
export type PiecesFrom = (offset: number) => AsyncIterable<LogChunk>

/** At first so many times as many lines are looked through as are wanted, and more each time that was not enough. */
const MORE = 8

/**
 * Finds where the last lines begin that are wanted: looks through the last lines of a log, then through 8 times as many, until there are enough.
 *
 * @param tail where so many lines begin, whatever they are
 * @returns a logical offset; where the log begins if there are not more than asked for
 */
export async function findWantedTail(
  lines: number,
  tail: (lines: number) => Promise<number>,
  pieces: PiecesFrom,
  wants: (text: string) => boolean,
): Promise<number> {
  let before: number | undefined
  for (let count = lines * MORE; ; count *= MORE) {
    const from = await tail(count)
    if (lines === 0 || (before !== undefined && from >= before)) return from // all that is kept was looked through
    const begins = await lastWanted(lines, pieces(from), from, wants)
    const [first] = begins
    if (begins.length === lines && first !== undefined) return first
    before = from
  }
}

/** @returns where the last ones begin that are wanted, at most so many */
async function lastWanted(lines: number, pieces: AsyncIterable<LogChunk>, from: number, wants: (text: string) => boolean): Promise<readonly number[]> {
  const begins: number[] = []
  let begin = from
  let offset = from
  const take = (texts: readonly { readonly text: string }[], ends: readonly number[]) => {
    for (const [i, { text }] of texts.entries()) {
      if (wants(text)) begins.push(begin)
      begin = offset + (ends[i] ?? 0)
    }
    if (begins.length > 2 * lines) begins.splice(0, begins.length - lines)
  }
  let splitter: LineSplitter | undefined
  for await (const chunk of pieces) {
    if (splitter?.run !== chunk.run) {
      take(splitter?.flush() ?? [], [])
      splitter = new LineSplitter(chunk.stream, chunk.run)
    }
    offset += chunk.gapBytes ?? 0
    take(splitter.split(chunk), splitter.ends)
    offset += chunk.data.length
  }
  take(splitter?.flush() ?? [], [])
  return begins.slice(-lines)
}
