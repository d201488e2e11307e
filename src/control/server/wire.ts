/** What a process's actor holds, as it goes out: secrets hidden, and without the answers of probes, which the record shows. */
import type { Supervisor } from '../../api.ts'
import { isProcmanError } from '../../errors.ts'
import type { ActorSnapshot } from '../../process.ts'
import { sanitizeContext } from '../../sanitize.ts'
import { type ErrorBody, toErrorBody } from '../errors.ts'
import type { WireSnapshot, WireTroubles } from '../wire.ts'

export function toWire({ status, value, context, error }: ActorSnapshot): WireSnapshot {
  const probes = Object.fromEntries(Object.entries(context.probes).map(([name, probe]) => [name, { ...probe, body: null }]))
  const shown = { status, value, context: sanitizeContext({ ...context, probes }) }
  return status === 'error' ? { ...shown, error: error instanceof Error ? error.message : String(error) } : shown
}

/** Each process that cannot be read has its problem. */
export function troublesOf(supervisor: Supervisor): WireTroubles {
  const { problems } = supervisor
  const ids = new Set(problems.flatMap(({ id }) => id ?? []))
  return { problems, unreadable: [...ids].flatMap((id) => whyUnreadable(supervisor, id) ?? []) }
}

function whyUnreadable(supervisor: Supervisor, id: string): ErrorBody | null {
  try {
    supervisor.ref(id)
    return null
  } catch (error) {
    return isProcmanError(error) && error.code === 'PROCMAN_PROCESS_UNREADABLE' && error.details.id === id ? toErrorBody(error) : null
  }
}
