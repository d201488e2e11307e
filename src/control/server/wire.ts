/** What a process's actor holds, as it goes out: secrets hidden, and without the answers of probes, which the record shows. */

import type { ActorSnapshot } from '../../process.ts'
import { sanitizeContext } from '../../sanitize.ts'
import type { WireSnapshot } from '../wire.ts'

export function toWire({ status, value, context, error }: ActorSnapshot): WireSnapshot {
  const probes = Object.fromEntries(Object.entries(context.probes).map(([name, probe]) => [name, { ...probe, body: null }]))
  const shown = { status, value, context: sanitizeContext({ ...context, probes }) }
  return status === 'error' ? { ...shown, error: error instanceof Error ? error.message : String(error) } : shown
}
