/** A process input as it can be sent: what a function or a regular expression is, JSON cannot say. */
import { isAbsolute, resolve } from 'node:path'
import { types } from 'node:util'
import type { ProcessInput } from '../../api.ts'
import { isProcmanError, ProcmanError } from '../../errors.ts'
import { parseAgain, parseProcessInput } from '../../spec/parse.ts'

/**
 * @param cwd what a relative working directory starts from; null: the manager's
 * @param id of the process that is declared anew; null: it is a new one
 * @throws PROCMAN_INVALID_SPEC for what is wrong, as the library tells it: JSON would make something else of some of it; and for what cannot be sent
 */
export function toSendable(input: ProcessInput, cwd: string | null, id: string | null): ProcessInput {
  for (const name of functionsOf(input, id)) {
    const problem = `health.${name}.function is a function, which cannot be sent to a manager in another program: give the name of one of its probes instead`
    throw new ProcmanError('PROCMAN_INVALID_SPEC', problem, { details: { problems: [problem] } })
  }
  return {
    ...input,
    ...(cwd === null ? {} : { cwd: placeOf(input, cwd) }),
    ...(input.ready === undefined ? {} : { ready: withSource(input.ready) }),
    ...(input.progress === undefined ? {} : { progress: withPatternSource(input.progress) }),
  }
}

/** @returns the probes that are functions */
function functionsOf(input: ProcessInput, id: string | null): readonly string[] {
  try {
    const { functions } = id === null ? parseProcessInput(input, () => 'new') : parseAgain(input, id)
    return [...functions.keys()].map((name) => name.slice(name.indexOf('/') + 1))
  } catch (error) {
    if (isProcmanError(error)) throw error
    // The working directory of this program was deleted: the manager tells what is wrong.
    return []
  }
}

function placeOf({ cwd, template }: ProcessInput, base: string): string {
  if (cwd === undefined) return base
  // What begins with a template is made out at launch.
  return isAbsolute(cwd) || (template !== false && cwd.startsWith('${')) ? cwd : resolve(base, cwd)
}

function withSource(ready: NonNullable<ProcessInput['ready']>): NonNullable<ProcessInput['ready']> {
  if (!('logLine' in ready) || !types.isRegExp(ready.logLine)) return ready
  return { ...ready, logLine: sourceOf(ready.logLine) }
}

function withPatternSource(progress: NonNullable<ProcessInput['progress']>): NonNullable<ProcessInput['progress']> {
  return typeof progress === 'object' && types.isRegExp(progress.pattern) ? { pattern: sourceOf(progress.pattern) } : progress
}

/** What the manager makes a regular expression of again. */
function sourceOf({ source, flags }: RegExp): RegExp {
  return { source, flags } as unknown as RegExp
}
