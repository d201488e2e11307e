// Chance that can be had again: the same words give the same numbers.

/** @param parts what the sequence is for, as a seed, a round, a name */
export function randomOf(...parts) {
  let state = hash(parts.join('/'))
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const int = (from, to) => from + Math.floor(next() * (to - from + 1))
  const pick = (list) => list[int(0, list.length - 1)]
  const chance = (probability) => next() < probability
  /** @param weighted pairs of a weight and what is chosen with it */
  const weighted = (pairs) => {
    let at = next() * pairs.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, value] of pairs) {
      at -= weight
      if (at < 0) return value
    }
    return pairs[0][1]
  }
  return { next, int, pick, chance, weighted }
}

function hash(text) {
  let h = 2166136261
  for (const char of text) h = Math.imul(h ^ char.codePointAt(0), 16777619)
  return h
}
