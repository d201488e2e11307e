/** The exit codes of procman. docs/cli.md lists the same; `run` and `wait` answer with the code of the process instead. */

import type { ProcmanErrorCode } from '../errors.ts'
import type { ProcessRecord } from '../index.ts'
import { signalNumber } from '../signals.ts'

export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  unknownProcess: 3,
  wrongState: 4,
  locked: 5,
} as const

const EXIT_CODE_OF_ERROR: Readonly<Record<ProcmanErrorCode, number>> = {
  PROCMAN_STATE_DIR_LOCKED: EXIT.locked,
  PROCMAN_STATE_DIR_UNUSABLE: EXIT.failed,
  PROCMAN_STATE_NOT_SAVED: EXIT.failed,
  PROCMAN_PROCESS_UNKNOWN: EXIT.unknownProcess,
  PROCMAN_PROCESS_AMBIGUOUS: EXIT.usage,
  PROCMAN_PROCESS_EXISTS: EXIT.wrongState,
  PROCMAN_PROCESS_DAMAGED: EXIT.failed,
  PROCMAN_PROCESS_UNREADABLE: EXIT.failed,
  PROCMAN_WRONG_STATE: EXIT.wrongState,
  PROCMAN_INVALID_SPEC: EXIT.usage,
  PROCMAN_INVALID_ARGUMENT: EXIT.usage,
  PROCMAN_LAUNCH_FAILED: EXIT.failed,
  PROCMAN_PORT_UNAVAILABLE: EXIT.failed,
  PROCMAN_NOT_READY: EXIT.failed,
  PROCMAN_BREAKER_OPEN: EXIT.wrongState,
  PROCMAN_SIGNAL_FAILED: EXIT.failed,
  PROCMAN_LOG_UNREADABLE: EXIT.failed,
  PROCMAN_STDIN_CLOSED: EXIT.wrongState,
  PROCMAN_CONFIG_NOT_FOUND: EXIT.usage,
  PROCMAN_CONFIG_INVALID: EXIT.usage,
  PROCMAN_PROJECT_CONFLICT: EXIT.wrongState,
  PROCMAN_NO_MANAGER: EXIT.wrongState,
  PROCMAN_MANAGER_UNREACHABLE: EXIT.failed,
  PROCMAN_UNAUTHORIZED: EXIT.failed,
  PROCMAN_FORBIDDEN: EXIT.failed,
  PROCMAN_TIMEOUT: EXIT.failed,
  PROCMAN_ABORTED: EXIT.failed,
  PROCMAN_CLOSED: EXIT.failed,
  PROCMAN_SYSTEM_ERROR: EXIT.failed,
  PROCMAN_UNSUPPORTED_PLATFORM: EXIT.failed,
  PROCMAN_INTERNAL: EXIT.failed,
}

/** A code of a newer or older copy of procman that is not in the table: failed. */
export function exitCodeOfError(code: ProcmanErrorCode): number {
  return EXIT_CODE_OF_ERROR[code] ?? EXIT.failed
}

/** What `run` and `wait` end with: the command's own code, 128+n after signal n, and 1 where there is no such end, or where it says 0 and has failed. */
export function exitCodeOfRecord(record: Pick<ProcessRecord, 'state' | 'status' | 'exit_code' | 'signal'>): number {
  if (record.state === 'orphaned') return EXIT.failed
  if (record.signal !== null) return exitCodeOfSignal(record.signal)
  // It was not ready in time, say, and ended well when it was stopped for that.
  if (record.exit_code === 0 && record.status === 'failed') return EXIT.failed
  return record.exit_code ?? EXIT.failed
}

export function exitCodeOfSignal(name: string): number {
  return 128 + (signalNumber(name) ?? 0)
}
