/** Errors on the wire: `{ code, message, details }` with a fitting HTTP status; the client makes the same error of it again. */
import { ERROR_CODES, ProcmanError, type ProcmanErrorCode } from '../errors.ts'

export interface ErrorBody {
  readonly code: string
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

const STATUS: Readonly<Record<ProcmanErrorCode, number>> = {
  PROCMAN_STATE_DIR_LOCKED: 409,
  PROCMAN_STATE_DIR_UNUSABLE: 500,
  PROCMAN_STATE_NOT_SAVED: 507,
  PROCMAN_PROCESS_UNKNOWN: 404,
  PROCMAN_PROCESS_AMBIGUOUS: 409,
  PROCMAN_PROCESS_EXISTS: 409,
  PROCMAN_PROCESS_DAMAGED: 409,
  PROCMAN_PROCESS_UNREADABLE: 409,
  PROCMAN_WRONG_STATE: 409,
  PROCMAN_INVALID_SPEC: 422,
  PROCMAN_INVALID_ARGUMENT: 400,
  PROCMAN_LAUNCH_FAILED: 422,
  PROCMAN_PORT_UNAVAILABLE: 409,
  PROCMAN_NOT_READY: 409,
  PROCMAN_BREAKER_OPEN: 409,
  PROCMAN_SIGNAL_FAILED: 409,
  PROCMAN_LOG_UNREADABLE: 409,
  PROCMAN_STDIN_CLOSED: 409,
  PROCMAN_CONFIG_NOT_FOUND: 404,
  PROCMAN_CONFIG_INVALID: 422,
  PROCMAN_PROJECT_CONFLICT: 409,
  PROCMAN_NO_MANAGER: 501,
  PROCMAN_MANAGER_UNREACHABLE: 502,
  PROCMAN_UNAUTHORIZED: 401,
  PROCMAN_FORBIDDEN: 403,
  PROCMAN_TIMEOUT: 504,
  PROCMAN_ABORTED: 408,
  PROCMAN_CLOSED: 503,
  PROCMAN_SYSTEM_ERROR: 500,
  PROCMAN_UNSUPPORTED_PLATFORM: 500,
  PROCMAN_INTERNAL: 500,
}

/** An error of another copy of procman may have a code that is not in the table. */
export function statusOf(code: ProcmanErrorCode): number {
  return STATUS[code] ?? 500
}

export function toErrorBody({ code, message, details }: ProcmanError): ErrorBody {
  return { code, message, details }
}

/** @param body whatever came: another program may have answered */
export function fromErrorBody(body: unknown, status: number): ProcmanError {
  if (typeof body === 'object' && body !== null && 'code' in body && 'message' in body && isCode(body.code))
    return new ProcmanError(body.code, String(body.message), { details: 'details' in body ? (body.details as ErrorBody['details']) : {} })
  return new ProcmanError('PROCMAN_MANAGER_UNREACHABLE', `what answers there is no manager that this client understands (HTTP status ${status})`, {
    details: { status },
  })
}

function isCode(code: unknown): code is ProcmanErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)
}
