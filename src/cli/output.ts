/** Printing lines without ever holding up the program: a terminal that is held (Ctrl-S) blocks a thread of the pool, not the one that manages. */
import { write as writeFd } from 'node:fs'
import { BrokenPipe, type OutputStream, write } from './io.ts'

export type Print = (text: string) => Promise<void>

/**
 * One after the other; each settles once it is taken, so whoever waits for it keeps the memory bounded.
 * Node writes to a terminal with a blocking write on the main thread, to everything else without blocking.
 */
export function printTo(stream: OutputStream): Print {
  const fd = stream.isTTY === true && 'fd' in stream && typeof stream.fd === 'number' ? stream.fd : null
  let last: Promise<void> = Promise.resolve()
  return (text) => {
    const printed = last.then(() => (fd === null ? write(stream, text) : writeAll(fd, Buffer.from(text))))
    last = printed.catch(() => undefined)
    return printed
  }
}

async function writeAll(fd: number, bytes: Buffer): Promise<void> {
  for (let rest = bytes; rest.length > 0; ) rest = rest.subarray(await writeSome(fd, rest))
}

function writeSome(fd: number, bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    writeFd(fd, bytes, (error, written) => {
      if (error === null) resolve(written)
      // The terminal has gone.
      else reject(error.code === 'EIO' ? new BrokenPipe() : error)
    })
  })
}
