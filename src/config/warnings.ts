/** What is declared and has no effect yet. */
import type { Declared } from './declared.ts'
import type { ConfigAsked } from './schema.ts'

export function warningsOf(config: ConfigAsked, all: readonly Declared[]): readonly string[] {
  const enabled = all.filter(({ asked }) => asked.enabled !== false)
  const collection = config.log_collection !== undefined && config.log_collection.enabled !== false
  return [...enabled.flatMap(warningsOfOne), ...(collection ? ['log_collection has no effect yet: each process has its own logs, see procman logs'] : [])]
}

function warningsOfOne({ id, asked: { resource_limits: limits = {} } }: Declared): readonly string[] {
  const limited = Object.keys(limits)
  return limited.length === 0 ? [] : [`resource_limits of ${id} have no effect yet (${limited.join(', ')})`]
}
