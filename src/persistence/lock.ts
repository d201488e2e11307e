/**
 * One manager at a time. The lock is a file that names its holder; it is made with link(2), which only one can win.
 *
 * A lock whose holder is dead is replaced by whoever holds the right to replace it, which is a lock of the same kind beside it, named after the dead holder's
 * nonce. So a slow racer, who has seen the dead lock and goes on long after, can never touch the lock of a living manager: it has to take the right first,
 * and then looks again. Should the holder of the right die too, the same rule holds one level deeper.
 */
import { randomBytes } from 'node:crypto'
import { linkSync, lstatSync, readdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { readWhole } from '../files.ts'
import type { Identity } from '../types.ts'

export interface LockHolder {
  readonly identity: Identity
  readonly nonce: string
}

export interface LockPorts {
  self(): Identity
  isAlive(identity: Identity): boolean
}

export type LockResult = { readonly kind: 'held'; readonly nonce: string } | { readonly kind: 'refused'; readonly holder: Identity }

/** A takeover by somebody else lasts about a ms; it is waited for, so that the refusal names the new holder. */
const TAKEOVER_PATIENCE_MS = 1_000
const WRITING_PATIENCE_MS = 60_000
const DAMAGED = 'damaged'

/** Takes the lock, or says who has it. Does not wait for the holder. */
export function takeLock(path: string, ports: LockPorts): LockResult {
  const nonce = randomBytes(12).toString('hex')
  const temp = `${path}.new-${nonce}`
  try {
    writeFileSync(temp, JSON.stringify({ v: 1, ...ports.self(), nonce }), { mode: 0o600, flag: 'wx' })
    return takeWith(temp, path, nonce, ports)
  } finally {
    rmSync(temp, { force: true })
  }
}

function takeWith(temp: string, path: string, nonce: string, ports: LockPorts): LockResult {
  const giveUpAtMs = performance.now() + TAKEOVER_PATIENCE_MS
  for (;;) {
    if (tryLink(temp, path)) return { kind: 'held', nonce }
    const holder = readHolder(path)
    if (holder === null) continue
    if (ports.isAlive(holder.identity)) return { kind: 'refused', holder: holder.identity }
    const right = `${path}.after-${holder.nonce}`
    const taken = takeLock(right, ports)
    if (taken.kind === 'refused') {
      if (performance.now() > giveUpAtMs) return taken
      pause()
      continue
    }
    try {
      if (readHolder(path)?.nonce !== holder.nonce) continue
      // Whatever lies there instead of a lock is not ours to delete.
      if (holder.nonce === DAMAGED && lstatSync(path).isDirectory()) renameSync(path, join(dirname(path), `not-a-lock.${nonce}`))
      renameSync(temp, path)
      return { kind: 'held', nonce }
    } finally {
      releaseLock(right, taken.nonce)
    }
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
    if (holder === null || ports.isAlive(holder.identity)) continue
    if (holder.nonce !== DAMAGED || isOld(leftover)) rmSync(leftover, { recursive: true, force: true })
  }
}

/** A living racer may be about to write the file that cannot be read yet. */
function isOld(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  return stat !== undefined && Date.now() - stat.mtimeMs > WRITING_PATIENCE_MS
}

/** @returns who holds the lock; null when nobody does. What cannot be read is held by nobody that lives. */
export function readHolder(path: string): LockHolder | null {
  const found = readWhole(path)
  if (found.kind === 'missing') return null
  try {
    const { pid, start, boot, nonce } = JSON.parse(found.kind === 'text' ? found.text : '')
    if (Number.isSafeInteger(pid) && typeof start === 'string' && typeof boot === 'string' && /^[0-9a-f]{24}$/.test(nonce)) {
      return { identity: { pid, start, boot }, nonce }
    }
  } catch {
    // Falls through: a damaged lock is nobody's.
  }
  return { identity: { pid: 0, start: '', boot: '' }, nonce: DAMAGED }
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
}

function tryLink(temp: string, path: string): boolean {
  try {
    linkSync(temp, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}
