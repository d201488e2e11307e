/** A plan, or what was done of it, for people: a line for each process, and a sentence. */
import type { PlanLine } from '../../manager/contract.ts'
import type { Colors } from './colors.ts'
import { escapeControls } from './text.ts'

type Action = PlanLine['action']

const SIGNS: Readonly<Record<Action, string>> = { start: '+', create: '+', restart: '~', update: '·', stop: '-', remove: '-', keep: '=' }

const PLANNED: Readonly<Record<Action, string>> = {
  start: 'to start',
  create: 'to create',
  restart: 'to restart',
  update: 'to update',
  stop: 'to stop',
  remove: 'to remove',
  keep: 'to keep as they are',
}

const DONE: Readonly<Record<Action, string>> = {
  start: 'started',
  create: 'created',
  restart: 'restarted',
  update: 'updated',
  stop: 'stopped',
  remove: 'removed',
  keep: 'unchanged',
}

/** `+ api       start    is not there`. No lines: nothing. */
export function renderPlanLines(lines: readonly PlanLine[], colors: Colors): string {
  const idWidth = Math.max(0, ...lines.map(({ id }) => id.length))
  const actionWidth = Math.max(0, ...lines.map(({ action }) => action.length))
  return lines
    .map(({ id, action, reason }) => {
      const text = `${SIGNS[action]} ${id.padEnd(idWidth)}  ${action.padEnd(actionWidth)}  ${escapeControls(reason)}`
      return `${paint(colors, action, text.trimEnd())}\n`
    })
    .join('')
}

/** As `2 to start, 1 to remove`. @param isDone it was done, rather than planned */
export function renderSummary(lines: readonly PlanLine[], isDone: boolean): string {
  const words = isDone ? DONE : PLANNED
  const counts = new Map<Action, number>()
  for (const { action } of lines) counts.set(action, (counts.get(action) ?? 0) + 1)
  if ([...counts.keys()].every((action) => action === 'keep')) return counts.size === 0 ? 'nothing to do' : `nothing to do: ${counts.get('keep')} as declared`
  return (Object.keys(words) as Action[]).flatMap((action) => (counts.has(action) ? [`${counts.get(action)} ${words[action]}`] : [])).join(', ')
}

function paint(colors: Colors, action: Action, text: string): string {
  switch (action) {
    case 'start':
    case 'create':
      return colors.green(text)
    case 'restart':
    case 'update':
      return colors.yellow(text)
    case 'stop':
    case 'remove':
      return colors.red(text)
    case 'keep':
      return colors.dim(text)
  }
}
