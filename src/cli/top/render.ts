/** The live table as lines of text, as many as the terminal has rows, none wider than it. Pure. */
import { stripVTControlCharacters } from 'node:util'
import type { ProcessRecord } from '../../index.ts'
import { type Colors, paintStatus } from '../render/colors.ts'
import { renderCellBar } from '../render/progress.ts'
import { renderSize } from '../render/size.ts'
import { renderStatus } from '../render/status.ts'
import { escapeControls, renderCommand, renderPairs, truncate } from '../render/text.ts'
import { renderSpan } from '../render/time.ts'
import { bodyRows, type TopState } from './model.ts'

interface Column {
  readonly title: string
  /** Those with the largest go first where there is no room. 0: never. */
  readonly dispensable: number
  cell(record: ProcessRecord, state: TopState): string
}

const COLUMNS: readonly Column[] = [
  { title: 'ID', dispensable: 0, cell: ({ id }) => id },
  { title: 'STATUS', dispensable: 0, cell: renderStatus },
  { title: 'PROGRESS', dispensable: 1, cell: ({ progress }) => orDash(progress, renderCellBar) },
  { title: 'PID', dispensable: 3, cell: ({ pid }) => orDash(pid, String) },
  { title: 'RUN', dispensable: 5, cell: ({ run }) => String(run) },
  { title: 'RESTARTS', dispensable: 7, cell: ({ restarts }) => String(restarts) },
  {
    title: 'UPTIME',
    dispensable: 2,
    cell: ({ pid, started_at }, { nowMs }) => orDash(pid === null ? null : started_at, (at) => renderSpan(nowMs - Date.parse(at))),
  },
  { title: 'CPU', dispensable: 4, cell: (record, state) => orDash(usageOf(record, state)?.cpuPercent, (percent) => `${Math.round(percent)} %`) },
  { title: 'MEMORY', dispensable: 4, cell: (record, state) => orDash(usageOf(record, state)?.memoryBytes, renderSize) },
  { title: 'HEALTH', dispensable: 6, cell: ({ health }) => orDash(health, ({ status }) => status) },
  { title: 'PORTS', dispensable: 6, cell: ({ ports }) => renderPairs(ports) || '-' },
]
const GAP = '  '
/** Before each row, so that the selected one is seen without colours too. */
const MARK = '> '
const NARROWEST_COMMAND = 16

const HELP = [
  '↑ ↓ j k       select          PgUp PgDn g G  further',
  'l, Enter      its output, as it comes; q goes back',
  'r             restart it: stop what is up, start the next run',
  's             stop it with all its descendants',
  'S, u          start it, if it is down',
  '?             this; any key goes back',
  'q, Ctrl-C     leave; everything goes on',
  '',
  'CPU and MEMORY are those of the main process alone.',
]

export function renderTop(state: TopState, colors: Colors): readonly string[] {
  const body = bodyOf(state, colors)
  const room = state.rows - 2
  const filled = [...body.slice(0, room), ...Array.from({ length: Math.max(0, room - body.length) }, () => '')]
  return [renderHead(state, colors), ...filled, renderFoot(state, colors)]
}

function bodyOf(state: TopState, colors: Colors): readonly string[] {
  const { view } = state
  switch (view.kind) {
    case 'help':
      return HELP.map((line) => truncate(line, state.columns))
    case 'logs':
      return logLines(view.lines, view.back, state)
    case 'table':
      return tableLines(state, colors)
  }
}

function logLines(lines: readonly string[], back: number, state: TopState): readonly string[] {
  const end = lines.length - back
  const shown = lines.slice(Math.max(0, end - bodyRows(state)), end)
  // Their colours are left out: one that is not ended would go on over our own text.
  return shown.map((line) => truncate(escapeControls(stripVTControlCharacters(line).replaceAll('\t', '    ')), state.columns))
}

function tableLines(state: TopState, colors: Colors): readonly string[] {
  const shown = state.records.slice(state.top, state.top + bodyRows(state))
  const rows = shown.map((record) => ({ record, cells: COLUMNS.map((column) => escapeControls(column.cell(record, state))) }))
  const widths = COLUMNS.map(({ title }, index) => Math.max(title.length, ...rows.map(({ cells }) => cells[index]?.length ?? 0)))
  const kept = columnsThatFit(widths, state.columns, (title) => title !== 'PROGRESS' || rows.some(({ record }) => record.progress !== null))
  const commandWidth = state.columns - widthOf(kept, widths)
  const toLine = (mark: string, cells: readonly string[], command: string) =>
    truncate(
      mark + kept.map((index) => `${(cells[index] ?? '').padEnd(widths[index] ?? 0)}${GAP}`).join('') + truncate(command, Math.max(0, commandWidth)),
      state.columns,
    )
  const titles = COLUMNS.map(({ title }) => title)
  return [
    colors.bold(toLine(' '.repeat(MARK.length), titles, 'COMMAND')),
    ...rows.map(({ record, cells }) => {
      const isSelected = record.id === state.selected
      const line = toLine(isSelected ? MARK : ' '.repeat(MARK.length), cells, renderCommand(record.command, record.args))
      return isSelected ? colors.inverse(line.padEnd(state.columns)) : paintCell(line, record, cells[1] ?? '', colors)
    }),
  ]
}

function paintCell(line: string, record: ProcessRecord, status: string, colors: Colors): string {
  const at = line.indexOf(status, MARK.length + record.id.length)
  return at < 0 ? line : line.slice(0, at) + paintStatus(colors, record, status) + line.slice(at + status.length)
}

function columnsThatFit(widths: readonly number[], columns: number, isWanted: (title: string) => boolean): readonly number[] {
  let kept = COLUMNS.flatMap(({ title }, index) => (isWanted(title) ? [index] : []))
  for (let rank = Math.max(...COLUMNS.map(({ dispensable }) => dispensable)); rank > 0; rank--) {
    if (widthOf(kept, widths) + NARROWEST_COMMAND <= columns) return kept
    kept = kept.filter((index) => COLUMNS[index]?.dispensable !== rank)
  }
  return kept
}

function widthOf(kept: readonly number[], widths: readonly number[]): number {
  return kept.reduce((sum, index) => sum + (widths[index] ?? 0) + GAP.length, MARK.length)
}

function renderHead(state: TopState, colors: Colors): string {
  const { view, records, hasManager } = state
  if (view.kind === 'help') return colors.bold(truncate('procman top: keys', state.columns))
  if (view.kind === 'logs')
    return colors.bold(
      truncate(`output of ${view.id}${view.isOver ? ' (it has ended)' : ''}${view.back > 0 ? ` (${view.back} lines from the end)` : ''}`, state.columns),
    )
  const up = records.filter(({ pid }) => pid !== null).length
  const bad = records.filter(({ state: each, status }) => each === 'unhealthy' || status === 'failed' || status === 'orphaned').length
  const manager = hasManager ? '' : '; no manager serves here'
  return truncate(`procman: ${records.length} processes, ${up} up, ${bad} failed or unhealthy${manager}`, state.columns)
}

function renderFoot({ view, message, columns }: TopState, colors: Colors): string {
  if (view.kind === 'table' && message !== null) {
    const text = truncate(escapeControls(message.text), columns)
    return message.isError ? colors.red(text) : text
  }
  return colors.dim(
    truncate(view.kind === 'logs' ? 'q back   ↑ ↓ scroll   G end' : '↑ ↓ select   l logs   r restart   s stop   u start   ? help   q quit', columns),
  )
}

function usageOf({ pid }: ProcessRecord, { usages }: TopState) {
  return pid === null ? undefined : usages.get(pid)
}

function orDash<T>(value: T | null | undefined, render: (value: T) => string): string {
  return value === null || value === undefined ? '-' : render(value)
}
