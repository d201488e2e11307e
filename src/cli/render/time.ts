/** Times for people: local ISO 8601, how long ago, how long. */

/** `2026-01-31T09:05:03+01:00`, in the zone of this machine. @param digits of the second, at most 3 */
export function renderLocal(iso: string, digits = 0): string {
  const date = new Date(iso)
  const offset = -date.getTimezoneOffset()
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, digits === 0 ? 19 : 20 + digits)
  const size = Math.abs(offset)
  return `${local}${offset < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`
}

/** `3 min ago`, `in 5 s`; `now` within half a second. */
export function renderAgo(iso: string, nowMs: number): string {
  const agoMs = nowMs - Date.parse(iso)
  if (Math.abs(agoMs) < 500) return 'now'
  return agoMs > 0 ? `${renderCoarse(agoMs)} ago` : `in ${renderCoarse(-agoMs)}`
}

/** Both of these; a dash where there is none. */
export function renderTime(iso: string | null, nowMs: number): string {
  return iso === null ? '-' : `${renderLocal(iso)} (${renderAgo(iso, nowMs)})`
}

/** `1.2 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`: the two largest units. */
export function renderSpan(ms: number): string {
  const span = Math.max(0, ms)
  if (span < 1_000) return `${Math.round(span)} ms`
  if (span < 9_950) return `${(span / 1_000).toFixed(1)} s`
  const seconds = Math.round(span / 1_000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return join(Math.floor(seconds / 60), 'min', seconds % 60, 's')
  const minutes = Math.floor(seconds / 60)
  if (minutes < 1_440) return join(Math.floor(minutes / 60), 'h', minutes % 60, 'min')
  const hours = Math.floor(minutes / 60)
  return join(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

function renderCoarse(ms: number): string {
  if (ms < 59_500) return `${Math.max(1, Math.round(ms / 1_000))} s`
  if (ms < 3_570_000) return `${Math.round(ms / 60_000)} min`
  if (ms < 84_600_000) return `${Math.round(ms / 3_600_000)} h`
  return `${Math.round(ms / 86_400_000)} d`
}

function join(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
}

function pad(value: number): string {
  return String(value).padStart(2, '0')
}
