/**
 * One manager at a time. The lock is a symbolic link whose target names its holder: symlink(2) makes it whole or not at all, only one can win, and it needs no
 * room on a full disk, where whoever wants to stop something or to remove it must get in.
 *
 * A lock whose holder is dead is replaced by whoever holds the right to replace it, which is a lock of the same kind beside it, named after the dead holder's
 * nonce. So a slow racer, who has seen the dead lock and goes on long after, can never touch the lock of a living manager: it has to take the right first,
 * and then looks again. Should the holder of the right die too, the same rule holds one level deeper.
 */
import { randomBytes } from 'node:crypto'
import { lstatSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { errnoOf, readWhole } from '../files.ts'
import type { Identity } from '../types.ts'
import { decodeFirstHolder, decodeHolder, encodeHolder, type LockHolder } from './lock-holder.ts'

export interface LockPorts {
  self(): Identity
  isAlive(identity: Identity): boolean
}

export type LockResult = { readonly kind: 'held'; readonly nonce: string } | { readonly kind: 'refused'; readonly holder: Identity }

/** A takeover by somebody else lasts about a ms; it is waited for, so that the refusal names the new holder. */
const TAKEOVER_PATIENCE_MS = 1_000
/** Begins the name of a directory that lay in the lock's place. */
export const NOT_A_LOCK = 'not-a-lock.'
const NOBODY: LockHolder = { identity: { pid: 0, start: '', boot: '' }, nonce: '' }

/** Takes the lock, or says who has it. Does not wait for the holder. */
export function takeLock(path: string, ports: LockPorts): LockResult {
  const nonce = randomBytes(8).toString('hex')
  const text = encodeHolder({ identity: ports.self(), nonce })
  const giveUpAtMs = performance.now() + TAKEOVER_PATIENCE_MS
  for (;;) {
    if (tryMake(path, text)) return { kind: 'held', nonce }
    const holder = readHolder(path)
    if (holder === null) continue
    if (ports.isAlive(holder.identity)) return { kind: 'refused', holder: holder.identity }
    const right = rightToReplace(path, holder)
    const taken = takeLock(right, ports)
    if (taken.kind === 'refused') {
      if (performance.now() > giveUpAtMs) return taken
      pause()
      continue
    }
    try {
      if (readHolder(path)?.nonce !== holder.nonce) continue
      // Whatever lies there instead of a lock is not ours to delete.
      if (holder === NOBODY && lstatSync(path).isDirectory()) renameSync(path, join(dirname(path), `${NOT_A_LOCK}${nonce}`))
      replace(path, text, nonce)
      return { kind: 'held', nonce }
    } finally {
      giveBack(right, taken.nonce)
    }
  }
}

/** However many takers have died one after the other, the names do not grow: what is replaced is told by its nonce. Only what has none of its own is told by its path. */
function rightToReplace(path: string, holder: LockHolder): string {
  if (holder === NOBODY) return `${path}.after-damaged`
  const right = `${path.replace(/\.after-[0-9a-f]+$/, '')}.after-${holder.nonce}`
  return right === path ? `${path}.after-${holder.nonce}` : right
}

/** A right that stays is worthless, and swept away: it must not cost what was won by it. */
function giveBack(right: string, nonce: string): void {
  try {
    releaseLock(right, nonce)
  } catch {
    // No descriptor or no permission for now.
  }
}

/** Gives the lock back; nothing when it is not ours any more. */
export function releaseLock(path: string, nonce: string): void {
  if (readHolder(path)?.nonce === nonce) unlinkSync(path)
}

/** Removes what takers that were killed have left beside the lock. Only for the holder. */
export function sweepLockLeftovers(path: string, ports: LockPorts): void {
  const prefix = `${basename(path)}.`
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(prefix)) continue
    const leftover = join(dirname(path), name)
    const holder = readHolder(leftover)
    if (holder !== null && !ports.isAlive(holder.identity)) rmSync(leftover, { recursive: true, force: true })
  }
}

/** @returns who holds the lock; null when nobody does. What is no lock is held by nobody that lives. */
export function readHolder(path: string): LockHolder | null {
  try {
    return decodeHolder(readlinkSync(path)) ?? NOBODY
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null
    if (errnoOf(error) === 'EINVAL') return readFile(path) // not a link
    throw error
  }
}

/** The first locks were files. */
function readFile(path: string): LockHolder | null {
  const found = readWhole(path)
  if (found.kind === 'missing') return null
  return (found.kind === 'text' ? decodeFirstHolder(found.text) : null) ?? NOBODY
}

function replace(path: string, text: string, nonce: string): void {
  const temp = `${path}.new-${nonce}`
  symlinkSync(text, temp)
  try {
    renameSync(temp, path)
  } catch (error) {
    rmSync(temp, { force: true })
    throw error
  }
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
}

function tryMake(path: string, text: string): boolean {
  try {
    symlinkSync(text, path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}
