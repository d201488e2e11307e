/** What a process waits for. */
import { ID_PATTERN } from '../persistence/spec-shape.ts'
import type { DependencyCondition, ProcessSpec } from '../types.ts'
import { type Options, show } from './must.ts'

const CONDITIONS: readonly DependencyCondition[] = ['started', 'healthy', 'completed-successfully']

/** Reads `dependsOn`. @param ownId nobody can wait for himself */
export function parseDependencies(options: Options, ownId: string): ProcessSpec['dependsOn'] {
  const found: [string, DependencyCondition][] = []
  const place = options.placeOf('dependsOn')
  for (const [id, given] of Object.entries(options.texts('dependsOn'))) {
    const condition = CONDITIONS.find((each) => each === given)
    if (!ID_PATTERN.test(id)) options.problems.push(`${place}: ${show(id)} is not an id of a process`)
    if (id === ownId) options.problems.push(`${place}: ${show(id)} is the process itself`)
    if (condition === undefined) options.problems.push(`${place}.${id} must be one of ${CONDITIONS.join(', ')}, not ${show(given)}`)
    else found.push([id, condition])
  }
  return Object.fromEntries(found)
}
