/** `top`: the processes as they are, live, with keys to look at one's output, restart it, stop it. */
import type { ProcessRecord } from '../../index.ts'
import type { Cli } from '../context.ts'
import { EXIT, exitCodeOfSignal } from '../exit-codes.ts'
import type { HandledSignal } from '../io.ts'
import { Live } from '../live.ts'
import { colorsFor } from '../render/colors.ts'
import { usageError } from '../report.ts'
import { Actions } from '../top/actions.ts'
import { bodyRows, initialState, type TopEffect, type TopEvent, update } from '../top/model.ts'
import { renderTop } from '../top/render.ts'
import { Terminal } from '../top/terminal.ts'
import { Usages } from '../top/usage.ts'

const SIGNALS: readonly HandledSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
const TICK_MS = 1_000
/** Drawn at most so often, whatever happens meanwhile. */
const DRAW_MS = 100

/** @throws PROCMAN_INVALID_ARGUMENT where there is no terminal */
export async function top(cli: Cli): Promise<number> {
  const colors = await colorsFor(cli.io)
  return new Promise<number>((resolve, reject) => {
    const session = new Session(cli, colors, resolve, reject)
    session.begin().catch(reject)
  })
}

class Session {
  readonly #cli: Cli
  readonly #colors: Awaited<ReturnType<typeof colorsFor>>
  readonly #terminal: Terminal
  readonly #actions: Actions
  readonly #usages = new Usages()
  readonly #end: (code: number) => void
  readonly #fail: (error: unknown) => void
  readonly #giveBack: (() => void)[]
  #state
  #live: Live | null = null
  #drawTimer: NodeJS.Timeout | undefined
  #tickTimer: NodeJS.Timeout | undefined
  #lastDrawMs = Number.NEGATIVE_INFINITY
  #isOver = false
  /** Many changes at once are taken together, when it is drawn. */
  #isStale = false

  constructor(cli: Cli, colors: Awaited<ReturnType<typeof colorsFor>>, end: (code: number) => void, fail: (error: unknown) => void) {
    const terminal = Terminal.open(cli.io, {
      pressed: (key) => this.#take({ type: 'key.pressed', key }),
      resized: (size) => this.#take({ type: 'terminal.resized', ...size }),
      gone: () => void this.#leave(EXIT.done),
    })
    if (terminal === null) throw usageError("top needs a terminal; 'procman list' prints the table once")
    this.#cli = cli
    this.#colors = colors
    this.#terminal = terminal
    this.#end = end
    this.#fail = fail
    this.#state = initialState({ ...terminal.size, nowMs: cli.io.nowMs() })
    this.#actions = new Actions(cli, (event) => this.#take(event))
    this.#giveBack = SIGNALS.map((signal) => cli.io.onSignal(signal, () => void this.#leave(exitCodeOfSignal(signal))))
  }

  async begin(): Promise<void> {
    try {
      this.#draw()
      this.#live = await Live.open(this.#cli, () => this.#changed())
      this.#changed()
      this.#tick()
    } catch (error) {
      this.#terminal.close()
      throw error
    }
  }

  #changed(): void {
    this.#isStale = true
    this.#drawSoon()
  }

  #tick(): void {
    if (this.#isOver) return
    this.#tickTimer = setTimeout(() => this.#tick(), TICK_MS)
    const nowMs = this.#cli.io.nowMs()
    const shown: readonly ProcessRecord[] = this.#state.records.slice(this.#state.top, this.#state.top + bodyRows(this.#state))
    const pids = shown.flatMap(({ pid }) => (pid === null ? [] : [pid]))
    this.#isStale = true
    this.#take({ type: 'time.passed', nowMs, usages: this.#usages.look(pids, nowMs) })
  }

  #take(event: TopEvent): void {
    if (this.#isOver) return
    try {
      const { state, effects } = update(this.#state, event)
      this.#state = state
      for (const effect of effects) this.#bringAbout(effect)
      this.#drawSoon()
    } catch (error) {
      this.#giveUp(error)
    }
  }

  #bringAbout(effect: TopEffect): void {
    switch (effect.type) {
      case 'quit':
        return void this.#leave(EXIT.done)
      case 'act':
        return void this.#actions.act(effect.verb, effect.id)
      case 'open-logs':
        return void this.#actions.openLogs(effect.id, effect.tail)
      case 'close-logs':
        return this.#actions.closeLogs()
    }
  }

  #drawSoon(): void {
    if (this.#drawTimer !== undefined || this.#isOver) return
    const waitMs = Math.max(0, this.#lastDrawMs + DRAW_MS - performance.now())
    this.#drawTimer = setTimeout(() => this.#draw(), waitMs)
  }

  #draw(): void {
    this.#drawTimer = undefined
    if (this.#isOver) return
    try {
      if (this.#isStale && this.#live !== null) {
        this.#isStale = false
        const { state, effects } = update(this.#state, { type: 'records.changed', records: this.#live.records, hasManager: this.#live.hasManager })
        this.#state = { ...state, nowMs: this.#cli.io.nowMs() }
        for (const effect of effects) this.#bringAbout(effect)
      }
      this.#terminal.draw(renderTop(this.#state, this.#colors))
      this.#lastDrawMs = performance.now()
    } catch (error) {
      this.#giveUp(error)
    }
  }

  #giveUp(error: unknown): void {
    this.#stop()
    this.#fail(error)
  }

  /** What was asked for goes on by itself where a manager does it; what we do ourselves is finished first. */
  async #leave(code: number): Promise<void> {
    if (this.#isOver) return
    this.#stop()
    await Promise.all([this.#live?.close(), this.#actions.close()])
    this.#end(code)
  }

  #stop(): void {
    this.#isOver = true
    clearTimeout(this.#drawTimer)
    clearTimeout(this.#tickTimer)
    for (const giveBack of this.#giveBack) giveBack()
    this.#terminal.close()
  }
}
