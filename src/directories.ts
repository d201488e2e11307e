/** Directories of ours: made where they are missing, 0700, and never somebody else's that a link points to. */
import { randomBytes } from 'node:crypto'
import { existsSync, lstatSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Makes a directory of ours; something else that lies in its place is moved out of the way. */
export function makeRoom(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === false) renameSync(path, `${path}.${randomBytes(4).toString('hex')}`)
  makeDirs(path)
}

/** Not `mkdirSync` with `recursive`: where nothing can be made (/proc), Node 20 tries for ever. */
export function makeDirs(path: string): void {
  if (existsSync(path) && statSync(path).isDirectory()) return
  if (!existsSync(dirname(path))) makeDirs(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !statSync(path).isDirectory()) throw error
  }
}
