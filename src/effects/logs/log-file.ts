/** The file that a log is: told apart from others that come to lie at its path, and opened without trusting what lies there. */
import { type BigIntStats, constants, fstatSync, lstatSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { ProcmanError } from '../../errors.ts'
import { errnoOf } from '../../files.ts'

/** Without waiting: a FIFO that somebody has put there would hold a thread for ever. Without following: what a link points to is not ours to show. */
export const READ = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW

/** A file as it was when it was looked at. */
export interface FileLook {
  readonly dev: bigint
  readonly ino: bigint
  /** 0 for what is no regular file. */
  readonly size: number
  /** When it was last written to, or cut. */
  readonly mtimeNs: bigint
  /** Nothing else is ever a log: keepers refuse to write to anything else, and nothing else is read. */
  readonly isRegular: boolean
}

/** @returns null when there is nothing. @throws PROCMAN_LOG_UNREADABLE */
export function lookAt(path: string): FileLook | null {
  try {
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    return stat === undefined ? null : toLook(stat)
  } catch (error) {
    throw unreadable(path, error)
  }
}

export function lookInto(fd: number): FileLook {
  return toLook(fstatSync(fd, { bigint: true }))
}

export function isSameFile(one: FileLook | null, other: FileLook | null): boolean {
  return one !== null && other !== null && one.ino === other.ino && one.dev === other.dev
}

/** Where the kernel shows an open file, wherever that lies by now. Not on every system. */
export function pathOfOpen(file: FileHandle): string {
  return `/proc/self/fd/${file.fd}`
}

/** @returns null when there is nothing. @throws PROCMAN_LOG_UNREADABLE, also for what is no regular file */
export async function openLog(path: string): Promise<FileHandle | null> {
  let file: FileHandle
  try {
    file = await open(path, READ)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null
    throw unreadable(path, error)
  }
  if (lookInto(file.fd).isRegular) return file
  await file.close()
  throw unreadable(path, Object.assign(new Error('it is not a regular file'), { code: 'EINVAL' }))
}

/** What stands in the way of reading a log, said with the path. What has been said so already stays as it is. */
export function unreadable(path: string, cause: unknown): ProcmanError {
  if (cause instanceof ProcmanError) return cause
  const errno = errnoOf(cause)
  const reason = errno === 'ELOOP' ? 'it is a symbolic link' : cause instanceof Error ? cause.message : String(cause)
  return new ProcmanError('PROCMAN_LOG_UNREADABLE', `the log ${path} cannot be read: ${reason}`, { details: { path, errno }, cause })
}

function toLook(stat: BigIntStats): FileLook {
  const isRegular = stat.isFile()
  return { dev: stat.dev, ino: stat.ino, size: isRegular ? Number(stat.size) : 0, mtimeNs: stat.mtimeNs, isRegular }
}
