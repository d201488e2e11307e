/** What a command may touch of the world outside of procman: streams, environment, clock, signals. Tests give their own. */
import type { Readable, Writable } from 'node:stream'

export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number }

export type HandledSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

export interface Io {
  readonly stdin: Readable
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  nowMs(): number
  /** From now on the signal is ours; the returned function gives it back. */
  onSignal(signal: HandledSignal, handler: () => void): () => void
}

/** The reader of our output has gone (`| head`). Not a failure: there is just nobody left to print for. */
export class BrokenPipe extends Error {
  override readonly name = 'BrokenPipe'
}

/**
 * Writes and settles once the stream has passed it on, so that memory stays bounded and nothing is lost at exit. Nothing to write: settles at once.
 * @throws BrokenPipe when nobody reads any more
 */
export function write(stream: OutputStream, data: string | Uint8Array): Promise<void> {
  if (data.length === 0) return Promise.resolve()
  return new Promise((resolve, reject) => {
    stream.write(data, (error) => {
      if (error === null || error === undefined) resolve()
      else reject(isBrokenPipe(error) ? new BrokenPipe() : error)
    })
  })
}

/** Says something on stderr. That nobody listens there is not a reason to fail. */
export async function say(io: Pick<Io, 'stderr'>, sentence: string): Promise<void> {
  await write(io.stderr, `procman: ${sentence}\n`).catch(() => undefined)
}

/** EIO is what a terminal that has been closed answers. */
function isBrokenPipe(error: Error): boolean {
  const code = 'code' in error ? error.code : undefined
  return code === 'EPIPE' || code === 'EIO' || code === 'ERR_STREAM_DESTROYED'
}

/** The real world. */
export function processIo(): Io {
  // Without a listener an EPIPE would end the program with a stack trace; `write` reports it where it happens.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  return {
    // Only opened by the command that reads it: the getter makes a stream of descriptor 0.
    get stdin() {
      return process.stdin
    },
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    get cwd() {
      return process.cwd()
    },
    nowMs: Date.now,
    onSignal(signal, handler) {
      process.on(signal, handler)
      return () => process.off(signal, handler)
    },
  }
}
