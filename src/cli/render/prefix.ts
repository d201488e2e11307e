/** The name of a process before each of its lines, as wide as the longest, in a colour of its own. */
import type { Io } from '../io.ts'

const PALETTE = ['cyan', 'yellow', 'green', 'magenta', 'blue', 'cyanBright', 'yellowBright', 'greenBright', 'magentaBright', 'blueBright'] as const

/** @returns names a process; names that come later may be wider than those before */
export async function prefixesFor(io: Pick<Io, 'env' | 'stdout'>, ids: readonly string[]): Promise<(id: string) => string> {
  const { arePainted } = await import('./colors.ts')
  const colors = arePainted(io) ? (await import('picocolors')).default.createColors(true) : null
  const nth = new Map<string, number>()
  let width = 0
  const place = (id: string): number => {
    const known = nth.get(id)
    if (known !== undefined) return known
    nth.set(id, nth.size)
    width = Math.max(width, id.length)
    return nth.size - 1
  }
  for (const id of ids) place(id)
  return (id) => {
    const at = place(id)
    const text = `${id.padEnd(width)} |`
    const color = PALETTE[at % PALETTE.length] ?? 'cyan'
    return `${colors === null ? text : colors[color](text)} `
  }
}
