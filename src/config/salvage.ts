/** Leaves out of a file what is wrong with it, so that the rest can be looked at further: everything that is wrong is to be told at once. */
import { isMap } from './prepare/fields.ts'
import type { Path } from './problems.ts'

const STAND_IN = 'true'

/** @returns a copy without the parts in which those paths lie. What a process must have stands in for itself. */
export function salvage(value: unknown, paths: readonly Path[]): unknown {
  const copy = structuredCloneOfMaps(value)
  for (const path of paths) remove(copy, partOf(path))
  if (!isMap(copy)) return copy
  const { processes, managed_processes: managed } = copy
  if (isMap(processes))
    for (const [id, process] of Object.entries(processes)) define(processes, id, isMap(process) ? { command: [STAND_IN], ...process } : STAND_IN)
  if (!Array.isArray(managed)) return copy
  return { ...copy, managed_processes: managed.map(completed) }
}

/** What is left out together: a check without its URL would be another thing that is wrong. */
function partOf(path: Path): Path {
  if (path[0] === 'processes') return path.slice(0, 3)
  if (path[0] !== 'managed_processes') return path.slice(0, 1)
  if (path[2] !== 'management') return path.slice(0, 3)
  return path.slice(0, path[3] === 'control' ? 5 : 4)
}

/** It keeps its number. */
function completed(given: unknown, index: number): unknown {
  const process = isMap(given) ? given : {}
  const management = isMap(process.management) ? process.management : {}
  const control = isMap(management.control) ? management.control : {}
  return { id: `${STAND_IN}-${index}`, ...process, management: { ...management, control: { executable: STAND_IN, ...control } } }
}

/** Functions cannot be cloned, and need not be. */
function structuredCloneOfMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(structuredCloneOfMaps)
  return isMap(value) ? Object.fromEntries(Object.entries(value).map(([name, part]) => [name, structuredCloneOfMaps(part)])) : value
}

function remove(value: unknown, path: Path): void {
  const [step, ...rest] = path
  if (step === undefined) return
  if (Array.isArray(value)) {
    // The others keep their numbers.
    if (rest.length === 0) value[Number(step)] = undefined
    else remove(value[Number(step)], rest)
  } else if (isMap(value) && Object.hasOwn(value, step)) {
    if (rest.length === 0) delete (value as Record<string, unknown>)[step]
    else remove(value[step], rest)
  }
}

function define(map: Readonly<Record<string, unknown>>, name: string, value: unknown): void {
  Object.defineProperty(map, name, { value, enumerable: true, configurable: true, writable: true })
}
