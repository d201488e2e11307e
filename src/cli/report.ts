/** Errors as the user sees them: one sentence, the code, and the exit code that goes with it. */
import { fromSystemError, isProcmanError, ProcmanError } from '../errors.ts'
import { exitCodeOfError } from './exit-codes.ts'
import type { Io } from './io.ts'
import { say } from './io.ts'
import { escapeControls } from './render/text.ts'

/** A command line that cannot be meant. */
export function usageError(message: string, details: Readonly<Record<string, unknown>> = {}): ProcmanError {
  return new ProcmanError('PROCMAN_INVALID_ARGUMENT', message, { details })
}

/** Prints the error and @returns the exit code. Whatever is no ProcmanError, nor refused by the operating system, is a bug and said to be one. */
export async function reportError(io: Io, error: unknown): Promise<number> {
  const known = isProcmanError(error) ? error : fromForeign(error)
  await say(io, printable(known))
  if (io.env.PROCMAN_DEBUG !== undefined && error instanceof Error) await say(io, error.stack ?? '')
  return exitCodeOfError(known.code)
}

/** The message of a wrong config file is a text of several lines, made for a terminal. */
function printable({ code, message }: ProcmanError): string {
  if (code !== 'PROCMAN_CONFIG_INVALID') return `${escapeControls(message)} (${code})`
  const [head = '', ...rest] = message.split('\n').map(escapeControls)
  return [`${head} (${code})`, ...rest].join('\n')
}

function fromForeign(error: unknown): ProcmanError {
  const isOutput = error instanceof Error && 'syscall' in error && error.syscall === 'write'
  const refused = fromSystemError(isOutput ? 'output cannot be written' : 'the operating system has refused something', error)
  if (isProcmanError(refused)) return refused
  return new ProcmanError('PROCMAN_INTERNAL', `internal error: ${error instanceof Error ? error.message : String(error)}`)
}

/** The manager had left before it heard of anything: whoever comes next can be asked the same. */
export function wasNotAsked(error: unknown): boolean {
  const errno = isProcmanError(error) && error.code === 'PROCMAN_MANAGER_UNREACHABLE' ? error.details.errno : undefined
  return errno === 'ENOENT' || errno === 'ECONNREFUSED'
}

/**
 * Does the same for each id, also after one of them failed, and reports each failure.
 * @returns the exit code of the first failure in the order given, else 0
 */
export async function forEachId(io: Io, ids: readonly string[], act: (id: string) => Promise<void>): Promise<number> {
  let first = 0
  for (const id of ids) {
    try {
      await act(id)
    } catch (error) {
      if (wasNotAsked(error)) throw error
      const code = await reportError(io, error)
      if (first === 0) first = code
    }
  }
  return first
}

/**
 * Prefixes to ids, before anything is changed: a prefix given twice must not reach a second process once the first is gone.
 * @returns each id once, and the exit code of the first that is not known
 */
export async function resolveIds(
  io: Io,
  given: readonly string[],
  get: (id: string) => { readonly id: string },
): Promise<{ ids: readonly string[]; code: number }> {
  const ids = new Set<string>()
  const code = await forEachId(io, given, async (id) => {
    ids.add(get(id).id)
  })
  return { ids: [...ids], code }
}
