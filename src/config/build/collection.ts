/** What is collected, and where it goes. */
import { resolve } from 'node:path'
import type * as z from 'zod'
import type { CollectOptions, CollectRules, LogTarget, RecordSelector, Selection } from '../../collect/contract.ts'
import type { Declared } from '../declared.ts'
import type { Path, Problems } from '../problems.ts'
import { replicasOf } from '../replicas.ts'
import type { logCollection } from '../schema/collection.ts'
import { quote } from '../schema/leaf.ts'
import { withoutUndefined } from '../without-undefined.ts'

type Asked = z.output<typeof logCollection>
type TargetAsked = NonNullable<Asked['targets']>[number]
type SelectionAsked = NonNullable<TargetAsked['include']>
type SelectorAsked = Exclude<SelectionAsked, string | readonly unknown[]>

/** Which keys are of one type alone, and which of them it needs. */
const OWN: Readonly<Record<string, readonly (keyof TargetAsked)[]>> = {
  file: ['path', 'max_size', 'max_files'],
  syslog: ['address', 'facility', 'app_name', 'hostname'],
  http: ['url', 'preset', 'headers', 'labels', 'timeout'],
}
const NEEDED: Readonly<Record<string, readonly [key: keyof TargetAsked, what: string]>> = {
  file: ['path', 'the path of the file'],
  http: ['url', 'the url that batches are posted to'],
}

/** @param all with those that are not enabled, whose targets are checked */
export function toCollection(asked: Asked | undefined, all: readonly Declared[], dir: string, problems: Problems): CollectOptions {
  const build = (targets: readonly TargetAsked[] | undefined, path: Path, more: (target: TargetAsked) => Pick<LogTarget, 'name' | 'ids'> = () => ({})) =>
    (targets ?? []).map((target, index) => toTarget(target, more(target), { dir, path: [...path, index], problems }))
  const global = asked?.global_aggregation
  const ofAll = build(asked?.targets, ['log_collection', 'targets'])
  const together = build(global?.targets, ['log_collection', 'global_aggregation', 'targets'])
  const ofOne = all.flatMap((declared) => {
    const built = build(declared.asked.logging?.targets, declared.pathOf('logging', 'targets'), namesOf(declared))
    return declared.asked.enabled === false ? [] : built
  })
  checkNames(asked, all, problems)
  if (asked?.enabled === false) return { targets: [], processes: {} }
  return { targets: [...ofAll, ...(global?.enabled === false ? [] : together), ...ofOne], processes: Object.fromEntries(all.flatMap(rulesOf)) }
}

/** Names that are given are of one target each. */
function checkNames(asked: Asked | undefined, all: readonly Declared[], problems: Problems): void {
  const lists: readonly (readonly [readonly TargetAsked[] | undefined, Path])[] = [
    [asked?.targets, ['log_collection', 'targets']],
    [asked?.global_aggregation?.targets, ['log_collection', 'global_aggregation', 'targets']],
    ...all.map(({ asked: { logging }, pathOf }) => [logging?.targets, pathOf('logging', 'targets')] as const),
  ]
  const taken = new Set<string>()
  for (const [targets = [], path] of lists)
    for (const [index, { name }] of targets.entries()) {
      if (name === undefined) continue
      if (taken.has(name)) problems.add([...path, index, 'name'], `there is another target ${quote(name)}`)
      taken.add(name)
    }
}

/** A target of one process is called after it: what it delivers to may be the same for several. */
function namesOf(declared: Declared): (target: TargetAsked) => Pick<LogTarget, 'name' | 'ids'> {
  const count = new Map<string, number>()
  const ids = replicasOf(declared).map(({ id }) => id)
  return ({ type, name }) => {
    const n = (count.get(type) ?? 0) + 1
    count.set(type, n)
    return { ids, name: name ?? `${declared.id}-${type}${n === 1 ? '' : `-${n}`}` }
  }
}

function rulesOf(declared: Declared): readonly (readonly [string, CollectRules])[] {
  const { collect, level, parse } = declared.asked.logging ?? {}
  const rules = withoutUndefined({ collect, level, parse })
  return Object.keys(rules).length === 0 ? [] : replicasOf(declared).map(({ id }) => [id, rules] as const)
}

interface Place {
  readonly dir: string
  readonly path: Path
  readonly problems: Problems
}

function toTarget(asked: TargetAsked, more: Pick<LogTarget, 'name' | 'ids'>, { dir, path, problems }: Place): LogTarget {
  const [needed, what] = NEEDED[asked.type] ?? []
  if (needed !== undefined && asked[needed] === undefined) problems.add(path, `must have ${what}`)
  for (const [type, keys] of Object.entries(OWN))
    for (const key of keys)
      if (type !== asked.type && asked[key] !== undefined) problems.add([...path, key], `is of targets of type ${type}, not ${asked.type}`, 'key')
  const common = {
    ...more,
    name: more.name ?? asked.name,
    format: asked.format,
    include: asked.include && toSelection(asked.include),
    exclude: asked.exclude && toSelection(asked.exclude),
    level: asked.level,
    redact: asked.redact,
    from: asked.from,
    batchRecords: asked.batch_size,
    batchBytes: asked.batch_bytes,
    batchWaitMs: asked.batch_wait,
  }
  return withoutUndefined({ ...common, ...ownOf(asked, dir) }) as LogTarget
}

function ownOf(asked: TargetAsked, dir: string): object {
  switch (asked.type) {
    case 'file':
      return { type: asked.type, path: resolve(dir, asked.path ?? ''), maxSizeBytes: asked.max_size, maxFiles: asked.max_files }
    case 'syslog':
      return { type: asked.type, address: asked.address, facility: asked.facility, appName: asked.app_name, hostname: asked.hostname }
    case 'http':
      return { type: asked.type, url: asked.url, preset: asked.preset, headers: asked.headers, labels: asked.labels, timeoutMs: asked.timeout }
    case 'stdout':
    case 'stderr':
    case 'process_manager_stdout':
    case 'process_manager_stderr':
      return { type: asked.type }
  }
}

function toSelection(asked: SelectionAsked): Selection {
  if (typeof asked === 'string') return asked
  return Array.isArray(asked) ? asked.map((one) => (typeof one === 'string' ? one : toSelector(one))) : toSelector(asked as SelectorAsked)
}

function toSelector({ labels, ...rest }: SelectorAsked): RecordSelector {
  const wanted = labels && Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, typeof value === 'string' ? value : { in: value }]))
  return withoutUndefined({ ...rest, labels: wanted }) as RecordSelector
}
