/** How far a process is: in a cell, in words, and as a bar. Pure. */
import type { Progress } from '../../output.ts'
import { renderSize } from './size.ts'
import { truncate } from './text.ts'
import { renderSpan } from './time.ts'

const WIDEST_BAR = 30
const NARROWEST_BAR = 5
const CELL_BAR = 10
const GAP = '  '

/** `45 %`, or what has come where nobody knows of how much. */
export function renderPercent({ percent, current, unit, message }: Progress): string {
  if (percent !== null) return `${Math.floor(percent)} %`
  if (current !== null) return renderAmount(current, unit)
  return message === null ? '-' : truncate(message, CELL_BAR + 5)
}

/** `45 %, 1.3 MB of 3.0 MB, 884 kB/s, 2.0 s left: model.bin` */
export function renderProgress(progress: Progress): string {
  const parts = [progress.percent === null ? '' : `${trimmed(progress.percent)} %`, renderCount(progress), renderRate(progress), renderLeft(progress)]
  return [parts.filter((part) => part !== '').join(', '), progress.message ?? ''].filter((part) => part !== '').join(': ')
}

/** `[####------]  45 %`: of one width whatever is known. */
export function renderCellBar(progress: Progress): string {
  return progress.percent === null ? renderPercent(progress) : `${barOf(progress.percent, CELL_BAR)} ${renderPercent(progress).padStart(5)}`
}

/** One line of at most so many columns: the percent always, then the bar, then what else there is room for. */
export function renderBar(progress: Progress, columns: number): string {
  const { percent, message } = progress
  const head = percent === null ? '' : renderPercent(progress).padStart(5)
  const details = [renderCount(progress), renderRate(progress), renderLeft(progress)].filter((part) => part !== '')
  const fixed = [head, ...details].filter((part) => part !== '')
  while (fixed.length > 1 && fixed.join(GAP).length > columns) fixed.pop()
  const left = columns - fixed.join(GAP).length
  const barWidth = percent === null ? 0 : Math.min(WIDEST_BAR, left - GAP.length - 2 - Math.min(message?.length ?? 0, Math.floor(columns / 4)))
  const bar = percent === null || barWidth < NARROWEST_BAR ? '' : barOf(percent, barWidth)
  const others = [bar, ...fixed].filter((part) => part !== '').join(GAP)
  const room = columns - others.length - GAP.length
  const shown = message === null || room < NARROWEST_BAR ? '' : truncate(message, room)
  return truncate([shown, others].filter((part) => part !== '').join(GAP), columns)
}

function barOf(percent: number, width: number): string {
  const done = Math.floor((percent / 100) * width)
  return `[${'#'.repeat(done)}${'-'.repeat(width - done)}]`
}

function renderCount({ current, total, unit }: Progress): string {
  if (current === null) return ''
  if (total === null) return renderAmount(current, unit)
  return unit === 'B' || unit === 's' ? `${renderAmount(current, unit)} of ${renderAmount(total, unit)}` : `${trimmed(current)} of ${renderAmount(total, unit)}`
}

function renderRate({ rate, unit }: Progress): string {
  if (rate === null || rate === 0) return ''
  if (unit === 'B') return `${renderSize(rate)}/s`
  return unit === 's' ? `${trimmed(rate)}x` : `${trimmed(rate)}${unit === null ? '' : ` ${unit}`}/s`
}

function renderLeft({ etaMs, percent }: Progress): string {
  if (etaMs === null || percent === 100) return ''
  // Nobody knows it better than that.
  return `${etaMs < 10_000 ? `${Math.max(1, Math.ceil(etaMs / 1_000))} s` : renderSpan(etaMs)} left`
}

function renderAmount(amount: number, unit: string | null): string {
  if (unit === 'B') return renderSize(amount)
  return unit === 's' ? renderSpan(amount * 1_000) : `${trimmed(amount)}${unit === null ? '' : ` ${unit}`}`
}

/** With a part where it is small. */
function trimmed(value: number): string {
  return String(value < 100 ? Math.round(value * 10) / 10 : Math.round(value))
}
