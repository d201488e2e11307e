/** Waiting until a group of processes has come to where it stays. */
import type { ProcessRecord } from '../index.ts'
import type { ProcessTable, RecordAtom } from '../table.ts'
import { callAfter } from '../timers.ts'
import { type Progress, progressOf } from './settling.ts'

type Look = (progress: ReadonlyMap<string, Progress>, records: readonly ProcessRecord[]) => boolean

/** Resolves when none is under way any more, or after a time. @returns how each is then */
export function untilSettled(table: ProcessTable, isWanted: (record: ProcessRecord) => boolean, timeoutMs: number): Promise<ReadonlyMap<string, Progress>> {
  return untilProgress(table, isWanted, (progress) => [...progress.values()].every(({ kind }) => kind !== 'under-way'), { timeoutMs })
}

/** Looks at each change of one of them, and when one comes or goes. Resolves when it is so; when the time is over or the signal aborts, with how it is then. */
export function untilProgress(
  table: ProcessTable,
  isWanted: (record: ProcessRecord) => boolean,
  isSo: Look,
  { timeoutMs = Number.POSITIVE_INFINITY, signal }: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<ReadonlyMap<string, Progress>> {
  return new Promise((resolve) => {
    const watched = new Map<RecordAtom, { unsubscribe(): void }>()
    let isLooking = false
    let isOver = false
    const now = () => {
      const records = [...table.getSnapshot().context.processes.values()].map((atom) => atom.get()).filter(isWanted)
      return { records, progress: progressOf(records) }
    }
    const finish = () => {
      if (isOver) return
      isOver = true
      stopTimer()
      arrivals.unsubscribe()
      for (const each of watched.values()) each.unsubscribe()
      signal?.removeEventListener('abort', finish)
      resolve(now().progress)
    }
    const look = () => {
      isLooking = false
      if (isOver) return
      const { records, progress } = now()
      if (isSo(progress, records)) finish()
    }
    // However many change at once, it is looked once.
    const lookSoon = () => {
      if (isLooking) return
      isLooking = true
      setImmediate(look)
    }
    const follow = () => {
      const atoms = new Set(table.getSnapshot().context.processes.values())
      for (const atom of atoms) if (!watched.has(atom)) watched.set(atom, atom.subscribe(lookSoon))
      for (const [atom, each] of watched) {
        if (atoms.has(atom)) continue
        each.unsubscribe()
        watched.delete(atom)
      }
      lookSoon()
    }
    const stopTimer = callAfter(timeoutMs, finish)
    const arrivals = table.subscribe(follow)
    signal?.addEventListener('abort', finish, { once: true })
    follow()
  })
}
