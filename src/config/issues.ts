/** From what zod found to problems: one for each thing that is wrong, of the form that was meant. */
import type * as z from 'zod'
import type { Path, Problems } from './problems.ts'

type Issue = z.core.$ZodIssue

/** Of a value that could not even be filled in nothing more is told. */
export function addIssues(issues: readonly Issue[], problems: Problems, above: Path = []): void {
  const mistyped = mistypedIn(issues)
  for (const issue of issues) {
    const path = [...above, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))]
    if (mistyped.has(issue.path.join('.'))) continue
    if (issue.code === 'unrecognized_keys') {
      const sentences = issue.message.split('\n')
      for (const [index, key] of issue.keys.entries()) problems.add([...path, key], sentences[index] ?? issue.message, 'key')
    } else if (issue.code === 'invalid_union') {
      const meant = issue.errors.find((branch) => !branch.some(isMismatch))
      if (meant !== undefined) addIssues(meant, problems, path)
      else if (!problems.isAround(path)) problems.add(path, issue.message)
    } else if (!problems.isAround(path)) problems.add(path, issue.message, issue.code === 'invalid_key' ? 'key' : 'value')
  }
}

/** Keys that are missing because they were written in another way: that is told once. */
function mistypedIn(issues: readonly Issue[]): ReadonlySet<string> {
  const meant = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? [...issue.message.matchAll(/did you mean "(\w+)"\?$/gm)].map(([, key]) => [...issue.path, key].join('.')) : [],
  )
  const missing = issues.filter(({ message }) => message.startsWith('is missing')).map(({ path }) => path.join('.'))
  return new Set(missing.filter((path) => meant.includes(path)))
}

/** The value looks like another branch of the union. */
function isMismatch(issue: Issue): boolean {
  if (issue.path.length > 0) return false
  return issue.code === 'invalid_type' || (issue.code === 'custom' && issue.params?.isMismatch === true)
}
