/** Those times that lie within the window before now. Later ones are from before the clock was set back: they count as of now, and are forgotten in their turn. Pure. */
export function recentOf(timesMs: readonly number[], nowMs: number, windowMs: number): readonly number[] {
  return timesMs.map((each) => Math.min(each, nowMs)).filter((each) => each > nowMs - windowMs)
}
