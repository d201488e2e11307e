/** What is given to a supervisor beside specs and ids, checked alike here and in a client of one. */
import { ProcmanError } from './errors.ts'
import { canonicalSignal } from './signals.ts'
import { show } from './spec/must.ts'

/** @returns its canonical name. @throws PROCMAN_INVALID_ARGUMENT for what is no signal on this machine */
export function mustBeSignal(signal: unknown): string {
  const name = typeof signal === 'string' ? canonicalSignal(signal) : null
  if (name === null) throw invalid(`there is no signal ${show(signal)} on this machine`, { signal })
  return name
}

/** @throws PROCMAN_INVALID_ARGUMENT unless it is a text, or null */
export function mustBeReason(reason: unknown): void {
  if (reason !== null && (typeof reason !== 'string' || reason === ''))
    throw invalid(`reason must be a non-empty string or null, not ${show(reason)}`, { reason })
}

/** @throws PROCMAN_INVALID_ARGUMENT unless it can be written to a pipe */
export function mustBeData(data: unknown): void {
  if (typeof data !== 'string' && !(data instanceof Uint8Array)) throw invalid(`what is written must be a string or bytes, not ${show(data)}`, {})
}

function invalid(message: string, details: Readonly<Record<string, unknown>>): ProcmanError {
  return new ProcmanError('PROCMAN_INVALID_ARGUMENT', message, { details })
}
