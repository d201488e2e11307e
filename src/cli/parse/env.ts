/** Environment of a new process: `NAME=value`, or `NAME` alone for the value that procman has itself. */
import { usageError } from '../report.ts'

export function parseEnv(given: readonly string[], current: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=')
      if (text === '' || at === 0) throw usageError(`--env ${JSON.stringify(text)} must be NAME=value or NAME`)
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
      const value = current[text]
      if (value === undefined) throw usageError(`--env ${text}: no variable of this name is set here; write ${text}=value`)
      return [text, value]
    }),
  )
}
