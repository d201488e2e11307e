/** From what a provider tells to what the machine compares: complete specs, with everything that is wrong in the whole list told at once. */
import { isAbsolute, resolve } from 'node:path'
import type { ProcessInput } from '../api.ts'
import type { DesiredProcess } from '../desired.ts'
import { isProcmanError, ProcmanError } from '../errors.ts'
import type { Declared } from '../machines/reconciler/facts.ts'
import { cycleIn } from '../machines/reconciler/order.ts'
import { pathFrom } from '../spec/about.ts'
import { parseProcessInput } from '../spec/parse.ts'
import type { ProcessSpec } from '../types.ts'

/** What a spec was made from: it may have functions, which a spec has not. */
const inputs = new WeakMap<ProcessSpec, ProcessInput>()

export function inputOf({ spec }: Declared): ProcessInput {
  const input = inputs.get(spec)
  if (input === undefined) throw new Error(`internal: nobody has declared ${spec.id}`)
  return input
}

/** @param origin absolute; relative working directories start there. @throws PROCMAN_INVALID_SPEC with `details.problems`: nothing of the list counts then */
export function readDeclared(processes: readonly DesiredProcess[], origin: string): readonly Declared[] {
  if (!Array.isArray(processes)) throw invalid([`what is declared is a list of processes, not ${typeof processes}`])
  const problems: string[] = []
  const declared = processes.flatMap((each, index) => readOne(each, index, origin, problems))
  problems.push(...repeated(declared), ...circle(declared))
  if (problems.length > 0) throw invalid(problems)
  return declared
}

export function mustBeOrigin(origin: string): void {
  if (typeof origin === 'string' && isAbsolute(origin)) return
  throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', `origin must be an absolute path, not ${JSON.stringify(origin)}`, { details: { origin } })
}

function readOne(process: DesiredProcess, index: number, origin: string, problems: string[]): readonly Declared[] {
  try {
    const input = { ...process, cwd: cwdOf(process, origin), origin }
    const { spec, functions } = parseProcessInput(input, () => '')
    if (spec.id === '') throw invalid(['it has no id'])
    inputs.set(spec, input)
    return [{ spec, autostart: process.autostart !== false, hasFunctions: functions.size > 0 }]
  } catch (error) {
    if (!isProcmanError(error)) throw error
    const name = typeof process?.id === 'string' ? `process ${process.id}` : `process number ${index + 1}`
    problems.push(`${name}: ${error.message}`)
    return []
  }
}

/** What is no text is told of by who checks it. */
function cwdOf({ cwd = '.', template = true }: DesiredProcess, origin: string): string {
  return typeof cwd === 'string' && cwd !== '' ? pathFrom(resolve(origin), cwd, template) : cwd
}

function repeated(declared: readonly Declared[]): readonly string[] {
  const seen = new Set<string>()
  const twice = new Set(declared.flatMap(({ spec: { id } }) => (seen.size === seen.add(id).size ? [id] : [])))
  return [...twice].map((id) => `process ${id} is declared more than once`)
}

function circle(declared: readonly Declared[]): readonly string[] {
  const byId = new Map(declared.map(({ spec }) => [spec.id, Object.keys(spec.dependsOn)]))
  const cycle = cycleIn(byId.keys(), (id) => byId.get(id) ?? [])
  return cycle === null ? [] : [`these depend on each other in a circle: ${cycle.join(' -> ')}`]
}

function invalid(problems: readonly string[]): ProcmanError {
  return new ProcmanError('PROCMAN_INVALID_SPEC', problems.join('; '), { details: { problems } })
}
