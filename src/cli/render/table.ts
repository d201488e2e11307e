/** The table of `list` and `refresh`: one process a line, no borders. */
import type { ProcessRecord } from '../../index.ts'
import type { Io } from '../io.ts'
import { type Colors, paintStatus } from './colors.ts'
import { renderPercent } from './progress.ts'
import { renderStatus } from './status.ts'
import { escapeControls, renderCommand, truncate } from './text.ts'
import { renderAgo, renderSpan } from './time.ts'

const HEAD = ['ID', 'STATUS', 'PID', 'RUN', 'STARTED', 'TOOK', 'COMMAND'] as const
/** Where somebody says how far it is. */
const HEAD_WITH_PROGRESS = ['ID', 'STATUS', 'PROGRESS', 'PID', 'RUN', 'STARTED', 'TOOK', 'COMMAND'] as const
const STATUS_COLUMN = 1
const GAP = '  '
const NARROWEST_COMMAND = 20

/**
 * Commands are cut to the width of a terminal, and nowhere else. No process: the head alone.
 *
 * Laid out by hand: cli-table3 takes 40 ms for 100 processes, a third of what `list` takes in all. All columns but the last are plain ASCII, so
 * lengths are widths.
 */
export function renderTable(records: readonly ProcessRecord[], io: Pick<Io, 'stdout' | 'nowMs'>, colors: Colors): string {
  const nowMs = io.nowMs()
  const hasProgress = records.some(({ progress }) => progress !== null)
  const titles = hasProgress ? HEAD_WITH_PROGRESS : HEAD
  const rows = records.map((record) => ({ record, cells: toCells(record, hasProgress, nowMs) }))
  const widths = titles.map((title, column) => Math.max(title.length, ...rows.map(({ cells }) => cells[column]?.length ?? 0)))
  const commandWidth = widthLeft(widths, io.stdout.isTTY === true ? io.stdout.columns : undefined)
  const toLine = (cells: readonly string[], paint: (text: string, column: number) => string) =>
    `${cells
      .map((text, column) =>
        column === titles.length - 1 ? paint(truncate(text, commandWidth), column) : paint(text, column) + ' '.repeat((widths[column] ?? 0) - text.length),
      )
      .join(GAP)}\n`
  const head = toLine(titles, (text) => colors.bold(text))
  return head + rows.map(({ record, cells }) => toLine(cells, (text, column) => (column === STATUS_COLUMN ? paintStatus(colors, record, text) : text))).join('')
}

function toCells(record: ProcessRecord, hasProgress: boolean, nowMs: number): readonly string[] {
  return [
    record.id,
    renderStatus(record),
    ...(hasProgress ? [record.progress === null ? '-' : renderPercent(record.progress)] : []),
    record.pid === null ? '-' : String(record.pid),
    String(record.run),
    record.started_at === null ? '-' : renderAgo(record.started_at, nowMs),
    renderTook(record, nowMs),
    renderCommand(record.command, record.args),
  ].map(escapeControls)
}

function renderTook(record: ProcessRecord, nowMs: number): string {
  if (record.started_at === null) return '-'
  if (record.completed_at === null && record.pid === null) return '-'
  const endMs = record.completed_at === null ? nowMs : Date.parse(record.completed_at)
  return renderSpan(endMs - Date.parse(record.started_at))
}

function widthLeft(widths: readonly number[], columns: number | undefined): number {
  if (columns === undefined || columns === 0) return Number.POSITIVE_INFINITY
  const others = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0)
  return Math.max(NARROWEST_COMMAND, columns - others)
}
