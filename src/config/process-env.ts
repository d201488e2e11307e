/** The variables that a process is given beside those that the file says it has. */
import { basename } from 'node:path'
import type { Declared } from './declared.ts'
import type { EnvFiles } from './env-files.ts'
import type { Problems } from './problems.ts'
import { Unreadable } from './read-text.ts'

type Variables = Readonly<Record<string, string>>

/** By custom it is there or not: a checkout has none at first. */
const OPTIONAL = '.env'

function namesOf({ asked: { env_file: given = [] } }: Declared): readonly string[] {
  return typeof given === 'string' ? [given] : given
}

/** Of its `env_file`s; the last one counts. */
export function readEnvFiles(declared: Declared, files: EnvFiles, problems: Problems): Variables {
  const { env_file: given } = declared.asked
  const path = declared.pathOf('env_file')
  const texts = namesOf(declared)
  const variables = texts.flatMap((text, index) => {
    const read = files.read(text)
    if (!(read instanceof Unreadable)) return Object.entries(read)
    if (isLeftOut(text, read)) return []
    problems.add(typeof given === 'string' ? path : [...path, index], read.reason)
    return []
  })
  return escaped(Object.fromEntries(variables), declared)
}

/** @returns a sentence for each that is not there and need not be */
export function missingEnvFiles(declared: Declared, files: EnvFiles): readonly string[] {
  return namesOf(declared).flatMap((text) => {
    const read = files.read(text)
    return read instanceof Unreadable && isLeftOut(text, read) ? [`env_file of ${declared.id}: ${read.reason}`] : []
  })
}

function isLeftOut(text: string, { isMissing }: Unreadable): boolean {
  return isMissing && basename(text) === OPTIONAL
}

/** Values that are no templates, for a place in which templates are filled in. */
export function escaped(variables: Variables, { asked }: Declared): Variables {
  if (asked.template === false) return variables
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, value.replaceAll('$', '$$$$')]))
}
