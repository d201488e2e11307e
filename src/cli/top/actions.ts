/** What the keys of `top` bring about. Nothing waits for it: what has become of it is told as an event. */
import { Writable } from 'node:stream'
import type { Supervisor } from '../../api.ts'
import { type Cli, createCli } from '../context.ts'
import type { Io } from '../io.ts'
import { renderStatus } from '../render/status.ts'
import type { TopEvent, Verb } from './model.ts'

/** Lines are told together, so that a flood of them costs no more than is seen. */
const GATHER_MS = 50
const MOST_GATHERED = 2_000

export class Actions {
  readonly #cli: Cli
  readonly #tell: (event: TopEvent) => void
  readonly #underWay = new Set<Promise<void>>()
  #logs = new AbortController()

  constructor(cli: Cli, tell: (event: TopEvent) => void) {
    this.#cli = cli
    this.#tell = tell
  }

  act(verb: Verb, id: string): void {
    const done = this.#act(verb, id)
    this.#underWay.add(done)
    void done.then(() => this.#underWay.delete(done))
  }

  async openLogs(id: string, tail: number): Promise<void> {
    this.closeLogs()
    const logs = new AbortController()
    this.#logs = logs
    let gathered: string[] = []
    let timer: NodeJS.Timeout | undefined
    const tellLines = () => {
      timer = undefined
      if (gathered.length > 0 && !logs.signal.aborted) this.#tell({ type: 'lines.printed', id, lines: gathered })
      gathered = []
    }
    try {
      const lines = (await this.#cli.reader()).watch(id, { follow: true, tail, signal: logs.signal })
      for await (const { text } of lines) {
        gathered.push(text)
        if (gathered.length >= MOST_GATHERED) gathered.shift()
        timer ??= setTimeout(tellLines, GATHER_MS)
      }
    } catch (error) {
      if (!logs.signal.aborted) gathered.push(`procman: ${messageOf(error)}`)
    }
    clearTimeout(timer)
    tellLines()
    if (!logs.signal.aborted) this.#tell({ type: 'logs.ended', id })
  }

  closeLogs(): void {
    this.#logs.abort()
  }

  /** What is under way is finished. */
  async close(): Promise<void> {
    this.closeLogs()
    await Promise.all(this.#underWay)
  }

  async #act(verb: Verb, id: string): Promise<void> {
    const warnings: string[] = []
    try {
      const record = await quietly(this.#cli, warnings).then((cli) => cli.withSupervisor((supervisor) => bringAbout(supervisor, verb, id)))
      const run = record.pid === null ? '' : `, run ${record.run}, pid ${record.pid}`
      this.#tell({ type: 'message', text: [`${verb} ${id}: ${renderStatus(record)}${run}`, ...warnings].join('; '), isError: false })
    } catch (error) {
      this.#tell({ type: 'message', text: `${verb} ${id}: ${messageOf(error)}`, isError: true })
    }
  }
}

function bringAbout(supervisor: Supervisor, verb: Verb, id: string) {
  switch (verb) {
    case 'start':
      return supervisor.launch(id)
    case 'stop':
      return supervisor.stop(id)
    case 'restart':
      return supervisor.restart(id)
  }
}

/** What is said on stderr would be drawn over the table. */
async function quietly(cli: Cli, said: string[]): Promise<Cli> {
  const stderr = new Writable({
    write(text, _encoding, done) {
      said.push(String(text).trim())
      done()
    },
  })
  const { io } = cli
  const quiet: Io = { ...io, stdout: io.stdout, stderr, stdin: io.stdin, env: io.env, cwd: io.cwd }
  return createCli(quiet, await cli.stateDir())
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
