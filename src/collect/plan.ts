/** A target as it is declared becomes one that can be opened: everything checked, all defaults filled in. */
import { createHash } from 'node:crypto'
import { ProcmanError } from '../errors.ts'
import { isRecord, isTexts, Options, show } from '../spec/must.ts'
import type { CollectRules, LogTarget } from './contract.ts'
import { HOWS } from './plan/hows.ts'
import { isSelection, readPatterns } from './plan/selection.ts'
import { LEVELS, type LogRecord } from './record/contract.ts'
import { createRedactor } from './select/redact.ts'
import { createSelector, type Selector } from './select/selector.ts'
import type { Target } from './targets/target.ts'

export interface TargetPlan {
  /** Of its checkpoint. */
  readonly name: string
  readonly type: LogTarget['type']
  /** The same for the same declaration. */
  readonly key: string
  readonly declared: LogTarget
  readonly from: 'now' | 'beginning'
  readonly batchRecords: number
  readonly batchBytes: number
  readonly batchWaitMs: number
  readonly select: Selector
  readonly redact: ((record: LogRecord) => LogRecord) | null
  open(): Target
}

const COMMON = ['type', 'name', 'ids', 'include', 'exclude', 'level', 'redact', 'from', 'batchRecords', 'batchBytes', 'batchWaitMs'] as const
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,149}$/
const MANY = 100_000
const LONGEST_WAIT_MS = 600_000
const MIB = 1024 * 1024

/** @throws PROCMAN_INVALID_ARGUMENT with `details.problems`: all that is wrong */
export function planTargets(targets: readonly LogTarget[]): readonly TargetPlan[] {
  const problems: string[] = []
  if (!Array.isArray(targets)) problems.push(`targets must be a list, not ${show(targets)}`)
  const plans = (Array.isArray(targets) ? targets : []).flatMap((target, index) => planOne(target, `targets.${index}`, problems) ?? [])
  const named = withNames(plans, problems)
  if (problems.length > 0) throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', problems.join('; '), { details: { problems } })
  return named
}

/** @throws PROCMAN_INVALID_ARGUMENT */
export function checkRules(rules: Readonly<Record<string, CollectRules>> | undefined): void {
  const problems: string[] = []
  if (rules !== undefined && !isRecord(rules)) problems.push(`processes must be an object, not ${show(rules)}`)
  for (const [id, given] of Object.entries(isRecord(rules) ? rules : {})) {
    const options = new Options(given, `processes.${id}`, ['collect', 'level', 'parse'], problems)
    options.flag('collect', true)
    options.oneOf('level', LEVELS, 'trace')
    options.oneOf('parse', ['auto', 'json', 'logfmt', 'none'], 'auto')
  }
  if (problems.length > 0) throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', problems.join('; '), { details: { problems } })
}

type Unnamed = Omit<TargetPlan, 'name'> & { readonly name: string | undefined; readonly place: string }

function planOne(declared: LogTarget, place: string, problems: string[]): Unnamed | null {
  const type = isRecord(declared) ? declared.type : undefined
  const how = typeof type === 'string' && Object.hasOwn(HOWS, type) ? HOWS[type as LogTarget['type']] : undefined
  if (how === undefined) {
    problems.push(`${place}.type must be one of ${Object.keys(HOWS).join(', ')}, not ${show(type)}`)
    return null
  }
  const options = new Options(declared, place, [...COMMON, ...how.options], problems)
  const words = 'a name or glob of ids, { ids, labels, streams, message }, or a list of these'
  const ids = options.read('ids', 'a list of ids', isTexts, undefined)
  const include = options.read('include', words, isSelection, undefined)
  const exclude = options.read('exclude', words, isSelection, undefined)
  const level = options.oneOf('level', LEVELS, 'trace')
  const redact = readPatterns(options, 'redact')
  const isRight = problems.length === 0
  return {
    name: options.read('name', 'a name: letters, digits, ".", "_" or "-"', isName, undefined),
    type: declared.type,
    key: JSON.stringify(declared, (_, value) => (value instanceof RegExp ? String(value) : value)),
    declared,
    from: options.oneOf('from', ['now', 'beginning'], 'now'),
    batchRecords: options.whole('batchRecords', declared.type === 'http' || declared.type === 'syslog' ? 1_000 : 5_000, [1, MANY]),
    batchBytes: options.whole('batchBytes', MIB, [4_096, 64 * MIB]),
    batchWaitMs: options.number('batchWaitMs', declared.type === 'http' ? 500 : 0, [0, LONGEST_WAIT_MS], ' ms'),
    select: isRight ? createSelector({ ids, include, exclude, level }) : () => null,
    redact: createRedactor(redact),
    ...how.read(options),
  }
}

/** Its own, or one that stays the same as long as it delivers to the same place. */
function withNames(plans: readonly Unnamed[], problems: string[]): readonly TargetPlan[] {
  const taken = new Set<string>()
  for (const { name } of plans) {
    if (name === undefined) continue
    if (taken.has(name)) problems.push(`two targets are called ${show(name)}`)
    taken.add(name)
  }
  return plans.map(({ place, ...plan }) => ({ ...plan, name: plan.name ?? freeName(place === '' ? plan.type : `${plan.type}-${digestOf(place)}`, taken) }))
}

function freeName(name: string, taken: Set<string>): string {
  for (let n = 1; ; n++) {
    const found = n === 1 ? name : `${name}-${n}`
    if (taken.has(found)) continue
    taken.add(found)
    return found
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value)
}
