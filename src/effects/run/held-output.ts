/** Output that a keeper holds in memory. Linux. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { errnoOf } from '../../files.ts'
import { isAlive } from './identity.ts'
import { readChild, readClaim } from './run-files.ts'

const READ = constants.O_RDONLY | constants.O_NONBLOCK
/** The keeper has left meanwhile, or is not ours to look at. */
const GONE = ['ENOENT', 'ESRCH', 'EACCES', 'EPERM']

/** @returns a descriptor to be closed; null: the keeper does not hold it, or has left, and it with it */
export function openHeldOutput(jobDir: string, run: number, stream: 'stdout' | 'stderr'): number | null {
  const number = readChild(jobDir, run)?.[`${stream}Fd`] ?? null
  const claim = readClaim(jobDir, run)
  if (number === null || claim?.kind !== 'keeper' || !isAlive(claim.keeper)) return null
  const fd = openQuietly(`/proc/${claim.keeper.pid}/fd/${number}`)
  // Its pid may be somebody else's by now: then what was opened is, too.
  if (fd === null || (isAlive(claim.keeper) && fstatSync(fd).isFile())) return fd
  closeSync(fd)
  return null
}

function openQuietly(path: string): number | null {
  try {
    return openSync(path, READ)
  } catch (error) {
    if (GONE.includes(errnoOf(error))) return null
    throw error
  }
}
