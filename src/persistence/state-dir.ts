/** A state directory before anybody writes to it: making it, listing what is in it, reading a state without trusting it. */
import { chmodSync, lstatSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { makeDirs, makeRoom } from '../directories.ts'
import { ProcmanError } from '../errors.ts'
import { errnoOf, readWhole } from '../files.ts'
import { decodeSnapshot, type ProcessSnapshot } from './codec.ts'
import type { Layout } from './layout.ts'
import { ID_PATTERN } from './spec-shape.ts'

export type Found =
  | { readonly kind: 'ok'; readonly id: string; readonly snapshot: ProcessSnapshot }
  | { readonly kind: 'damaged'; readonly id: string; readonly path: string; readonly reason: string }
  /** Something is in the way of reading it (no permission, no descriptor left) that says nothing about the state itself, and may pass. */
  | { readonly kind: 'unreadable'; readonly id: string; readonly path: string; readonly reason: string }
  /** A directory without state: a start that was cut off before anything was promised. */
  | { readonly kind: 'empty'; readonly id: string; readonly path: string }

/** Makes the state directory, or checks the one that is there. @throws PROCMAN_STATE_DIR_UNUSABLE */
export function prepareStateDir(layout: Layout): void {
  try {
    makeDirs(layout.root)
    makeDirs(layout.jobs)
    makeTrash(layout)
    const jobs = lstatSync(layout.jobs)
    // What it points to is somebody else's, who does not expect that things are moved and deleted there.
    if (jobs.isSymbolicLink()) throw Object.assign(new Error('it is a symbolic link'), { code: 'ELOOP', path: layout.jobs })
    if ((jobs.mode & 0o077) !== 0) chmodSync(layout.jobs, 0o700)
  } catch (error) {
    throw unusable(layout.root, error)
  }
}

/** Ahead of its use: when the disk is full, removing something is the way out. */
function makeTrash(layout: Layout): void {
  try {
    makeRoom(layout.trash)
  } catch {
    // Not in anybody's way yet: who removes something tries again, and is told.
  }
}

/** @returns the ids of all processes in the directory, in order; of a directory that is not there, none. @throws PROCMAN_STATE_DIR_UNUSABLE */
export function listIds(layout: Layout): readonly string[] {
  let names: string[]
  try {
    names = readdirSync(layout.jobs)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw unusable(layout.jobs, error)
  }
  return names.filter((name) => ID_PATTERN.test(name)).sort()
}

/** Reads the state of one process. Never throws, whatever lies there. */
export function readState(layout: Layout, id: string): Found {
  const path = layout.stateFile(id)
  try {
    const jobDir = layout.jobDir(id)
    // What it points to is somebody else's.
    if (lstatSync(jobDir, { throwIfNoEntry: false })?.isSymbolicLink()) return { kind: 'damaged', id, path: jobDir, reason: 'it is a symbolic link' }
    const found = readWhole(path)
    if (found.kind === 'missing') return { kind: 'empty', id, path: jobDir }
    if (found.kind === 'odd') return { kind: 'damaged', id, path, reason: found.reason }
    const decoded = decodeSnapshot(found.text, id)
    return decoded.kind === 'ok' ? { kind: 'ok', id, snapshot: decoded.snapshot } : { kind: 'damaged', id, path, reason: decoded.reason }
  } catch (error) {
    return { kind: 'unreadable', id, path, reason: `it cannot be read (${errnoOf(error)})` }
  }
}

function unusable(path: string, cause: unknown): ProcmanError {
  const { code, message, path: culprit = path } = cause as NodeJS.ErrnoException
  const where = culprit === path ? '' : `${culprit}: `
  return new ProcmanError('PROCMAN_STATE_DIR_UNUSABLE', `the state directory ${path} cannot be used (${where}${code ?? message})`, {
    details: { path: culprit, errno: code },
    cause,
  })
}

/** Deletes a directory if there is nothing in it. */
export function removeEmpty(path: string): void {
  try {
    rmdirSync(path)
  } catch {
    // Not empty, not there any more, or in nobody's way: the next manager looks again.
  }
}

/** Deletes a directory in which nothing was promised. */
export function removeUnpromised(path: string): void {
  rmSync(path, { recursive: true, force: true })
}
