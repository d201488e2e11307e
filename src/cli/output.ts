/** Printing without ever holding up the program: Node writes to a terminal with a blocking write on the main thread, and a terminal that is held (Ctrl-S) would hold everything. */
import { write as writeFd } from 'node:fs'
import { Writable } from 'node:stream'
import { type Io, type OutputStream, write } from './io.ts'

export type Print = (text: string) => Promise<void>

/** The same world, with a stdout and a stderr that hold up a thread of the pool at most. */
export function unblocked(io: Io): Io {
  // What is a getter there stays one.
  return Object.create(io, { stdout: { value: unblockedStream(io.stdout) }, stderr: { value: unblockedStream(io.stderr) } })
}

/** Each settles once it is taken, so whoever waits for it keeps the memory bounded. */
export function printTo(stream: OutputStream): Print {
  return (text) => write(stream, text)
}

function unblockedStream(stream: OutputStream): OutputStream {
  const fd = stream.isTTY === true && 'fd' in stream && typeof stream.fd === 'number' ? stream.fd : null
  if (fd === null) return stream
  const writable = new Writable({
    write(chunk: Buffer, _encoding, done) {
      writeAll(fd, chunk, done)
    },
  })
  // A terminal that has gone is told to whoever writes.
  writable.on('error', () => {})
  return Object.assign(writable, { isTTY: true, ...(stream.columns === undefined ? {} : { columns: stream.columns }) })
}

function writeAll(fd: number, bytes: Buffer, done: (error?: Error | null) => void): void {
  writeFd(fd, bytes, (error, written) => {
    if (error !== null) done(error)
    else if (written < bytes.length) writeAll(fd, bytes.subarray(written), done)
    else done()
  })
}
