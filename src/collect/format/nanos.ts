/** @param time ISO 8601, UTC. @returns nanoseconds since 1970, all digits that it has */
export function nanosOf(time: string): string {
  const ms = Date.parse(time)
  const [, digits = ''] = /\.\d{3}(\d{1,6})Z$/.exec(time) ?? []
  return `${ms}${digits.padEnd(6, '0')}`
}
