import { usageError } from '../report.ts'

/** A whole number, 0 and up. */
export function parseCount(text: string, option: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw usageError(`${option} ${JSON.stringify(text)} is not a whole number of 0 or more`)
  return value
}
