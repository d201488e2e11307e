/** Also what is wrapped: `fetch failed` alone helps nobody. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as NodeJS.ErrnoException
  const text = error.message === '' ? (code ?? error.name) : error.message
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0])
  return text
}
