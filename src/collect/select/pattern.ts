/** Regular expressions as they are declared. */

/** Without the flags by which the place of the last match would count. @param pattern a source may begin with `(?i)`: whatever the case. @throws SyntaxError */
export function toPattern(pattern: RegExp | string): RegExp {
  if (typeof pattern !== 'string') return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
  return pattern.startsWith('(?i)') ? new RegExp(pattern.slice(4), 'i') : new RegExp(pattern)
}
