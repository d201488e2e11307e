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

type Part = Exclude<keyof ProcessSpec, 'id'>

interface Difference {
  readonly part: Part
  readonly word: string
}

const WORDS: Readonly<Record<Part, string>> = {
  command: 'command',
  args: 'args',
  env: 'env',
  inheritEnv: 'inherited environment',
  cwd: 'cwd',
  stdin: 'stdin',
  leftovers: 'leftovers',
  ports: 'ports',
  ready: 'sign of readiness',
  health: 'probes',
  startupTimeoutMs: 'startup timeout',
  restart: 'restart policy',
  breaker: 'circuit breaker',
  stop: 'stop ladder',
  labels: 'label',
  meta: 'meta',
  template: 'template',
  dependsOn: 'dependencies',
  origin: 'origin',
  logs: 'logs',
  progress: 'progress',
}
const PARTS = Object.keys(WORDS) as readonly Part[]
/** What a keeper is told when it launches a run: a run that is up cannot be given it. */
const LAUNCHED: readonly Part[] = ['command', 'args', 'env', 'inheritEnv', 'cwd', 'stdin', 'leftovers', 'ports']
const PROBES: readonly ProbeName[] = ['startup', 'liveness', 'readiness']

/**
 * What decides about a restart are the texts as they are filled in: a label is nothing to a run but where a template puts it into what is launched.
 * @param before, after specs of the same process
 */
export function compareSpecs(before: ProcessSpec, after: ProcessSpec): SpecDifference {
  const filled = differences(outlineOf(before), outlineOf(after))
  const isLaunched = (part: Part) =>
    LAUNCHED.includes(part) || (part === 'ready' && hasDescriptor(before, after)) || (part === 'logs' && isCapturedElsewhere(before, after))
  const restartReasons = filled.filter(({ part }) => isLaunched(part)).map(({ word }) => word)
  const changes = [...differences(before, after), ...filled].map(({ word }) => word)
  return { changes: [...new Set(changes)], needsRestart: restartReasons.length > 0, restartReasons }
}

/** Probes that ask something else now, or in another way, or are there only before or only afterwards. */
export function changedProbes(before: ProcessSpec, after: ProcessSpec): readonly ProbeName[] {
  const [old, next] = [outlineOf(before).health, outlineOf(after).health]
  return PROBES.filter((name) => !isSame(old?.[name] ?? null, next?.[name] ?? null))
}

/** The limits of logs take effect with the next run; where its output goes is settled when a run is launched. */
function isCapturedElsewhere({ logs: before }: ProcessSpec, { logs: after }: ProcessSpec): boolean {
  return before.stdout !== after.stdout || before.stderr !== after.stderr
}

function hasDescriptor(...specs: readonly ProcessSpec[]): boolean {
  return specs.some(({ ready }) => ready?.kind === 'notify')
}

function differences(before: ProcessSpec, after: ProcessSpec): readonly Difference[] {
  return PARTS.flatMap((part): readonly Difference[] => {
    if (part === 'env' || part === 'labels' || part === 'meta')
      return differingNames(before[part], after[part]).map((name) => ({ part, word: `${WORDS[part]} ${name}` }))
    return isSame(before[part], after[part]) ? [] : [{ part, word: WORDS[part] }]
  })
}

type Named = Readonly<Record<string, unknown>>

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
