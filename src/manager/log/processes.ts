/** Processes to log: what they emit becomes events of the log. */
import type { Supervisor } from '../../api.ts'
import type { SupervisorEmitted } from '../../index.ts'
import type { ManagerEvent } from './events.ts'

/** Tells of every process from now on. @returns ends it */
export function logProcesses(supervisor: Supervisor, write: (event: ManagerEvent) => void): () => void {
  const subscription = supervisor.actor.on('*', (emitted) => {
    const event = toEvent(supervisor, emitted)
    if (event !== null) write(event)
  })
  return () => subscription.unsubscribe()
}

function toEvent(supervisor: Supervisor, emitted: SupervisorEmitted): ManagerEvent | null {
  switch (emitted.type) {
    case 'process.started':
      return { event: 'process.started', id: emitted.id, run: emitted.run, pid: emitted.pid, ports: contextOf(supervisor, emitted.id)?.ports ?? {} }
    case 'process.ready':
      return { event: 'process.ready', id: emitted.id, run: emitted.run }
    case 'process.unhealthy':
      return { event: 'process.unhealthy', id: emitted.id, run: emitted.run, reason: emitted.reason }
    case 'process.exited':
      return toExited(supervisor, emitted)
    case 'process.backing-off':
      return {
        event: 'process.restarting',
        id: emitted.id,
        run: emitted.run,
        retry_at: new Date(emitted.retryAtMs).toISOString(),
        reason: emitted.reason,
      }
    case 'process.gave-up':
      return { event: 'process.gave-up', id: emitted.id, run: emitted.run, reason: emitted.reason }
    case 'process.settled':
      return toSettled(supervisor, emitted)
    case 'process.damaged':
      return { event: 'error', id: emitted.id, reason: emitted.message }
    default:
      // Signals that were delivered, and what later versions may emit.
      return null
  }
}

type Emitted<T extends SupervisorEmitted['type']> = Extract<SupervisorEmitted, { type: T }>

function toExited(supervisor: Supervisor, { id, run, outcome }: Emitted<'process.exited'>): ManagerEvent {
  const code = outcome.kind === 'code' ? outcome.code : null
  const signal = outcome.kind === 'signal' ? outcome.signal : null
  return { event: 'process.exited', id, run, code, signal, reason: code === null && signal === null ? errorOf(supervisor, id) : null }
}

/** How its run ended was told before; what is new is that a user wanted it so, or that nobody can know. */
function toSettled(supervisor: Supervisor, { id, state }: Emitted<'process.settled'>): ManagerEvent | null {
  const context = contextOf(supervisor, id)
  const run = context?.run ?? 0
  if (state === 'orphaned') return { event: 'process.orphaned', id, run }
  return context?.cancelled === true ? { event: 'process.stopped', id, run } : null
}

function errorOf(supervisor: Supervisor, id: string): string | null {
  try {
    return supervisor.get(id).error
  } catch {
    return null
  }
}

/** Null for one that is being removed. */
function contextOf(supervisor: Supervisor, id: string) {
  try {
    return supervisor.ref(id).getSnapshot().context
  } catch {
    return null
  }
}
