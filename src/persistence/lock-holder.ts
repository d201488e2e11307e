/**
 * The text of a lock: `<pid>:<start time>:<boot>:<nonce>`. Short, since file systems keep the target of a link in its inode only up to some length (ext4: 59
 * characters), and need a block of the disk for more.
 */
import type { Identity } from '../types.ts'

export interface LockHolder {
  readonly identity: Identity
  /** Of this one lock, also among several of the same holder. */
  readonly nonce: string
}

const TEXT = /^(\d{1,10}):([^:]*):([^:]*):([0-9a-f]{16})$/

export function encodeHolder({ identity: { pid, start, boot }, nonce }: LockHolder): string {
  return [pid, start, shorten(boot), nonce].join(':')
}

/** @returns null when it is not the text of a lock */
export function decodeHolder(text: string): LockHolder | null {
  const [, pid, start, boot, nonce] = TEXT.exec(text) ?? []
  if (pid === undefined || start === undefined || boot === undefined || nonce === undefined) return null
  return { identity: { pid: Number(pid), start, boot: lengthen(boot) }, nonce }
}

/** A lock of the first kind. @returns null when it is none */
export function decodeFirstHolder(text: string): LockHolder | null {
  try {
    const { pid, start, boot, nonce } = JSON.parse(text)
    const isHolder = Number.isSafeInteger(pid) && typeof start === 'string' && typeof boot === 'string' && /^[0-9a-f]{24}$/.test(nonce)
    return isHolder ? { identity: { pid, start, boot }, nonce } : null
  } catch {
    return null
  }
}

const UUID = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/
const SHORT = /^[A-Za-z0-9_-]{22}$/

/** A UUID in lower case, as Linux has it: 22 characters instead of 36. Everything else stays as it is. */
function shorten(boot: string): string {
  return UUID.test(boot) ? Buffer.from(boot.replaceAll('-', ''), 'hex').toString('base64url') : boot
}

function lengthen(boot: string): string {
  return SHORT.test(boot)
    ? Buffer.from(boot, 'base64url')
        .toString('hex')
        .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    : boot
}
