/** Starts a daemon: a program of its own, in a session of its own, that keeps nothing of the command that started it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ProcmanError } from '../../errors.ts'
import type { ApplyReport } from '../contract.ts'
import type { DaemonOptions, FromDaemon, ToDaemon } from './protocol.ts'

export interface StartedDaemon {
  /** What it has done of the config; null: it was given none. */
  readonly applied: Promise<ApplyReport | null>
}

export function daemonLogOf(stateDir: string): string {
  return join(stateDir, 'daemon.log')
}

/**
 * Settles once the daemon can be reached.
 * @param options.stateDir is there
 * @param env what it has, and what its processes inherit
 * @returns null when another manager can be reached instead
 * @throws what opening it threw there
 */
export async function startDaemon(options: DaemonOptions, env: Readonly<Record<string, string | undefined>>): Promise<StartedDaemon | null> {
  const child = spawnDaemon(options.stateDir, env)
  const words = new Words(child, daemonLogOf(options.stateDir))
  const first = words.next()
  child.send({ type: 'start', options } satisfies ToDaemon, () => {})
  const { type } = await first
  if (type === 'taken') return null
  return { applied: words.next().then((word) => (word.type === 'applied' ? word.report : null)) }
}

function spawnDaemon(stateDir: string, env: Readonly<Record<string, string | undefined>>): ChildProcess {
  // What Node itself says when it dies goes where the daemon's log goes.
  const stderr = openSync(daemonLogOf(stateDir), 'a', 0o600)
  try {
    // The extension is that of this file: .js once it is built.
    const entry = fileURLToPath(import.meta.url).replace(/start(\.[jt]s)$/, 'main$1')
    return spawn(process.execPath, [entry], { cwd: '/', detached: true, env, stdio: ['ignore', 'ignore', stderr, 'ipc'] })
  } finally {
    closeSync(stderr)
  }
}

/** What the daemon says, one after the other. Its end is told as an error. */
class Words {
  readonly #child: ChildProcess
  readonly #heard: FromDaemon[] = []
  #wake: () => void = () => {}
  #end: ProcmanError | null = null

  constructor(child: ChildProcess, log: string) {
    this.#child = child
    child.on('message', (word) => {
      this.#heard.push(word as FromDaemon)
      this.#wake()
    })
    const ended = (how: string) => {
      const message = `the daemon has ended (${how}) before it could be reached; ${log} may tell why`
      this.#end ??= new ProcmanError('PROCMAN_INTERNAL', message, { details: { path: log } })
      this.#wake()
    }
    child.on('error', (error) => ended(error.message))
    // Its last words may be read after its end was seen, and all of them have been once the channel is closed.
    const isGone = new Promise<string>((resolve) => child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`)))
    child.once('disconnect', () => void isGone.then(ended))
  }

  async next(): Promise<FromDaemon> {
    while (this.#heard.length === 0) {
      if (this.#end !== null) throw this.#end
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const word = this.#heard.shift() as FromDaemon
    if (word.type === 'serving') return word
    this.#leave()
    if (word.type === 'failed') throw new ProcmanError(word.code, word.message, { details: word.details })
    return word
  }

  /** It goes on without us. */
  #leave(): void {
    if (this.#child.connected) this.#child.disconnect()
    this.#child.unref()
  }
}
