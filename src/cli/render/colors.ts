/** Colours where a person looks: a terminal, and no NO_COLOR. */
import picocolors from 'picocolors'
import type { ProcessRecord } from '../../machines/process/record.ts'
import type { Io } from '../io.ts'

export type Colors = ReturnType<typeof picocolors.createColors>

export function colorsFor(io: Pick<Io, 'env' | 'stdout'>): Colors {
  const wanted = io.stdout.isTTY === true && (io.env.NO_COLOR ?? '') === '' && io.env.TERM !== 'dumb'
  return picocolors.createColors(wanted)
}

export function paintStatus(colors: Colors, status: ProcessRecord['status'], text: string): string {
  switch (status) {
    case 'running':
      return colors.green(text)
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
