/** Which run of each process is meant. */
import type { ProcessRecord } from '../../index.ts'
import { usageError } from '../report.ts'

/**
 * @param asked its number; 0: the last one; less: so many before the last
 * @returns of each process that has had such a run. @throws where one process is meant and has not had it
 */
export function runsOf(records: readonly ProcessRecord[], asked: number): ReadonlyMap<string, number> {
  const runs = new Map<string, number>()
  for (const { id, run: last } of records) {
    const run = asked > 0 ? asked : last + asked
    if (run >= 1 && run <= last) runs.set(id, run)
    else if (records.length === 1) throw noSuchRun(id, last, asked)
  }
  return runs
}

function noSuchRun(id: string, last: number, asked: number): Error {
  const had = last === 0 ? `${id} has not run yet` : `${id} has had ${last} ${last === 1 ? 'run' : 'runs'}`
  return usageError(`${had}; there is ${asked > 0 ? `no run ${asked}` : `none ${-asked} before the last`}`, { id, run: asked })
}
