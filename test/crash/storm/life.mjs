// One manager's life, seen from outside: it is spawned, told what to do, and killed.
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MANAGER = fileURLToPath(new URL('manager.mjs', import.meta.url))
/** A reader beside them is watched in the same way. */
export const READER = fileURLToPath(new URL('beside.mjs', import.meta.url))

export class Life {
  /** Resolves with how it ended: { code, signal }. */
  over
  isOver = false
  #child
  #marks = new Map()
  #waiting = new Map()
  #path
  #heard = 0

  /** @param path of its journal; what it says on stderr is beside it */
  constructor(settings, path, program = MANAGER) {
    this.#path = path
    const files = [openSync(path, 'a'), openSync(`${path}.err`, 'a')]
    // In a session of its own: Ctrl-C is for the driver.
    this.#child = spawn(process.execPath, [program, JSON.stringify(settings)], { stdio: ['pipe', ...files, 'pipe'], cwd: '/', detached: true })
    for (const file of files) closeSync(file)
    this.#child.stdin.on('error', () => {})
    this.#child.stdio[3].on('error', () => {})
    createInterface({ input: this.#child.stdio[3] }).on('line', (line) => this.#hear(JSON.parse(line)))
    this.over = new Promise((resolve) => this.#child.once('exit', (code, signal) => resolve({ code, signal }))).then((how) => {
      this.isOver = true
      for (const waiting of this.#waiting.values()) waiting(null)
      return how
    })
  }

  get pid() {
    return this.#child.pid
  }

  /** Resolves with what came along with the mark; null when it is over before. */
  mark(name) {
    if (this.isOver || this.#marks.has(name)) return Promise.resolve(this.#marks.get(name) ?? null)
    return new Promise((resolve) => this.#waiting.set(name, resolve))
  }

  async list() {
    this.#marks.delete('list')
    this.#child.stdin.write('list\n')
    return this.mark('list')
  }

  go() {
    this.#child.stdin.write('go\n')
  }

  /** It issues nothing more until it is told to go on. Resolves once all calls have settled; with null when it is over before. */
  hold() {
    this.#marks.delete('held')
    this.#child.stdin.write('hold\n')
    return this.mark('held')
  }

  kill() {
    if (!this.isOver) this.#child.kill('SIGKILL')
  }

  /** What it has told since the last time. */
  news() {
    const entries = this.journal().slice(this.#heard)
    this.#heard += entries.length
    return entries
  }

  journal() {
    const lines = readFileSync(this.#path, 'utf8').split('\n')
    lines.pop()
    return lines.map((line) => JSON.parse(line))
  }

  stderr() {
    return readFileSync(`${this.#path}.err`, 'utf8').slice(-4_000)
  }

  #hear(message) {
    this.#marks.set(message.mark, message)
    this.#waiting.get(message.mark)?.(message)
    this.#waiting.delete(message.mark)
  }
}
