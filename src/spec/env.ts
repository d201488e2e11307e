/** Variables of an environment. */
import { isText, type Options, show } from './must.ts'

/** Reads `env`. */
export function parseEnv(options: Options): Readonly<Record<string, string>> {
  const env: [string, string][] = []
  const place = options.placeOf('env')
  for (const [name, value] of Object.entries(options.texts('env'))) {
    if (name === '' || !isText(name) || name.includes('=')) options.problems.push(`${place}: ${show(name)} is not a name of a variable`)
    if (isText(value)) env.push([name, value])
    else options.problems.push(`${place}: ${name} must be a string without NUL, not ${show(value)}`)
  }
  return Object.fromEntries(env)
}
