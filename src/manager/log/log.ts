/** The log of a manager: pino, with our events. A line is never waited for, and what cannot be written is dropped: the log harms nobody. */
import { pino } from 'pino'
import type { LogLevel } from '../../config/contract.ts'
import type { ControlLog } from '../../control/contract.ts'
import { describeEvent, EVENT_LEVELS, type ManagerEvent } from './events.ts'

export interface ManagerLog {
  readonly level: LogLevel
  /** Where the lines go; null: to a terminal or a pipe. */
  readonly file: string | null
  setLevel(level: LogLevel): void
  write(event: ManagerEvent): void
  /** For the control API. */
  readonly control: ControlLog
  /** Settles when all lines are written, or after a second. */
  flush(): Promise<void>
}

/** Where a log goes. */
export interface LogTarget {
  readonly stream: { write(line: string): void }
  readonly file: string | null
  flush(): Promise<void>
}

export function createLog(target: LogTarget, level: LogLevel): ManagerLog {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    target.stream,
  )
  return {
    file: target.file,
    get level() {
      return logger.level as LogLevel
    },
    setLevel(next) {
      logger.level = next
    },
    write(event) {
      logger[EVENT_LEVELS[event.event]](event, describeEvent(event))
    },
    control: {
      info: (fields, message) => logger.info({ event: 'control', ...fields }, message),
      warn: (fields, message) => logger.warn({ event: 'control', ...fields }, message),
    },
    flush: () => target.flush(),
  }
}
