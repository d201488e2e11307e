/** What the live table shows and how keys change it. Pure: `update` answers with the next state and with what is to be done. */
import type { ProcessRecord } from '../../index.ts'
import type { Key } from './keys.ts'
import type { Usage } from './usage.ts'

export type Verb = 'start' | 'stop' | 'restart'

export type View =
  | { readonly kind: 'table' }
  | { readonly kind: 'help' }
  /** `back`: so many lines from the end. */
  | { readonly kind: 'logs'; readonly id: string; readonly lines: readonly string[]; readonly back: number; readonly isOver: boolean }

export interface TopState {
  readonly records: readonly ProcessRecord[]
  /** By pid. */
  readonly usages: ReadonlyMap<number, Usage>
  readonly selected: string | null
  /** The first row shown. */
  readonly top: number
  readonly view: View
  /** The last that was done, or went wrong. */
  readonly message: { readonly text: string; readonly isError: boolean } | null
  readonly hasManager: boolean
  readonly columns: number
  readonly rows: number
  readonly nowMs: number
}

export type TopEvent =
  | { readonly type: 'records.changed'; readonly records: readonly ProcessRecord[]; readonly hasManager: boolean }
  | { readonly type: 'time.passed'; readonly nowMs: number; readonly usages: ReadonlyMap<number, Usage> }
  | { readonly type: 'terminal.resized'; readonly columns: number; readonly rows: number }
  | { readonly type: 'key.pressed'; readonly key: Key }
  | { readonly type: 'lines.printed'; readonly id: string; readonly lines: readonly string[] }
  | { readonly type: 'logs.ended'; readonly id: string }
  | { readonly type: 'message'; readonly text: string; readonly isError: boolean }

export type TopEffect =
  | { readonly type: 'quit' }
  | { readonly type: 'act'; readonly verb: Verb; readonly id: string }
  | { readonly type: 'open-logs'; readonly id: string; readonly tail: number }
  | { readonly type: 'close-logs' }

export interface Step {
  readonly state: TopState
  readonly effects: readonly TopEffect[]
}

const KEPT_LINES = 2_000
/** Head, column titles, and the line at the bottom. */
const FRAME_ROWS = 3

export function initialState(size: Pick<TopState, 'columns' | 'rows' | 'nowMs'>): TopState {
  return { records: [], usages: new Map(), selected: null, top: 0, view: { kind: 'table' }, message: null, hasManager: false, ...size }
}

/** So many processes, or lines, are shown at once. */
export function bodyRows({ rows, view }: Pick<TopState, 'rows' | 'view'>): number {
  return Math.max(1, rows - (view.kind === 'table' ? FRAME_ROWS : FRAME_ROWS - 1))
}

export function update(state: TopState, event: TopEvent): Step {
  switch (event.type) {
    case 'records.changed':
      return takeRecords(state, event.records, event.hasManager)
    case 'time.passed':
      return only({ ...state, nowMs: event.nowMs, usages: event.usages })
    case 'terminal.resized':
      return only(inSight({ ...state, columns: event.columns, rows: event.rows }))
    case 'key.pressed':
      return press(state, event.key)
    case 'lines.printed':
      return only(takeLines(state, event.id, event.lines))
    case 'logs.ended':
      return only(state.view.kind === 'logs' && state.view.id === event.id ? { ...state, view: { ...state.view, isOver: true } } : state)
    case 'message':
      return only({ ...state, message: { text: event.text, isError: event.isError } })
  }
}

/** A selected one that is gone leaves the selection to its neighbour. Logs that had ended go on with the next run. */
function takeRecords(state: TopState, records: readonly ProcessRecord[], hasManager: boolean): Step {
  const index = indexOfSelected(state)
  const selected = records.some(({ id }) => id === state.selected) ? state.selected : (records[Math.min(index, records.length - 1)]?.id ?? null)
  const next = inSight({ ...state, records, selected, hasManager })
  const { view } = next
  if (view.kind !== 'logs' || !view.isOver || records.find(({ id }) => id === view.id)?.pid == null) return only(next)
  return { state: { ...next, view: { ...view, isOver: false } }, effects: [{ type: 'open-logs', id: view.id, tail: 0 }] }
}

function takeLines(state: TopState, id: string, printed: readonly string[]): TopState {
  const { view } = state
  if (view.kind !== 'logs' || view.id !== id) return state
  const lines = [...view.lines, ...printed].slice(-KEPT_LINES)
  // Who has gone back to read goes on reading the same.
  const back = view.back === 0 ? 0 : Math.min(view.back + printed.length, lines.length)
  return { ...state, view: { ...view, lines, back } }
}

function press(state: TopState, key: Key): Step {
  if (key === 'ctrl-c') return { state, effects: [{ type: 'quit' }] }
  switch (state.view.kind) {
    case 'help':
      return only({ ...state, view: { kind: 'table' } })
    case 'logs':
      return pressInLogs(state, state.view, key)
    case 'table':
      return pressInTable({ ...state, message: null }, key)
  }
}

function pressInLogs(state: TopState, view: Extract<View, { kind: 'logs' }>, key: Key): Step {
  if (key === 'q' || key === 'escape' || key === 'l') return { state: { ...state, view: { kind: 'table' } }, effects: [{ type: 'close-logs' }] }
  const page = bodyRows(state)
  const step = stepOf(key, page, view.lines.length)
  const most = Math.max(0, view.lines.length - page)
  return only({ ...state, view: { ...view, back: Math.max(0, Math.min(most, view.back - step)) } })
}

function pressInTable(state: TopState, key: Key): Step {
  const id = state.selected
  switch (key) {
    case 'q':
      return { state, effects: [{ type: 'quit' }] }
    case '?':
    case 'h':
      return only({ ...state, view: { kind: 'help' } })
    case 'l':
    case 'enter':
      if (id === null) return only(state)
      return { state: { ...state, view: { kind: 'logs', id, lines: [], back: 0, isOver: false } }, effects: [{ type: 'open-logs', id, tail: state.rows }] }
    case 'r':
      return act(state, 'restart')
    case 's':
      return act(state, 'stop')
    case 'S':
    case 'u':
      return act(state, 'start')
    default:
      return only(select(state, indexOfSelected(state) + stepOf(key, bodyRows(state), state.records.length)))
  }
}

function act(state: TopState, verb: Verb): Step {
  if (state.selected === null) return only(state)
  return { state: { ...state, message: { text: `${verb} ${state.selected} …`, isError: false } }, effects: [{ type: 'act', verb, id: state.selected }] }
}

/** Down is more. */
function stepOf(key: Key, page: number, all: number): number {
  switch (key) {
    case 'down':
    case 'j':
      return 1
    case 'up':
    case 'k':
      return -1
    case 'page-down':
    case ' ':
      return page
    case 'page-up':
      return -page
    case 'home':
    case 'g':
      return -all
    case 'end':
    case 'G':
      return all
    default:
      return 0
  }
}

function select(state: TopState, index: number): TopState {
  const within = Math.max(0, Math.min(state.records.length - 1, index))
  return inSight({ ...state, selected: state.records[within]?.id ?? null })
}

function indexOfSelected({ records, selected }: TopState): number {
  return Math.max(
    0,
    records.findIndex(({ id }) => id === selected),
  )
}

/** Scrolls as little as shows the selected one, and no further than the last. */
function inSight(state: TopState): TopState {
  const shown = bodyRows({ rows: state.rows, view: { kind: 'table' } })
  const index = indexOfSelected(state)
  const most = Math.max(0, state.records.length - shown)
  const top = Math.max(index - shown + 1, Math.min(index, state.top, most))
  return { ...state, top: Math.max(0, top) }
}

function only(state: TopState): Step {
  return { state, effects: [] }
}
