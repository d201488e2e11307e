/** Reads a config file that is a module: its default export, which may be a function. */
import { randomUUID } from 'node:crypto'
import { pathToFileURL } from 'node:url'
import { DEEPEST, MOST_VALUES, type Read, TOO_DEEP, TOO_MUCH } from './document.ts'
import { isMap } from './prepare/fields.ts'
import type { Path, Problems } from './problems.ts'
import { kindOf, told } from './schema/leaf.ts'

/** What a function that is the default export is called with. */
export interface ConfigArguments {
  readonly env: Readonly<Record<string, string | undefined>>
}

const PATIENCE_MS = 30_000

/** @throws whatever the module throws, and when it is not done after `patienceMs` @returns undefined: it has no default export that could be a config */
export async function readModule(path: string, given: ConfigArguments, problems: Problems, patienceMs = PATIENCE_MS): Promise<Read | undefined> {
  const { exported, value } = await within(patienceMs, evaluate(path, given))
  if (exported === undefined) problems.add([], 'has no default export: it must be a config, or a function that returns one')
  else if (!isMap(value)) problems.add([], `must ${exported === value ? 'export' : 'return'} a map with processes or managed_processes, not ${told(value)}`)
  else return { value: new Copier(problems).copy(value, [], 0), sourceOf: () => undefined }
  return undefined
}

async function evaluate(path: string, given: ConfigArguments): Promise<{ readonly exported: unknown; readonly value: unknown }> {
  const exported = await importDefault(path)
  return { exported, value: typeof exported === 'function' ? await exported(given) : exported }
}

/** A promise that is never kept would else be waited for for ever, or end the program without a word. */
async function within<T>(patienceMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLong = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`it is not done after ${patienceMs / 1_000} s`)), patienceMs)
  })
  return Promise.race([work, tooLong]).finally(() => clearTimeout(timer))
}

/** Anew each time. What a `.mjs` file imports is what it was when it was imported first: Node keeps it. */
async function importDefault(path: string): Promise<unknown> {
  if (path.endsWith('.mjs')) return (await import(`${pathToFileURL(path).href}?${randomUUID()}`)).default
  const { createJiti } = await import('jiti')
  const loaded: unknown = await createJiti(pathToFileURL(path).href, { moduleCache: false, fsCache: false }).import(path)
  return typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined
}

/** Plain data, functions and regular expressions; a copy, so that nothing changes any more. */
class Copier {
  readonly #problems: Problems
  #values = 0

  constructor(problems: Problems) {
    this.#problems = problems
  }

  copy(value: unknown, path: Path, depth: number): unknown {
    if (++this.#values === MOST_VALUES) this.#problems.add(path, TOO_MUCH)
    if (this.#values >= MOST_VALUES) return undefined
    if (depth > DEEPEST) {
      this.#problems.add([], TOO_DEEP)
      return undefined
    }
    if (Array.isArray(value)) return value.map((item, index) => this.copy(item, [...path, index], depth + 1))
    if (isMap(value)) return this.#map(value, path, depth)
    if (kindOf(value) !== 'other' || value instanceof RegExp) return value
    this.#problems.add(path, `must be plain data, not ${told(value)}`)
    return undefined
  }

  #map(map: Readonly<Record<string, unknown>>, path: Path, depth: number): Readonly<Record<string, unknown>> {
    const given = Object.entries(map).filter(([, value]) => value !== undefined)
    if (given.some(([name]) => name === '__proto__')) this.#problems.add([...path, '__proto__'], '"__proto__" cannot be a key')
    const safe = given.filter(([name]) => name !== '__proto__')
    return Object.fromEntries(safe.map(([name, value]) => [name, this.copy(value, [...path, name], depth + 1)]))
  }
}
