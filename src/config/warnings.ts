/** What is declared and has no effect yet. */
import type { Declared } from './declared.ts'

export function warningsOf(all: readonly Declared[]): readonly string[] {
  return all.filter(({ asked }) => asked.enabled !== false).flatMap(warningsOfOne)
}

function warningsOfOne({ id, asked: { resource_limits: limits = {} } }: Declared): readonly string[] {
  const limited = Object.keys(limits)
  return limited.length === 0 ? [] : [`resource_limits of ${id} have no effect yet (${limited.join(', ')})`]
}
