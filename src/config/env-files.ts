/** Files with variables: `.env` beside the config file, and `env_file`s. */
import { resolve } from 'node:path'
import { parse } from 'dotenv'
import { readText, Unreadable } from './read-text.ts'

export interface EnvFiles {
  /** Read once each, absolute. */
  readonly files: readonly string[]
  /** @returns its variables, or why there are none. @param path from the directory of the config file */
  read(path: string): Readonly<Record<string, string>> | Unreadable
}

export function createEnvFiles(dir: string): EnvFiles {
  const known = new Map<string, Readonly<Record<string, string>>>()
  return {
    get files() {
      return [...known.keys()]
    },
    read(given) {
      const path = resolve(dir, given)
      const text = known.get(path) ?? readText(path)
      if (text instanceof Unreadable) return text
      const variables = typeof text === 'string' ? parse(text) : text
      known.set(path, variables)
      return variables
    },
  }
}
