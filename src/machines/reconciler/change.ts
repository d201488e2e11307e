/** What differs between what is declared and what there is. */
import type { ProcessSpec } from '../../types.ts'
import { REDACTED, redactUrl } from '../process/redact.ts'
import { compareSpecs } from '../process/respec.ts'

export interface Change {
  /** As "command and env PORT have changed". */
  readonly words: string
  /** What runs is not what is declared. */
  readonly restarts: boolean
}

/** Null: nothing differs. Specs are compared once: they are the same objects until they change. */
export function changeBetween(before: ProcessSpec, after: ProcessSpec): Change | null {
  const known = memory.get(before)
  if (known?.after === after) return known.change
  const change = toChange(before, after)
  memory.set(before, { after, change })
  return change
}

const memory = new WeakMap<ProcessSpec, { readonly after: ProcessSpec; readonly change: Change | null }>()

function toChange(before: ProcessSpec, after: ProcessSpec): Change | null {
  const { changes, needsRestart } = compareSpecs(before, asHidden(before, after) as ProcessSpec)
  if (changes.length === 0) return null
  const words = `${listed(changes)} ${isOne(changes) ? 'has' : 'have'} changed`
  return { words: needsRestart ? words : `${words}; nothing is restarted for that`, restarts: needsRestart }
}

/** What is many in itself. */
const PLURALS = ['args', 'ports', 'leftovers', 'probes', 'dependencies']

function isOne(changes: readonly string[]): boolean {
  return changes.length === 1 && !changes.some((change) => PLURALS.includes(change))
}

/** Through a client the secrets of what there is are hidden: they are taken for the same as what would be hidden in the same way. Whether one has changed cannot be seen there. */
function asHidden(before: unknown, after: unknown): unknown {
  if (typeof before === 'string' && typeof after === 'string') return before === REDACTED || redactUrl(after) === before ? before : after
  if (typeof before !== 'object' || typeof after !== 'object' || before === null || after === null || Array.isArray(before) !== Array.isArray(after))
    return after
  const parts = Object.entries(after).map(
    ([name, part]) => [name, Object.hasOwn(before, name) ? asHidden(before[name as keyof typeof before], part) : part] as const,
  )
  return Array.isArray(after) ? parts.map(([, part]) => part) : Object.fromEntries(parts)
}

const MOST_LISTED = 8

function listed(parts: readonly string[]): string {
  const more = parts.length - MOST_LISTED
  if (more > 0) return `${parts.slice(0, MOST_LISTED).join(', ')} and ${more} more`
  return parts.length < 3 ? parts.join(' and ') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`
}
