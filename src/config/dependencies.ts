/** Who is started after whom. */
import { suggest } from '../suggest.ts'
import type { DependencyCondition } from '../types.ts'
import type { Declared } from './declared.ts'
import type { Path, Problems } from './problems.ts'
import { replicasOf } from './replicas.ts'
import { quote } from './schema/leaf.ts'

interface Dependency {
  readonly name: string
  readonly condition: DependencyCondition
  readonly path: Path
}

/** Adds what is wrong with them, circles included. @param all those that are not enabled, too */
export function checkDependencies(all: readonly Declared[], problems: Problems): void {
  const byId = new Map(all.map((declared) => [declared.id, declared]))
  for (const declared of all) for (const dependency of dependenciesOf(declared)) checkDependency(declared, dependency, byId, problems)
  for (const circle of circlesIn(all)) {
    const [first] = circle
    const path = first === undefined ? [] : (byId.get(first)?.pathOf('depends_on') ?? [])
    problems.add(path, `is a circle, in which each waits for the next: ${[...circle, first].join(' → ')}`)
  }
}

/** By id: on a name with replicas, on all of them. */
export function resolveDependencies(declared: Declared, byId: ReadonlyMap<string, Declared>): Readonly<Record<string, DependencyCondition>> {
  return Object.fromEntries(
    dependenciesOf(declared).flatMap(({ name, condition }) => {
      const other = byId.get(name)
      return other === undefined ? [] : replicasOf(other).map(({ id }) => [id, condition] as const)
    }),
  )
}

function dependenciesOf({ asked: { depends_on: given = [] }, pathOf }: Declared): readonly Dependency[] {
  const path = pathOf('depends_on')
  if (Array.isArray(given)) return given.map((name, index) => ({ name, condition: 'started', path: [...path, index] }))
  return Object.entries(given).map(([name, asked]) => {
    const condition = typeof asked === 'string' ? asked : asked.condition
    return { name, condition: condition === 'completed_successfully' ? 'completed-successfully' : condition, path: [...path, name] }
  })
}

function checkDependency(declared: Declared, { name, path, condition }: Dependency, byId: ReadonlyMap<string, Declared>, problems: Problems): void {
  const other = byId.get(name)
  const complain = (message: string) => problems.add(path, message, typeof path.at(-1) === 'string' ? 'key' : 'value')
  if (name === declared.id) complain('is the process itself')
  else if (other === undefined) {
    const near = suggest(name, [...byId.keys()])[0]
    complain(`there is no process ${quote(name)} in this file${near === undefined ? '' : `; did you mean ${quote(near)}?`}`)
  } else if (other.asked.enabled === false && declared.asked.enabled !== false) complain(`${name} is not enabled, so that ${declared.id} would wait for ever`)
  else if (condition === 'completed-successfully' && isEndless(other)) complain(`${name} is always restarted, so that it never completes`)
}

function isEndless({ asked: { restart } }: Declared): boolean {
  const strategy = typeof restart === 'object' ? restart.strategy : restart
  return strategy === 'always' || strategy === 'unless_stopped'
}

/** Each circle once. Not recursive: a chain may be as long as the file. */
function circlesIn(all: readonly Declared[]): readonly (readonly string[])[] {
  const names = new Map(
    all.map((declared) => [
      declared.id,
      dependenciesOf(declared)
        .map(({ name }) => name)
        .filter((name) => name !== declared.id),
    ]),
  )
  const circles: string[][] = []
  const done = new Set<string>()
  for (const start of names.keys()) {
    const trail: { readonly id: string; readonly rest: string[] }[] = []
    const enter = (id: string) => trail.push({ id, rest: [...(names.get(id) ?? [])] })
    if (!done.has(start)) enter(start)
    while (trail.length > 0) {
      const top = trail.at(-1)
      const next = top?.rest.shift()
      if (top === undefined || next === undefined) {
        if (top !== undefined) done.add(top.id)
        trail.pop()
        continue
      }
      const at = trail.findIndex(({ id }) => id === next)
      if (at >= 0) circles.push(trail.slice(at).map(({ id }) => id))
      else if (!done.has(next) && names.has(next)) enter(next)
    }
  }
  return circles
}
