/** The variables that a process is given beside those that the file says it has. */
import type { Declared } from './declared.ts'
import type { EnvFiles } from './env-files.ts'
import type { Problems } from './problems.ts'
import { Unreadable } from './read-text.ts'

type Variables = Readonly<Record<string, string>>

/** Of its `env_file`s; the last one counts. */
export function readEnvFiles(declared: Declared, files: EnvFiles, problems: Problems): Variables {
  const { env_file: given = [] } = declared.asked
  const path = declared.pathOf('env_file')
  const texts: readonly string[] = typeof given === 'string' ? [given] : given
  const variables = texts.flatMap((text, index) => {
    const read = files.read(text)
    if (!(read instanceof Unreadable)) return Object.entries(read)
    problems.add(typeof given === 'string' ? path : [...path, index], read.reason)
    return []
  })
  return escaped(Object.fromEntries(variables), declared)
}

/** Values that are no templates, for a place in which templates are filled in. */
export function escaped(variables: Variables, { asked }: Declared): Variables {
  if (asked.template === false) return variables
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, value.replaceAll('$', '$$$$')]))
}
