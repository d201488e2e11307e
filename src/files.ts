/** Small files that must be whole: replaced in one step, and read without trusting what lies there. */
import { closeSync, constants, fstatSync, openSync, readFileSync, renameSync, rmSync, watch, writeFileSync, writeSync } from 'node:fs'

/** Nothing that procman writes is larger: a command's arguments and environment are a few MB at most. */
const LARGEST_BYTES = 64 * 1024 * 1024

export type FileText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'missing' }
  /** There is something, but not a file that anybody could have written for us. */
  | { readonly kind: 'odd'; readonly reason: string }

/**
 * Reads without waiting and without following a link: a FIFO or a symlink in the file's place is odd, it is not read.
 * @throws what says nothing about the file itself and may pass: EMFILE, ENFILE, ENOMEM, EACCES, EIO
 */
export function readWhole(path: string): FileText {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'ENOENT') return { kind: 'missing' }
    if (code === 'ELOOP') return { kind: 'odd', reason: 'it is a symbolic link' }
    if (code === 'ENXIO' || code === 'ENOTDIR') return { kind: 'odd', reason: `it cannot be opened (${code})` }
    throw error
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) return { kind: 'odd', reason: 'it is not a regular file' }
    if (stat.size > LARGEST_BYTES) return { kind: 'odd', reason: `it has ${stat.size} bytes, more than procman ever writes` }
    return { kind: 'text', text: readFileSync(fd, 'utf8') }
  } finally {
    closeSync(fd)
  }
}

/** Replaces a file in one step: whoever reads it sees all of the old or all of the new. 0600. A failed attempt leaves the old one, and nothing beside it. */
export function replaceFile(path: string, text: string): void {
  withTemp(path, text, (temp) => renameSync(temp, path))
}

/** What fits into one page the kernel copies in one go: also when the writer is killed over it, all of it is there or nothing. */
const PAGE_BYTES = 4_096

/**
 * Replaces what is in a file, in the room that the file has already: for a disk on which there is none for another. Whoever reads it in that instant may see a part.
 * @returns false, with nothing changed, when it does not fit, or is not a file of ours
 */
export function overwriteFile(path: string, text: string): boolean {
  const bytes = Buffer.from(text)
  const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  try {
    const stat = fstatSync(fd)
    const room = Math.min(PAGE_BYTES, Math.max(stat.size, stat.blocks * 512))
    if (!stat.isFile() || stat.nlink !== 1 || stat.size > room || bytes.length > room) return false
    // JSON does not mind spaces behind it, and a file that is to be cut off as well could be left in between.
    const whole = Buffer.concat([bytes, Buffer.alloc(Math.max(0, stat.size - bytes.length), ' ')])
    return writeSync(fd, whole, 0, whole.length, 0) === whole.length
  } finally {
    closeSync(fd)
  }
}

/** Writes a file beside `path` and hands it over to be renamed or linked. What a killed manager left there, or somebody put there (a link, a FIFO), is not written to. */
export function withTemp(path: string, text: string | Uint8Array, use: (temp: string) => void): void {
  const temp = `${path}.tmp`
  try {
    try {
      writeNew(temp, text)
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
      rmSync(temp, { recursive: true, force: true })
      writeNew(temp, text)
    }
    use(temp)
  } catch (error) {
    rmSync(temp, { recursive: true, force: true })
    throw error
  }
}

function writeNew(path: string, text: string | Uint8Array): void {
  writeFileSync(path, text, { mode: 0o600, flag: 'wx' })
}

export function errnoOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error)
}

/** Resolves when something changes in a directory, or after a time. */
export function changeIn(path: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      watcher?.close()
      resolve()
    }
    const timer = setTimeout(done, Math.max(1, timeoutMs))
    let watcher: ReturnType<typeof watch> | undefined
    try {
      watcher = watch(path, done)
      watcher.on('error', () => {})
    } catch {
      // No watch to be had: the timer serves.
    }
  })
}
