/** A line about what happened: when, to whom, what, why. */
import type { Colors } from '../render/colors.ts'
import { escapeControls } from '../render/text.ts'
import { renderLocal } from '../render/time.ts'
import type { Happening, What } from './between.ts'

const WHAT_WIDTH = 'backing-off'.length

/** @param idWidth so wide are the ids printed so far */
export function renderHappening({ at, id, what, why }: Happening, idWidth: number, colors: Colors): string {
  const cells = [colors.dim(renderLocal(at)), id.padEnd(idWidth), paintWhat(colors, what, what.padEnd(WHAT_WIDTH)), why === null ? '' : escapeControls(why)]
  return `${cells.join('  ').trimEnd()}\n`
}

function paintWhat(colors: Colors, what: What, text: string): string {
  switch (what) {
    case 'ready':
    case 'completed':
      return colors.green(text)
    case 'unhealthy':
    case 'failed':
    case 'gave-up':
    case 'orphaned':
      return colors.red(text)
    case 'backing-off':
    case 'stopping':
    case 'waiting':
    case 'cancelled':
      return colors.yellow(text)
    case 'started':
      return colors.bold(text)
    case 'created':
    case 'removed':
    case 'progressed':
    case 'noted':
      return colors.dim(text)
  }
}
