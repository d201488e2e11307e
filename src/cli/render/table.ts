/** The table of `list` and `refresh`: one process a line, no borders. */
import Table from 'cli-table3'
import type { ProcessRecord } from '../../machines/process/record.ts'
import type { Io } from '../io.ts'
import { colorsFor, paintStatus } from './colors.ts'
import { renderStatus } from './status.ts'
import { escapeControls, renderCommand, truncate } from './text.ts'
import { renderAgo, renderSpan } from './time.ts'

const HEAD = ['ID', 'STATUS', 'PID', 'RUN', 'STARTED', 'TOOK', 'COMMAND']
const GAP = 2
const NARROWEST_COMMAND = 20
const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
}

/** Commands are cut to the width of a terminal, and nowhere else. No process: the head alone. */
export function renderTable(records: readonly ProcessRecord[], io: Pick<Io, 'env' | 'stdout' | 'nowMs'>): string {
  const colors = colorsFor(io)
  const nowMs = io.nowMs()
  const rows = records.map((record) => toCells(record, nowMs))
  const commandWidth = widthLeft(rows, io.stdout.isTTY === true ? io.stdout.columns : undefined)
  const table = new Table({ chars: NO_LINES, style: { 'padding-left': 0, 'padding-right': GAP, head: [], border: [] } })
  table.push(HEAD.map((title) => colors.bold(title)))
  records.forEach((record, index) => {
    const cells = [...(rows[index] ?? [])]
    cells[1] = paintStatus(colors, record.status, cells[1] ?? '')
    cells[cells.length - 1] = truncate(cells.at(-1) ?? '', commandWidth)
    table.push(cells)
  })
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`
}

function toCells(record: ProcessRecord, nowMs: number): readonly string[] {
  return [
    record.id,
    renderStatus(record),
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

function widthLeft(rows: readonly (readonly string[])[], columns: number | undefined): number {
  if (columns === undefined || columns === 0) return Number.POSITIVE_INFINITY
  const others = HEAD.slice(0, -1).map((title, column) => Math.max(title.length, ...rows.map((cells) => cells[column]?.length ?? 0)) + GAP)
  return Math.max(NARROWEST_COMMAND, columns - others.reduce((sum, width) => sum + width, 0))
}
