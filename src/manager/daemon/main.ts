/** The daemon: a manager in the background. A program of its own; who starts it tells it what to do, and is told when it can be reached. */
import { isProcmanError } from '../../errors.ts'
import { createLog, type ManagerLog } from '../log/log.ts'
import { fileTarget } from '../log/targets.ts'
import { type Manager, openManager } from '../manager.ts'
import type { DaemonOptions, FromDaemon, ToDaemon } from './protocol.ts'
import { daemonLogOf } from './start.ts'

process.once('message', (word) => void live((word as ToDaemon).options))

async function live(options: DaemonOptions): Promise<void> {
  const log = createLog(fileTarget(daemonLogOf(options.stateDir)), options.logLevel ?? 'info')
  process.on('uncaughtException', (error) => void die(log, error))
  const manager = await open(options, log)
  if (manager === null) return leave(log, 1)
  tell({ type: 'serving' })
  await manager.bringUp().then(
    (report) => tell({ type: 'applied', report }),
    (error: unknown) => tell(toFailed(error)),
  )
  if (process.connected) process.disconnect()
  await manager.ended
  await leave(log, 0)
}

/** @returns null when it is not to live; who has started it is told why */
async function open(options: DaemonOptions, log: ManagerLog): Promise<Manager | null> {
  try {
    const manager = await openManager({ ...options, kind: 'daemon', log })
    process.on('SIGTERM', () => manager.end('SIGTERM'))
    process.on('SIGINT', () => manager.end('SIGINT'))
    process.on('SIGHUP', () => manager.reload())
    return manager
  } catch (error) {
    const isTaken = isProcmanError(error) && error.details.isServed === true
    if (!isTaken) log.write({ event: 'error', id: null, reason: `the daemon could not be started: ${messageOf(error)}` })
    tell(isTaken ? { type: 'taken' } : toFailed(error))
    return null
  }
}

/** Whoever has started it may have gone: then nobody is told. */
function tell(word: FromDaemon): void {
  if (process.connected) process.send?.(word, () => {})
}

function toFailed(error: unknown): FromDaemon {
  if (isProcmanError(error)) return { type: 'failed', code: error.code, message: error.message, details: plain(error.details) }
  return { type: 'failed', code: 'PROCMAN_INTERNAL', message: `internal error: ${messageOf(error)}`, details: {} }
}

function plain(details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return JSON.parse(JSON.stringify(details)) as Readonly<Record<string, unknown>>
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** A bug. What runs goes on, and the next manager takes it over. */
async function die(log: ManagerLog, error: Error): Promise<void> {
  log.write({ event: 'error', id: null, reason: `internal error: ${error.stack ?? error.message}` })
  await log.flush()
  process.exit(1)
}

/** Once its last word is read, so that it is not lost. */
async function leave(log: ManagerLog, code: number): Promise<void> {
  await log.flush()
  if (!process.connected) process.exit(code)
  process.once('disconnect', () => process.exit(code))
}
