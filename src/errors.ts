/** The errors of procman: one class, one table of codes. Match on `code`; it is stable, messages are not. */

/** What each code means. README and docs/errors.md list the same codes; a test compares them. */
export const ERROR_CODES = {
  PROCMAN_STATE_DIR_LOCKED: 'another manager holds the state directory',
  PROCMAN_STATE_DIR_UNUSABLE: 'the state directory cannot be used: not a directory, no permission, read-only, full',
  PROCMAN_STATE_NOT_SAVED: 'the state of a process could not be written',
  PROCMAN_PROCESS_UNKNOWN: 'no process has this id',
  PROCMAN_PROCESS_AMBIGUOUS: 'an id prefix fits several processes',
  PROCMAN_PROCESS_EXISTS: 'the id is taken',
  PROCMAN_PROCESS_DAMAGED: 'the actor of this process has failed',
  PROCMAN_PROCESS_UNREADABLE: 'the state of this process cannot be read now',
  PROCMAN_WRONG_STATE: 'the process is in a state in which this command is refused',
  PROCMAN_INVALID_SPEC: 'a process spec is wrong',
  PROCMAN_INVALID_ARGUMENT: 'an argument is wrong',
  PROCMAN_LAUNCH_FAILED: 'the command could not be executed',
  PROCMAN_PORT_UNAVAILABLE: 'no port that the process may have is free',
  PROCMAN_NOT_READY: 'the process has ended, and will not be what was waited for',
  PROCMAN_BREAKER_OPEN: 'the circuit breaker of the process is open',
  PROCMAN_SIGNAL_FAILED: 'the signal could not be delivered',
  PROCMAN_LOG_UNREADABLE: 'the output of a process cannot be read',
  PROCMAN_STDIN_CLOSED: 'the process has no stdin to write to',
  PROCMAN_CONFIG_NOT_FOUND: 'there is no config file',
  PROCMAN_CONFIG_INVALID: 'a config file is wrong',
  PROCMAN_PROJECT_CONFLICT: 'the state directory is in use for another project',
  PROCMAN_NO_MANAGER: 'no manager lives that could be asked',
  PROCMAN_MANAGER_UNREACHABLE: 'the manager cannot be reached, or was lost',
  PROCMAN_UNAUTHORIZED: 'the manager does not accept the token',
  PROCMAN_FORBIDDEN: 'the manager refuses this to who asks',
  PROCMAN_TIMEOUT: 'it took longer than asked',
  PROCMAN_ABORTED: 'the caller gave up waiting',
  PROCMAN_CLOSED: 'the supervisor is closed',
  PROCMAN_SYSTEM_ERROR: 'the operating system has refused something',
  PROCMAN_UNSUPPORTED_PLATFORM: 'procman does not run on this operating system',
  PROCMAN_INTERNAL: 'a bug in procman',
} as const

export type ProcmanErrorCode = keyof typeof ERROR_CODES

const MARK = Symbol.for('procman.error')

export class ProcmanError extends Error {
  override readonly name = 'ProcmanError'
  readonly code: ProcmanErrorCode
  /** Plain data about the case: ids, paths, values. */
  readonly details: Readonly<Record<string, unknown>>
  readonly [MARK] = true

  constructor(code: ProcmanErrorCode, message: string, options: { details?: Readonly<Record<string, unknown>>; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
  }
}

/** What the operating system has refused (no descriptor left, no permission), as an error of ours; everything else as it is. @param what could not be done */
export function fromSystemError(what: string, error: unknown, details: Readonly<Record<string, unknown>> = {}): unknown {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error) || typeof error.code !== 'string') return error
  const path = 'path' in error && typeof error.path === 'string' ? error.path : undefined
  const where = path === undefined || what.includes(path) ? '' : `: ${path}`
  return new ProcmanError('PROCMAN_SYSTEM_ERROR', `${what} (${error.code}${where})`, { details: { path, errno: error.code, ...details }, cause: error })
}

/** True for errors of any copy of procman in the program, unlike `instanceof`. */
export function isProcmanError(error: unknown): error is ProcmanError {
  return typeof error === 'object' && error !== null && MARK in error
}
