import { mustBeDuration } from '../../timers.ts'

/** JSON has no Infinity. @throws PROCMAN_INVALID_ARGUMENT */
export function timeoutBody(timeoutMs: number | undefined): { readonly timeout_ms?: number | 'never' } {
  mustBeDuration('timeoutMs', timeoutMs)
  if (timeoutMs === undefined) return {}
  return { timeout_ms: timeoutMs === Number.POSITIVE_INFINITY ? 'never' : timeoutMs }
}
