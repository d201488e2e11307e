/** `replicas: 4`: four of it, by number. */
import type { Declared } from './declared.ts'

export interface Replica {
  readonly id: string
  readonly env: Readonly<Record<string, string>>
}

/** Who asks for a number of them has them numbered, also when it is one. */
export function replicasOf({ id, asked: { replicas } }: Declared): readonly Replica[] {
  if (replicas === undefined) return [{ id, env: {} }]
  return Array.from({ length: replicas }, (_, index) => ({ id: `${id}-${index + 1}`, env: { PROCMAN_REPLICA: String(index + 1) } }))
}
