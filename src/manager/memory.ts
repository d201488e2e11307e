import { readFileSync } from 'node:fs'

/** Memory that is this program's alone, in bytes; where the system does not tell that, what is resident. */
export function privateBytes(): number {
  try {
    const rollup = readFileSync('/proc/self/smaps_rollup', 'utf8')
    const kilobytes = [...rollup.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB$/gm)].map(([, kB]) => Number(kB))
    if (kilobytes.length > 0) return kilobytes.reduce((sum, kB) => sum + kB, 0) * 1024
  } catch {
    // Not Linux.
  }
  return process.memoryUsage.rss()
}
