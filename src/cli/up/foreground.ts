/** `up`: stays, shows the output of all that is declared, and stops it in order when it is told to end. */
import { closeSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ProcessRecord } from '../../index.ts'
import type { Cli } from '../context.ts'
import { EXIT, exitCodeOfRecord, exitCodeOfSignal } from '../exit-codes.ts'
import { followAll } from '../follow-all.ts'
import { type HandledSignal, say } from '../io.ts'
import { printTo, unblocked } from '../output.ts'
import { prefixesFor } from '../render/prefix.ts'
import { escapeControls } from '../render/text.ts'
import { usageError } from '../report.ts'
import { reportApply } from '../report-apply.ts'
import { untilProgress } from '../until-settled.ts'
import type { UpAsked } from './asked.ts'
import { openSession, type Session } from './session.ts'

type End =
  | { readonly kind: 'interrupted'; readonly signal: HandledSignal }
  | { readonly kind: 'hung-up' }
  /** The manager was told to end by somebody else. */
  | { readonly kind: 'ended'; readonly reason: string }
  /** Nothing is up, and nothing will be. */
  | { readonly kind: 'over'; readonly code: number }
  /** The process whose code is asked for. */
  | { readonly kind: 'exited'; readonly record: ProcessRecord }

const EXIT_OF_HANGUP = 128 + 1
/** What was printed by then is shown; a terminal that takes nothing is not waited for. */
const LAST_WORDS_MS = 2_000

export async function upForeground(given: Cli, asked: UpAsked): Promise<number> {
  const cli = { ...given, io: unblocked(given.io) }
  if (asked.exitCodeFrom !== null) await mustBeDeclared(asked, asked.exitCodeFrom)
  const ends = new Ends(cli)
  try {
    const session = await openSession(cli, asked)
    const code = await new Foreground(cli, asked, session, ends).run()
    if (code === EXIT_OF_HANGUP) ends.die()
    return code
  } finally {
    ends.close()
  }
}

async function mustBeDeclared({ config }: UpAsked, id: string): Promise<void> {
  const { loadProject } = await import('../../config/load.ts')
  const { processes } = await loadProject({ path: config.path, cwd: dirname(config.path), env: config.env })
  if (processes.some((each) => each.id === id)) return
  const ids = processes.map((each) => each.id).join(', ')
  throw usageError(`--exit-code-from ${JSON.stringify(id)}: ${config.path} declares no such process; it declares ${ids === '' ? 'none' : ids}`)
}

class Foreground {
  readonly #cli: Cli
  readonly #asked: UpAsked
  readonly #session: Session
  readonly #ends: Ends
  readonly #isOurs: (record: ProcessRecord) => boolean

  constructor(cli: Cli, asked: UpAsked, session: Session, ends: Ends) {
    this.#cli = cli
    this.#asked = asked
    this.#session = session
    this.#ends = ends
    const origin = dirname(asked.config.path)
    this.#isOurs = (record) => record.origin === origin
  }

  async run(): Promise<number> {
    const stopFollowing = await this.#follow()
    this.#ends.onReload = () => this.#session.reload()
    void this.#session.ended.then((reason) => this.#ends.tell({ kind: 'ended', reason }))
    const watching = new AbortController()
    this.#bringUp(watching.signal).catch((error: unknown) => this.#ends.fail(error))
    try {
      const end = await this.#ends.first
      watching.abort()
      return await this.#answer(end)
    } finally {
      watching.abort()
      await stopFollowing()
      await this.#session.close('up has ended')
    }
  }

  async #bringUp(signal: AbortSignal): Promise<void> {
    const report = await this.#session.apply()
    await reportApply(this.#cli, report, { to: 'stderr' })
    const { exitCodeFrom, isWatched } = this.#asked
    if (exitCodeFrom !== null) {
      // One that has ended before is to be run anew: its code is what is asked for.
      const isOld = report.lines.some(({ id, action }) => id === exitCodeFrom && action === 'keep') && isSettled(this.#recordOf(exitCodeFrom))
      if (isOld) await this.#session.source.restart(exitCodeFrom)
      await this.#untilExited(exitCodeFrom, signal)
    } else if (!isWatched) await this.#untilOver(signal, report.failures.length > 0)
  }

  async #untilExited(id: string, signal: AbortSignal): Promise<void> {
    const { table } = this.#session.source
    const isOver = () => isSettled(this.#recordOf(id))
    const progress = await untilProgress(table, this.#isOurs, (all) => isOver() || all.get(id)?.kind === 'failed' || !all.has(id), { signal })
    const record = this.#recordOf(id)
    if (signal.aborted) return
    const each = progress.get(id)
    if (each?.kind === 'failed') await say(this.#cli.io, `${id}: ${escapeControls(each.reason)}`)
    if (record !== null) this.#ends.tell({ kind: 'exited', record })
    else this.#ends.tell({ kind: 'over', code: EXIT.failed })
  }

  async #untilOver(signal: AbortSignal, hasFailed: boolean): Promise<void> {
    const { table } = this.#session.source
    const progress = await untilProgress(table, this.#isOurs, (all) => [...all.values()].every(({ kind }) => kind === 'done' || kind === 'failed'), { signal })
    if (signal.aborted) return
    const failed = [...progress].flatMap(([id, each]) => (each.kind === 'failed' ? [{ id, reason: each.reason }] : []))
    for (const { id, reason } of failed) await say(this.#cli.io, `${id}: ${escapeControls(reason)}`)
    this.#ends.tell({ kind: 'over', code: failed.length > 0 || hasFailed ? EXIT.failed : EXIT.done })
  }

  async #answer(end: End): Promise<number> {
    switch (end.kind) {
      case 'interrupted':
        await this.#stopAll(`${end.signal === 'SIGINT' ? 'Ctrl-C' : end.signal}: stopping`)
        return exitCodeOfSignal(end.signal)
      case 'exited':
        await this.#stopAll(`${end.record.id} has ended: stopping the others`)
        return exitCodeOfRecord(end.record)
      case 'hung-up':
        return EXIT_OF_HANGUP
      case 'ended':
        void say(this.#cli.io, `the manager has ended (${end.reason}); what runs goes on`)
        return EXIT.done
      case 'over':
        void say(this.#cli.io, 'everything has ended')
        return end.code
    }
  }

  async #stopAll(why: string): Promise<void> {
    const { io } = this.#cli
    // Nobody waits for the terminal.
    void say(io, `${why}, dependents first; Ctrl-C kills at once`)
    this.#ends.onAgain = () => {
      void say(io, 'killing what is left')
      this.#session.stopAll(0).catch(() => undefined)
    }
    const { failures } = await this.#session.stopAll()
    for (const { id, message } of failures) void say(io, `${id}: ${escapeControls(message)}`)
  }

  async #follow(): Promise<() => Promise<void>> {
    if (!this.#asked.showsLogs) return async () => undefined
    const { io } = this.#cli
    const { source } = this.#session
    const prefix = await prefixesFor(io, [])
    return followAll({
      source,
      isWanted: this.#isOurs,
      print: { stdout: printTo(io.stdout), stderr: printTo(io.stderr) },
      prefix,
      patienceMs: LAST_WORDS_MS,
      onTrouble: (id, error) => void say(io, `the output of ${id} cannot be followed: ${error instanceof Error ? error.message : String(error)}`),
    })
  }

  #recordOf(id: string): ProcessRecord | null {
    return this.#session.source.table.getSnapshot().context.processes.get(id)?.get() ?? null
  }
}

function isSettled(record: ProcessRecord | null): boolean {
  return record !== null && record.waiting_for === null && record.run > 0 && (record.state === 'exited' || record.state === 'orphaned')
}

/** Whatever ends `up`, signals above all: the first counts. */
class Ends {
  readonly first: Promise<End>
  onReload: () => void = () => {}
  /** A further interrupt, after the first. */
  onAgain: () => void = () => {}
  tell: (end: End) => void = () => {}
  fail: (error: unknown) => void = () => {}
  readonly #giveBack: readonly (() => void)[]
  #isInterrupted = false

  constructor({ io }: Cli) {
    this.first = new Promise((resolve, reject) => {
      this.tell = resolve
      this.fail = reject
    })
    this.first.catch(() => undefined)
    const hadTerminal = hasTerminal()
    this.#giveBack = [
      io.onSignal('SIGINT', () => this.#interrupt('SIGINT')),
      io.onSignal('SIGTERM', () => this.#interrupt('SIGTERM')),
      // Its terminal has been closed, or somebody wants the config to be read again.
      io.onSignal('SIGHUP', () => (hadTerminal && !hasTerminal() ? this.tell({ kind: 'hung-up' }) : this.onReload())),
    ]
  }

  close(): void {
    for (const off of this.#giveBack) off()
  }

  /** By the signal itself: Node aborts when it is to exit after its terminal has gone (it wants to reset that). */
  die(): void {
    this.close()
    process.kill(process.pid, 'SIGHUP')
  }

  #interrupt(signal: HandledSignal): void {
    if (this.#isInterrupted) return this.onAgain()
    this.#isInterrupted = true
    this.tell({ kind: 'interrupted', signal })
  }
}

function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}
