/** Has keepers started: by the spawner, so that the event loop never forks, or one by one where only the keeper in Node can run. */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { errnoOf } from '../../files.ts'
import { readStat } from './identity.ts'
import type { KeeperProgram } from './keeper-program.ts'

/**
 * What came of asking for a keeper. The truth is in the run files; this only says when to look. `launched`: the command is being executed. `rung`: something
 * has come of it, or nothing has been heard for long.
 */
export type Bell = { readonly kind: 'launched' | 'rung' } | { readonly kind: 'failed'; readonly errno: string }

export interface KeeperStarter {
  /** Has a keeper started for the run whose intent is in `jobDir`. `onBell` is called at most once. @returns a function that stops listening */
  start(jobDir: string, run: number, token: string, onBell: (bell: Bell) => void): () => void
  close(): void
}

export function createKeeperStarter(program: KeeperProgram): KeeperStarter {
  return program.kind === 'native' ? new Spawner(program.path) : new NodeStarter(program.path)
}

interface Request {
  readonly jobDir: string
  readonly run: number
  readonly onBell: (bell: Bell) => void
  /** Runs out when a keeper that was asked for does not answer: it was killed before it could. */
  patience: NodeJS.Timeout | undefined
  tries: number
}

const MAX_TRIES = 3
/** More at once would only crowd the processors, and hold up the event loop with them. */
const MAX_ASKED = 8
/** Nobody should need so long to start a command; then it is worth a look at the run files. */
const PATIENCE_MS = 2_000

/** One helper process for the life of the manager. Should it die, what was asked and not answered is asked again: claims make that harmless. */
class Spawner implements KeeperStarter {
  readonly #path: string
  readonly #waiting = new Map<string, Request>()
  readonly #asked = new Map<string, Request>()
  #helper: ChildProcess | null = null
  #lines = ''
  #isClosed = false

  constructor(path: string) {
    this.#path = path
  }

  start(jobDir: string, run: number, token: string, onBell: (bell: Bell) => void): () => void {
    if (this.#isClosed) return () => {}
    const request: Request = { jobDir, run, onBell, patience: undefined, tries: 0 }
    this.#waiting.set(token, request)
    this.#askNext()
    return () => {
      if (this.#waiting.get(token) === request || this.#asked.get(token) === request) this.#forget(token)
    }
  }

  close(): void {
    this.#isClosed = true
    for (const request of this.#asked.values()) clearTimeout(request.patience)
    this.#waiting.clear()
    this.#asked.clear()
    this.#helper?.stdin?.end()
    this.#helper?.stdout?.destroy()
    this.#helper = null
  }

  #askNext(): void {
    for (const [token, request] of this.#waiting) {
      if (this.#asked.size >= MAX_ASKED) return
      this.#waiting.delete(token)
      this.#asked.set(token, request)
      this.#ask(token, request)
    }
  }

  #ask(token: string, request: Request): void {
    request.tries += 1
    clearTimeout(request.patience)
    try {
      holdLoop(this.#helper ?? this.#begin(), true)
    } catch (error) {
      // No descriptors left for its pipes, for instance.
      return queueMicrotask(() => this.#answer(token, { kind: 'failed', errno: errnoOf(error) }))
    }
    request.patience = setTimeout(() => this.#lookAround(token), PATIENCE_MS)
    if (this.#lines === '') queueMicrotask(() => this.#flush())
    this.#lines += `${request.jobDir}\trun-${request.run}\n`
  }

  /** A helper that somebody has stopped (SIGSTOP cannot be ignored) is as good as dead: another takes its place, and is asked again. */
  #lookAround(token: string): void {
    const helper = this.#helper
    if (helper?.pid === undefined || process.platform !== 'linux' || !readStat(helper.pid)?.isStopped) return this.#answer(token, { kind: 'rung' })
    helper.kill('SIGKILL')
    this.#lost(helper, 'EPIPE')
  }

  /** What is asked for in one go is written in one go: each write wakes the helper up. */
  #flush(): void {
    const lines = this.#lines
    this.#lines = ''
    this.#helper?.stdin?.write(lines)
  }

  #begin(): ChildProcess {
    const helper = spawn(this.#path, ['spawn'], { cwd: '/', detached: true, stdio: ['pipe', 'pipe', 'ignore'] })
    this.#helper = helper
    helper.unref()
    helper.stdin?.on('error', () => {})
    helper.on('error', (error) => this.#lost(helper, errnoOf(error)))
    // One that could not be started has no pipes.
    if (helper.stdout) onLines(helper.stdout, (line) => this.#hear(line))
    helper.on('exit', () => this.#lost(helper, 'EPIPE'))
    return helper
  }

  #hear(line: string): void {
    if (line.startsWith('E\t')) this.#hearFailure(line)
    else this.#answer(line.slice(0, line.lastIndexOf(' ')), { kind: kindOf(line) })
  }

  #hearFailure(line: string): void {
    const [, jobDir, run, errno] = line.split('\t')
    for (const [token, request] of this.#asked) {
      if (request.jobDir === jobDir && `run-${request.run}` === run) this.#answer(token, { kind: 'failed', errno: errno ?? 'EUNKNOWN' })
    }
  }

  #answer(token: string, bell: Bell): void {
    const request = this.#asked.get(token)
    this.#forget(token)
    request?.onBell(bell)
  }

  #forget(token: string): void {
    clearTimeout(this.#asked.get(token)?.patience)
    this.#asked.delete(token)
    this.#waiting.delete(token)
    this.#askNext()
    if (this.#asked.size === 0 && this.#helper !== null) holdLoop(this.#helper, false)
  }

  #lost(helper: ChildProcess, errno: string): void {
    if (this.#helper !== helper || this.#isClosed) return
    this.#helper = null
    this.#lines = ''
    helper.stdout?.destroy()
    for (const [token, request] of [...this.#asked]) {
      if (request.tries >= MAX_TRIES) this.#answer(token, { kind: 'failed', errno })
      else this.#ask(token, request)
    }
  }
}

/** Starts the keeper in Node by itself: one fork of this process for each run. */
class NodeStarter implements KeeperStarter {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  start(jobDir: string, run: number, _token: string, onBell: (bell: Bell) => void): () => void {
    let isOver = false
    const bell = (said: Bell) => {
      if (isOver) return
      isOver = true
      onBell(said)
    }
    const keeper = spawn(process.execPath, [this.#path, 'keep', `run-${run}`, '3'], {
      cwd: jobDir,
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    })
    keeper.unref()
    keeper.on('error', (error) => bell({ kind: 'failed', errno: errnoOf(error) }))
    const pipe = keeper.stdio?.[3] as Readable | undefined
    if (pipe !== undefined) onLines(pipe, (line) => bell({ kind: kindOf(line) }))
    pipe?.on('close', () => bell({ kind: 'rung' }))
    return () => {
      isOver = true
      pipe?.destroy()
    }
  }

  close(): void {}
}

function kindOf(line: string): 'launched' | 'rung' {
  return line.endsWith(' L') ? 'launched' : 'rung'
}

/** While an answer is awaited, the host program must not end for want of work; afterwards the helper must not keep it alive. */
function holdLoop(helper: ChildProcess, hold: boolean): void {
  const stdout = helper.stdout as (Readable & { ref?(): void; unref?(): void }) | null
  if (hold) stdout?.ref?.()
  else stdout?.unref?.()
  const stdin = helper.stdin as unknown as { ref?(): void; unref?(): void } | null
  stdin?.unref?.()
}

function onLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('error', () => {})
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
  })
}
