/** `45%`, where it is progress: not a load, a share or a loss. */
import type { Sighting } from '../sighting.ts'
import { AT_WORK, LEVEL } from './words.ts'

export interface Percent {
  readonly sighting: Sighting & { readonly percent: number }
  /** Where it stands in the line, with its brackets. */
  readonly at: number
  readonly end: number
}

const PERCENT = /(?<![\w.,/+<>~-])(\d{1,3}(?:\.\d+)?) ?%(?![\w%])/g
/** Whoever prints more of them prints a table. */
const MOST = 2

export function findPercent(line: string): Percent | null {
  if (!line.includes('%')) return null
  const all = [...line.matchAll(PERCENT)].filter(([, number]) => Number(number) <= 100)
  const [first] = all
  if (first === undefined || all.length > MOST || LEVEL.test(line)) return null
  const before = line.slice(0, first.index)
  const after = line.slice(first.index + first[0].length)
  const shape = shapeOf(before, after)
  const isVague = shape === 'inside' || (all.length > 1 && shape !== 'start')
  const isSure = !isVague || (all.length === 1 && AT_WORK.test(line))
  return {
    sighting: { percent: Number(first[1]), ...(isSure ? { key: `%${shape}` } : { key: `%${before.replace(/[^a-z]+/gi, ' ')}`, isVague: true }) },
    at: shape === 'start' ? 0 : first.index,
    end: first.index + first[0].length,
  }
}

function shapeOf(before: string, after: string): 'start' | 'brackets' | 'end' | 'inside' {
  // With words before and behind it is a part of a sentence, as the ratio in a summary.
  if (/[[(|]\s*$/.test(before) && /^\s*[\])|]/.test(after)) return /\w/.test(before) && /\w/.test(after) ? 'inside' : 'brackets'
  if (before.trim() === '') return 'start'
  return /^[\s.…)\]]*(?:done|complete[d]?|finished)?[\s.…!]*$/i.test(after) ? 'end' : 'inside'
}
