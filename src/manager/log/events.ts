/** What a manager tells in its log: stable names and fields for programs, a sentence for people. docs/daemon.md has the same table. */
import type { LogLevel } from '../../config/contract.ts'

export type ManagerEvent =
  | {
      readonly event: 'manager.started'
      readonly pid: number
      readonly version: string
      readonly kind: string
      readonly state_dir: string
      readonly config: string | null
      readonly listen: string | null
      /** How many there are. */
      readonly processes: number
    }
  | { readonly event: 'manager.stopping'; readonly pid: number; readonly reason: string }
  | { readonly event: 'manager.stopped'; readonly pid: number }
  | { readonly event: 'manager.log-level'; readonly level_now: LogLevel }
  | {
      readonly event: 'list.updated'
      readonly config: string | null
      readonly started: readonly string[]
      readonly created: readonly string[]
      readonly restarted: readonly string[]
      readonly updated: readonly string[]
      readonly stopped: readonly string[]
      readonly removed: readonly string[]
      readonly failed: readonly string[]
    }
  | { readonly event: 'config.invalid'; readonly config: string | null; readonly code: string; readonly reason: string }
  | { readonly event: 'config.warning'; readonly config: string; readonly reason: string }
  | { readonly event: 'process.started'; readonly id: string; readonly run: number; readonly pid: number; readonly ports: Readonly<Record<string, number>> }
  | { readonly event: 'process.ready'; readonly id: string; readonly run: number }
  | { readonly event: 'process.unhealthy'; readonly id: string; readonly run: number; readonly reason: string }
  | {
      readonly event: 'process.exited'
      readonly id: string
      readonly run: number
      readonly code: number | null
      readonly signal: string | null
      readonly reason: string | null
    }
  | { readonly event: 'process.restarting'; readonly id: string; readonly run: number; readonly retry_at: string; readonly reason: string }
  | { readonly event: 'process.gave-up'; readonly id: string; readonly run: number; readonly reason: string }
  | { readonly event: 'process.stopped'; readonly id: string; readonly run: number }
  | { readonly event: 'process.orphaned'; readonly id: string; readonly run: number }
  | { readonly event: 'process.failed'; readonly id: string; readonly code: string; readonly reason: string }
  | { readonly event: 'target.failing'; readonly target: string; readonly reason: string }
  | { readonly event: 'target.recovered'; readonly target: string }
  | { readonly event: 'target.refused'; readonly target: string; readonly records: number; readonly reason: string }
  | { readonly event: 'error'; readonly id: string | null; readonly reason: string }

type EventName = ManagerEvent['event']

export const EVENT_LEVELS: Readonly<Record<EventName, Exclude<LogLevel, 'silent'>>> = {
  'manager.started': 'info',
  'manager.stopping': 'info',
  'manager.stopped': 'info',
  'manager.log-level': 'info',
  'list.updated': 'info',
  'config.invalid': 'error',
  'config.warning': 'warn',
  'process.started': 'info',
  'process.ready': 'info',
  'process.unhealthy': 'warn',
  'process.exited': 'info',
  'process.restarting': 'warn',
  'process.gave-up': 'error',
  'process.stopped': 'info',
  'process.orphaned': 'warn',
  'process.failed': 'error',
  'target.failing': 'warn',
  'target.recovered': 'info',
  'target.refused': 'error',
  error: 'error',
}

/** The sentence for people. */
export function describeEvent(event: ManagerEvent): string {
  switch (event.event) {
    case 'manager.started':
      return `manager ${event.version} has started (pid ${event.pid}), with ${event.processes} process${event.processes === 1 ? '' : 'es'} in ${event.state_dir}`
    case 'manager.stopping':
      return `manager stops: ${event.reason}`
    case 'manager.stopped':
      return 'manager has stopped'
    case 'manager.log-level':
      return `log level is ${event.level_now} now`
    case 'list.updated':
      return `processes are brought in line with ${event.config ?? 'what is declared'}: ${describeChanges(event)}`
    case 'config.invalid':
      return `nothing is changed: ${event.reason}`
    case 'config.warning':
      return event.reason
    case 'process.started':
      return `${event.id} has started (run ${event.run}, pid ${event.pid}${describePorts(event.ports)})`
    case 'process.ready':
      return `${event.id} is ready`
    case 'process.unhealthy':
      return `${event.id} is unhealthy: ${event.reason}`
    case 'process.exited':
      return `${event.id} has ended: ${event.signal ?? (event.code === null ? (event.reason ?? 'nobody knows how') : `code ${event.code}`)}`
    case 'process.restarting':
      return `${event.id} is started again at ${event.retry_at}: ${event.reason}`
    case 'process.gave-up':
      return `${event.id} is given up: ${event.reason}`
    case 'process.stopped':
      return `${event.id} is stopped`
    case 'process.orphaned':
      return `how ${event.id} ended cannot be known`
    case 'target.failing':
      return `no output can be delivered to ${event.target} for now: ${event.reason}`
    case 'target.recovered':
      return `output is delivered to ${event.target} again`
    case 'target.refused':
      return `${event.target} has refused ${event.records} record${event.records === 1 ? '' : 's'} of output for good: ${event.reason}`
    case 'process.failed':
    case 'error':
      return event.reason
  }
}

type Changes = Extract<ManagerEvent, { event: 'list.updated' }>

function describeChanges({ started, created, restarted, updated, stopped, removed, failed }: Changes): string {
  const parts = Object.entries({ started, created, restarted, updated, stopped, removed, failed }).filter(([, ids]) => ids.length > 0)
  return parts.length === 0 ? 'nothing to do' : parts.map(([what, ids]) => `${what} ${ids.join(', ')}`).join('; ')
}

function describePorts(ports: Readonly<Record<string, number>>): string {
  return Object.entries(ports)
    .map(([name, port]) => `, ${name} ${port}`)
    .join('')
}
