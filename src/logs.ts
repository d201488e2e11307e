/** Reading output that comes from elsewhere as that of a process of one's own is read: in pieces, by lines. */
import { lstatSync } from 'node:fs'
import { LogLook, oldestKept } from './effects/logs/arrivals/log-end.ts'
import { fromPosition, toPosition } from './effects/logs/position.ts'
import { readChild } from './effects/run/run-files.ts'
import { layoutOf } from './persistence/layout.ts'

export { type ChunkSource, LogAttachment } from './effects/logs/attach.ts'
export { LineSplitter } from './effects/logs/line-splitter.ts'
export { checkLogOptions, toMs } from './effects/logs/options.ts'
export { fromPosition, type LogPlaces, toPosition } from './effects/logs/position.ts'
export { callForEach, linesOf } from './effects/logs/watch.ts'

/** @returns the pid that the command of a run had; null: its run files are not kept any more */
export function pidOfRun(stateDir: string, id: string, run: number): number | null {
  try {
    return readChild(layoutOf(stateDir).jobDir(id), run)?.pid ?? null
  } catch {
    return null
  }
}

/** @param run that writes now, or wrote last. @returns the position behind all output that a process has now; empty: it has none */
export function positionAtEnd(stateDir: string, id: string, run: number): string {
  const jobDir = layoutOf(stateDir).jobDir(id)
  const places = (['stdout', 'stderr'] as const).flatMap((stream) => {
    const look = new LogLook(jobDir, stream)
    // While it is collapsed, a part of what there is counts as new.
    const offset = look.end()?.end ?? oldestKept(jobDir, stream)
    const live = lstatSync(look.path, { throwIfNoEntry: false })
    return live === undefined ? [] : [[stream, { file: String(live.ino), offset, run }]]
  })
  return toPosition(Object.fromEntries(places))
}

/** @returns how much output of a process there is behind a position, in bytes; behind an empty one, all that is kept */
export function bytesBehind(stateDir: string, id: string, position: string): number {
  const jobDir = layoutOf(stateDir).jobDir(id)
  const places = fromPosition(position)
  try {
    return (['stdout', 'stderr'] as const).reduce((sum, stream) => {
      const end = new LogLook(jobDir, stream).end()?.end ?? 0
      return sum + Math.max(0, end - (places[stream]?.offset ?? oldestKept(jobDir, stream)))
    }, 0)
  } catch {
    return 0
  }
}
