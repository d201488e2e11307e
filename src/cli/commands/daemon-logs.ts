/** `daemon logs`: what the manager has written, and with `-f` what it writes. */
import { closeSync, fstatSync, openSync, readSync, watch } from 'node:fs'
import type { Cli } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { say, write } from '../io.ts'
import { parseCount } from '../parse/count.ts'
import { arePainted } from '../render/colors.ts'

export interface DaemonLogsOptions {
  readonly follow?: boolean
  readonly tail?: string
  readonly json?: boolean
}

/** A change that was not told is seen after so long. */
const LOOK_MS = 1_000

/** Sentences on a terminal, JSON lines elsewhere. */
export async function logs(cli: Cli, { follow, tail, json }: DaemonLogsOptions): Promise<number> {
  const count = tail === undefined ? Number.POSITIVE_INFINITY : parseCount(tail, '--tail')
  const { daemonLogOf } = await import('../../manager/daemon/start.ts')
  const path = daemonLogOf(await cli.stateDir())
  const toText = await textOf(cli, json === true)
  const log = new LogFile(path)
  try {
    const lines = log.read()
    if (lines === null && follow !== true) {
      await say(cli.io, `there is no log: no daemon has run in ${await cli.stateDir()}`)
      return EXIT.done
    }
    await write(
      cli.io.stdout,
      (lines ?? [])
        .slice(-count || Number.MAX_SAFE_INTEGER)
        .map(toText)
        .join(''),
    )
    if (follow === true) await followFile(cli, log, toText)
    return EXIT.done
  } finally {
    log.close()
  }
}

async function textOf(cli: Cli, isJson: boolean): Promise<(line: string) => string> {
  if (isJson || cli.io.stdout.isTTY !== true) return (line) => `${line}\n`
  const { prettyLine } = await import('../../manager/log/pretty.ts')
  return prettyLine(arePainted(cli.io))
}

async function followFile(cli: Cli, log: LogFile, toText: (line: string) => string): Promise<void> {
  const interrupted = new AbortController()
  const giveBack = (['SIGINT', 'SIGTERM'] as const).map((name) => cli.io.onSignal(name, () => interrupted.abort()))
  try {
    while (!interrupted.signal.aborted) {
      await changed(log.path, interrupted.signal)
      await write(cli.io.stdout, (log.read() ?? []).map(toText).join(''))
    }
  } finally {
    for (const off of giveBack) off()
  }
}

/** Whole lines of a file that is appended to, and replaced now and then. */
class LogFile {
  readonly path: string
  #fd: number | null = null
  #inode = 0
  #rest = Buffer.alloc(0)

  constructor(path: string) {
    this.path = path
  }

  /** @returns what came since the last time; null: there is no file */
  read(): readonly string[] | null {
    const before = this.#fd === null ? [] : this.#lines()
    if (!this.#open()) return this.#fd === null ? null : before
    return [...before, ...this.#lines()]
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd)
    this.#fd = null
  }

  /** @returns whether there is another file than before */
  #open(): boolean {
    let fd: number
    try {
      fd = openSync(this.path, 'r')
    } catch {
      return false
    }
    const { ino } = fstatSync(fd)
    if (this.#fd !== null && ino === this.#inode) {
      closeSync(fd)
      return false
    }
    this.close()
    this.#fd = fd
    this.#inode = ino
    return true
  }

  #lines(): readonly string[] {
    const chunks = [this.#rest]
    for (const chunk = Buffer.alloc(65_536); this.#fd !== null; ) {
      const size = readSync(this.#fd, chunk)
      if (size === 0) break
      chunks.push(Buffer.from(chunk.subarray(0, size)))
    }
    const all = Buffer.concat(chunks)
    const end = all.lastIndexOf(10) + 1
    this.#rest = Buffer.from(all.subarray(end))
    return end === 0
      ? []
      : all
          .subarray(0, end - 1)
          .toString()
          .split('\n')
  }
}

function changed(path: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      watcher?.close()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, LOOK_MS)
    let watcher: ReturnType<typeof watch> | undefined
    try {
      watcher = watch(path, done)
      watcher.on('error', done)
    } catch {
      // It is not there yet.
    }
    signal.addEventListener('abort', done, { once: true })
  })
}
