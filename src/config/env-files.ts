/** Files with variables: `.env` beside the config file, and `env_file`s. */
import { resolve } from 'node:path'
import { parse } from 'dotenv'
import { readText, Unreadable } from './read-text.ts'

export interface EnvFiles {
  /** All that were asked for, absolute: also those that are not there, and may come. */
  readonly files: readonly string[]
  /** @returns its variables, or why there are none. @param path from the directory of the config file */
  read(path: string): Readonly<Record<string, string>> | Unreadable
}

export function createEnvFiles(dir: string): EnvFiles {
  const known = new Map<string, Readonly<Record<string, string>> | Unreadable>()
  return {
    get files() {
      return [...known.keys()]
    },
    read(given) {
      const path = resolve(dir, given)
      const found = known.get(path) ?? variablesIn(path)
      known.set(path, found)
      return found
    },
  }
}

function variablesIn(path: string): Readonly<Record<string, string>> | Unreadable {
  const text = readText(path)
  return text instanceof Unreadable ? text : parse(text)
}
