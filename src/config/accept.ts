/** Has the library's own parser look at each process: what it would refuse at the start is wrong in the file. */
import type { DesiredProcess } from '../desired.ts'
import { isProcmanError } from '../errors.ts'
import { parseProcessInput } from '../spec/parse.ts'
import type { Declared } from './declared.ts'
import type { Path, Problems } from './problems.ts'

/** What the library calls it, and the file. */
const KEYS: Readonly<Record<string, string>> = { inheritEnv: 'inherit_env', startupTimeoutMs: 'startup_timeout' }
const PLACE = /^([a-z][\w-]*(?:\.[\w-]+)*):? (.*)$/s

export function mustBeAccepted(input: DesiredProcess, declared: Declared, problems: Problems): void {
  try {
    parseProcessInput(input, () => declared.id)
  } catch (error) {
    if (!isProcmanError(error) || !Array.isArray(error.details.problems)) throw error
    for (const problem of error.details.problems.map(String)) {
      const [, place, rest] = PLACE.exec(problem) ?? []
      const path = place === undefined ? null : pathOfPlace(place, declared)
      if (path === null) problems.add(declared.path, problem, 'key')
      else problems.add(path, (rest ?? problem).replaceAll('startupTimeoutMs', 'startup_timeout (in ms)'))
    }
  }
}

/** From `health.liveness.http.url` to where the file has it; null: the file has no such part. */
function pathOfPlace(place: string, { asked, pathOf }: Declared): Path | null {
  const [first = '', ...rest] = place.split('.')
  const key = KEYS[first] ?? first
  if (first === 'args' || first === 'command') return pathOfWord(Number(rest[0] ?? -1) + 1, { asked, pathOf })
  const part = Object.hasOwn(asked, key) ? asked[key as keyof typeof asked] : undefined
  if (part === undefined) return null
  return pathOf(key, ...within(part, key === 'health' && !hasProbes(part) ? rest.slice(1) : rest))
}

/** Of the command and its arguments together. */
function pathOfWord(index: number, { asked, pathOf }: Pick<Declared, 'asked' | 'pathOf'>): Path {
  const words = Array.isArray(asked.command) ? asked.command.length : 1
  return index < words || asked.args === undefined ? pathOf('command') : pathOf('args', index - words)
}

/** As far as the file goes; what stands in one word there has no parts. */
function within(part: unknown, names: readonly string[]): readonly string[] {
  const [name, ...rest] = names
  if (name === undefined || typeof part !== 'object' || part === null) return []
  const key = name.replace(/Ms$/, '').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  const found = [name, key].find((one) => Object.hasOwn(part, one))
  return found === undefined ? [] : [found, ...within(part[found as keyof typeof part], rest)]
}

function hasProbes(health: unknown): boolean {
  return typeof health === 'object' && health !== null && ['startup', 'liveness', 'readiness'].some((name) => Object.hasOwn(health, name))
}
