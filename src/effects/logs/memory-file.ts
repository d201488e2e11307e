/** The output of one run that its keeper holds in memory: an anonymous file, of which the head is let go of page by page, and reads as zeros then. */
import { closeSync, fstatSync, readSync } from 'node:fs'

const PAGE_BYTES = 4096
const BLOCK_BYTES = 512
const ZEROS = Buffer.alloc(PAGE_BYTES)

export interface HeldPiece {
  /** Of its first byte; beyond what was asked for when that was let go of. */
  readonly offset: number
  /** Empty: there is no more. */
  readonly data: Buffer
}

/** Synchronous: memory is never waited for. */
export class MemoryFile {
  readonly run: number
  readonly #fd: number
  readonly ino: string

  /** @param fd to be closed by this */
  constructor(run: number, fd: number) {
    this.run = run
    this.#fd = fd
    this.ino = String(fstatSync(fd, { bigint: true }).ino)
  }

  get size(): number {
    return fstatSync(this.#fd).size
  }

  /** Where the kernel tells of what is written. */
  get path(): string {
    return `/proc/self/fd/${this.#fd}`
  }

  /** The first byte that is still there. */
  get head(): number {
    const { size, blocks } = fstatSync(this.#fd)
    return Math.max(0, Math.ceil(size / PAGE_BYTES) * PAGE_BYTES - blocks * BLOCK_BYTES)
  }

  /** @param limit no byte from there on */
  read(offset: number, limit: number, most: number): HeldPiece {
    for (let at = Math.max(offset, this.head); ; ) {
      const length = Math.min(most, Math.min(limit, this.size) - at)
      if (length <= 0) return { offset: at, data: Buffer.alloc(0) }
      const buffer = Buffer.allocUnsafe(length)
      const data = buffer.subarray(0, readSync(this.#fd, buffer, 0, length, at))
      const gone = zeroPages(data, at)
      if (gone < data.length) return { offset: at + gone, data: data.subarray(gone) }
      at += Math.max(gone, 1)
    }
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** @returns how many bytes at the beginning are whole pages of zeros: let go of while they were read */
function zeroPages(data: Buffer, offset: number): number {
  let gone = 0
  for (let next = PAGE_BYTES - (offset % PAGE_BYTES); next <= data.length; next += PAGE_BYTES) {
    if (!data.subarray(gone, next).equals(ZEROS.subarray(0, next - gone))) return gone
    gone = next
  }
  return gone
}
