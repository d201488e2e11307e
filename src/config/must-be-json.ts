import type { Problems } from './problems.ts'

/** YAML takes more than JSON does. */
export function mustBeJson(text: string, problems: Problems): void {
  const message = complaintOf(text)
  if (message === null) return
  const before = text.slice(0, placeOf(message, text)).split('\n')
  const reason = message.replace(/ in JSON at position.*|, (?:\.\.\.)?".* is not valid JSON$/s, '')
  problems.addAt({ line: before.length, column: (before.at(-1)?.length ?? 0) + 1, length: 1 }, [], `is not valid JSON: ${reason}`)
}

function complaintOf(text: string): string | null {
  try {
    JSON.parse(text)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** The engine tells the place of some mistakes only; a token that is wrong is where a shorter text begins to be wrong for it. */
function placeOf(message: string, text: string): number {
  const told = /at position (\d+)/.exec(message)?.[1]
  if (told !== undefined) return Number(told)
  if (!message.startsWith('Unexpected token')) return text.length
  let [right, wrong] = [0, text.length]
  while (wrong - right > 1) {
    const middle = (right + wrong) >> 1
    if (complaintOf(text.slice(0, middle))?.startsWith('Unexpected token') === true) wrong = middle
    else right = middle
  }
  return right
}
