/** What differs between two declarations of a process, and whether a run that is up must give way for it. Pure. */
import { outlineOf } from '../../template.ts'
import type { ProbeName, ProcessSpec } from '../../types.ts'

export interface SpecDifference {
  /** In words, as `command`, `env DATABASE_URL`, `label tier`, `restart policy`: names, never values. Empty: they are the same. */
  readonly changes: readonly string[]
  readonly needsRestart: boolean
  /** Those of the changes that need it. */
  readonly restartReasons: readonly string[]
}

type Single = Exclude<keyof ProcessSpec, 'id' | (typeof NAMED)[number]['part']>

const WORDS: Readonly<Record<Single, string>> = {
  command: 'command',
  args: 'args',
  inheritEnv: 'inherited env',
  cwd: 'cwd',
  stdin: 'stdin',
  leftovers: 'leftovers',
  ports: 'ports',
  ready: 'ready',
  health: 'health',
  startupTimeoutMs: 'startup timeout',
  restart: 'restart policy',
  breaker: 'breaker',
  stop: 'stop',
  template: 'template',
  dependsOn: 'depends on',
  origin: 'origin',
}
/** Told name by name. */
const NAMED = [
  { part: 'env', word: 'env' },
  { part: 'labels', word: 'label' },
  { part: 'meta', word: 'meta' },
] as const

/** What a keeper is told when it launches a run: nothing else can give it to a run that is up. Of `ready` only a descriptor. */
const LAUNCHED: readonly Single[] = ['command', 'args', 'inheritEnv', 'cwd', 'stdin', 'leftovers', 'ports']
const PROBES: readonly ProbeName[] = ['startup', 'liveness', 'readiness']

/**
 * Texts are compared as they are filled in: a label is nothing to the run but where a template puts it into what is launched.
 * @param before, after specs of the same process
 */
export function compareSpecs(before: ProcessSpec, after: ProcessSpec): SpecDifference {
  const outlines = [outlineOf(before), outlineOf(after)] as const
  const differs = (part: Single) => !isSame(before[part], after[part]) || isLaunchedOtherwise(part, ...outlines)
  const singles = (Object.keys(WORDS) as Single[]).filter(differs)
  const named = NAMED.flatMap(({ part, word }) => namesThatDiffer(before, after, outlines, part).map((name) => `${word} ${name}`))
  const restartReasons = [
    ...singles
      .filter((part) => isLaunchedOtherwise(part, ...outlines) && (LAUNCHED.includes(part) || isDescriptorChange(part, before, after)))
      .map((part) => WORDS[part]),
    ...differingNames(outlines[0].env, outlines[1].env).map((name) => `env ${name}`),
  ]
  return { changes: [...singles.map((part) => WORDS[part]), ...named], needsRestart: restartReasons.length > 0, restartReasons }
}

/** Probes that ask something else now, or in another way, or are there only before or only afterwards. */
export function changedProbes(before: ProcessSpec, after: ProcessSpec): readonly ProbeName[] {
  const [old, next] = [outlineOf(before).health, outlineOf(after).health]
  return PROBES.filter((name) => !isSame(old?.[name] ?? null, next?.[name] ?? null))
}

function isLaunchedOtherwise(part: Single, old: ProcessSpec, next: ProcessSpec): boolean {
  return !isSame(old[part], next[part])
}

function isDescriptorChange(part: Single, before: ProcessSpec, after: ProcessSpec): boolean {
  return part === 'ready' && (before.ready?.kind === 'notify' || after.ready?.kind === 'notify')
}

type Named = Readonly<Record<string, unknown>>

function namesThatDiffer(before: ProcessSpec, after: ProcessSpec, [old, next]: readonly [ProcessSpec, ProcessSpec], part: 'env' | 'labels' | 'meta') {
  return [...new Set([...differingNames(before[part], after[part]), ...differingNames(old[part], next[part])])]
}

function differingNames(before: Named, after: Named): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].filter((name) => !Object.hasOwn(before, name) || !Object.hasOwn(after, name) || before[name] !== after[name])
}

/** Of what JSON can hold; the order of keys says nothing. */
export function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null || Array.isArray(one) !== Array.isArray(other)) return false
  const keys = Object.keys(one)
  return keys.length === Object.keys(other).length && keys.every((key) => Object.hasOwn(other, key) && isSame((one as Named)[key], (other as Named)[key]))
}
