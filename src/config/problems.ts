/** What is wrong in a config file, gathered while it is read, with its place in the text. */
import type { ConfigProblem } from './contract.ts'

export type Path = readonly (string | number)[]

/** Where something stands in the text; lines and columns from 1. `length`: how much is marked, on the first line of it. */
export interface Place {
  readonly line: number
  readonly column: number
  readonly length: number
}

/** Tells where a key or a value stands; of what is not there: the nearest around it. Null: the text is not known. */
export type Locate = (path: Path, part: 'key' | 'value') => Place | null

export interface LocatedProblem extends ConfigProblem {
  readonly place: Place | null
  readonly steps: Path
}

export class Problems {
  readonly #file: string
  readonly #found = new Map<string, LocatedProblem>()
  locate: Locate = () => null

  constructor(file: string) {
    this.#file = file
  }

  get found(): readonly LocatedProblem[] {
    return [...this.#found.values()].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
  }

  /** Whether something is wrong with what stands there, or in it. */
  isWithin(path: Path): boolean {
    return this.found.some(({ steps }) => path.every((step, index) => steps[index] === step))
  }

  /** Whether something is wrong with what stands there, or with what it is a part of. */
  isAround(path: Path): boolean {
    return this.found.some(({ steps }) => steps.length > 0 && steps.every((step, index) => path[index] === step))
  }

  add(path: Path, message: string, part: 'key' | 'value' = 'value'): void {
    this.addAt(this.locate(path, part), path, message)
  }

  addAll(others: Problems): void {
    for (const { place, steps, message } of others.found) this.addAt(place, steps, message)
  }

  addAt(place: Place | null, path: Path, message: string): void {
    const problem = { file: this.#file, line: place?.line ?? null, column: place?.column ?? null, path: path.join('.'), message, place, steps: path }
    // What stands in an anchor is wrong in each of its places, and told once.
    const key = place === null ? `${problem.path}\n${message}` : `${place.line}:${place.column}\n${message}`
    if (!this.#found.has(key)) this.#found.set(key, problem)
  }
}
