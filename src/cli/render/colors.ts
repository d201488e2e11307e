/** Colours where a person looks: a terminal, and no NO_COLOR. */
import type { ProcessRecord } from '../../index.ts'
import type { Io } from '../io.ts'

type Paint = (text: string) => string

export interface Colors {
  readonly bold: Paint
  readonly dim: Paint
  readonly red: Paint
  readonly green: Paint
  readonly yellow: Paint
  readonly inverse: Paint
}

const plain: Paint = (text) => text
const NO_COLORS: Colors = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain, inverse: plain }

/** Loads what paints only where it is needed: a pipe must not pay for it. */
export async function colorsFor(io: Pick<Io, 'env' | 'stdout'>): Promise<Colors> {
  if (!arePainted(io)) return NO_COLORS
  const { default: picocolors } = await import('picocolors')
  return picocolors.createColors(true)
}

export function arePainted(io: Pick<Io, 'env' | 'stdout'>): boolean {
  return io.stdout.isTTY === true && (io.env.NO_COLOR ?? '') === '' && io.env.TERM !== 'dumb'
}

export function paintStatus(colors: Colors, { state, status }: Pick<ProcessRecord, 'state' | 'status'>, text: string): string {
  switch (status) {
    case 'running':
      return state === 'running' ? colors.green(text) : state === 'unhealthy' ? colors.red(text) : colors.yellow(text)
    case 'failed':
    case 'orphaned':
      return colors.red(text)
    case 'cancelled':
      return colors.yellow(text)
    case 'completed':
    case 'pending':
      return colors.dim(text)
  }
}
