/** A process input as it can be sent: what a function or a regular expression is, JSON cannot say. */
import { isAbsolute, resolve } from 'node:path'
import { types } from 'node:util'
import type { ProcessInput } from '../../api.ts'
import { ProcmanError } from '../../errors.ts'

/** @param cwd what a relative working directory starts from; null: the manager's. @throws PROCMAN_INVALID_SPEC for what cannot be sent */
export function toSendable(input: ProcessInput, cwd: string | null): ProcessInput {
  if (typeof input !== 'object' || input === null) throw invalid(`a process spec is an object with a command, not ${JSON.stringify(input)}`)
  return { ...input, ...(cwd === null ? {} : { cwd: placeOf(input, cwd) as string }), ...(input.ready === undefined ? {} : { ready: withSource(input.ready) }) }
}

/** To be called by `JSON.stringify`, which leaves functions out without a word. */
export function refuseFunctions(key: string, value: unknown): unknown {
  if (typeof value === 'function' || typeof value === 'bigint' || typeof value === 'symbol')
    throw invalid(`${key} is a ${typeof value}, which cannot be sent to a manager in another program: give the name of one of its probes instead`)
  return value
}

function placeOf({ cwd, template }: ProcessInput, base: string): unknown {
  if (cwd === undefined) return base
  // What is no path is told by the manager; what begins with a template is made out at launch.
  if (typeof cwd !== 'string' || cwd === '' || isAbsolute(cwd) || (template !== false && cwd.startsWith('${'))) return cwd
  return resolve(base, cwd)
}

function withSource(ready: NonNullable<ProcessInput['ready']>): NonNullable<ProcessInput['ready']> {
  if (typeof ready !== 'object' || ready === null || !('logLine' in ready) || !types.isRegExp(ready.logLine)) return ready
  const { source, flags } = ready.logLine
  return { ...ready, logLine: { source, flags } as unknown as RegExp }
}

function invalid(message: string): ProcmanError {
  return new ProcmanError('PROCMAN_INVALID_SPEC', message, { details: { problems: [message] } })
}
