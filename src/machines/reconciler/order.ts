/** The order that dependencies make. Pure. */

/** @param dependenciesOf ids may be among them that are not in `ids`. @returns the ids of one cycle in order, beginning and ending with the same; null: there is none */
export function cycleIn(ids: Iterable<string>, dependenciesOf: (id: string) => readonly string[]): readonly string[] | null {
  const known = new Set(ids)
  const done = new Set<string>()
  for (const start of known) {
    const cycle = done.has(start) ? null : cycleFrom(start, (id) => dependenciesOf(id).filter((each) => known.has(each) && !done.has(each)), done)
    if (cycle !== null) return cycle
  }
  return null
}

/** Without recursion: a chain may be longer than the stack is deep. */
function cycleFrom(start: string, next: (id: string) => readonly string[], done: Set<string>): readonly string[] | null {
  const path = [start]
  const onPath = new Set(path)
  const open = [[...next(start)]]
  while (path.length > 0) {
    const id = open.at(-1)?.pop()
    if (id === undefined) {
      const left = path.pop() ?? ''
      open.pop()
      onPath.delete(left)
      done.add(left)
    } else if (onPath.has(id)) {
      return [...path.slice(path.indexOf(id)), id]
    } else if (!done.has(id)) {
      path.push(id)
      onPath.add(id)
      open.push([...next(id)])
    }
  }
  return null
}

/** By dependency: who depends on it. */
export function dependentsOf(all: Iterable<readonly [id: string, dependencies: readonly string[]]>): ReadonlyMap<string, readonly string[]> {
  const dependents = new Map<string, string[]>()
  for (const [id, dependencies] of all) {
    for (const dependency of dependencies) {
      const known = dependents.get(dependency)
      if (known === undefined) dependents.set(dependency, [id])
      else known.push(id)
    }
  }
  return dependents
}
