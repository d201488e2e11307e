/** Runs the built `procman` on a state directory of its own. At the end everything in it is killed, whatever the test has left. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import type { ProcessRecord } from '../../src/machines/process/record.ts'

export const BIN = process.env.PROCMAN_TEST_BIN ?? fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface Answer {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
  readonly bytes: Buffer
}

export class Running {
  readonly child: ChildProcess
  readonly answer: Promise<Answer>
  stdout = ''
  stderr = ''

  constructor(args: readonly string[], env: NodeJS.ProcessEnv, cwd: string, program = BIN) {
    const child = spawn(process.execPath, [program, ...args], { env, cwd, stdio: 'pipe' })
    this.child = child
    const bytes: Buffer[] = []
    child.stdout.on('data', (data: Buffer) => {
      bytes.push(data)
      this.stdout += data.toString()
    })
    child.stderr.on('data', (data: Buffer) => {
      this.stderr += data.toString()
    })
    child.stdin.on('error', () => undefined)
    this.answer = new Promise((resolve) => {
      child.on('close', (code, signal) => resolve({ code, signal, stdout: this.stdout, stderr: this.stderr, bytes: Buffer.concat(bytes) }))
    })
  }

  /** Waits until it has printed so. */
  async prints(text: string): Promise<void> {
    await vi.waitFor(
      () => {
        if (!this.stdout.includes(text))
          throw new Error(`has printed ${JSON.stringify(this.stdout)} and ${JSON.stringify(this.stderr)}, not yet ${JSON.stringify(text)}`)
      },
      { timeout: 15_000, interval: 10 },
    )
  }
}

const SERVING = fileURLToPath(new URL('../fixtures/serving.mjs', import.meta.url))

export class Home {
  readonly dir = mkdtempSync(join(tmpdir(), 'procman-cli-'))
  readonly stateDir = join(this.dir, 'state')
  readonly env: NodeJS.ProcessEnv = { ...process.env, PROCMAN_HOME: this.stateDir, NO_COLOR: '1' }
  readonly #running = new Set<Running>()

  /** Begins; stdin stays open. */
  begin(...args: readonly string[]): Running {
    const running = new Running(args, this.env, this.dir)
    this.#running.add(running)
    void running.answer.then(() => this.#running.delete(running))
    return running
  }

  /** A program that holds the directory and serves it, until the end. */
  async serve(): Promise<Running> {
    const manager = new Running([this.stateDir], this.env, '/', SERVING)
    this.#running.add(manager)
    void manager.answer.then(() => this.#running.delete(manager))
    await manager.prints('serving')
    return manager
  }

  async procman(...args: readonly string[]): Promise<Answer> {
    const running = this.begin(...args)
    running.child.stdin?.end()
    return running.answer
  }

  /** Of a command that must succeed. */
  async stdoutOf(...args: readonly string[]): Promise<string> {
    const answer = await this.procman(...args)
    if (answer.code !== 0) throw new Error(`procman ${args.join(' ')} ended with ${answer.code}: ${answer.stderr}`)
    return answer.stdout
  }

  async start(...args: readonly string[]): Promise<string> {
    return (await this.stdoutOf('start', ...args)).trim()
  }

  async record(id: string): Promise<ProcessRecord> {
    return JSON.parse(await this.stdoutOf('show', id, '--json'))
  }

  async list(...args: readonly string[]): Promise<readonly ProcessRecord[]> {
    return JSON.parse(await this.stdoutOf('list', '--json', ...args))
  }

  /** Waits until the process has printed so. */
  async logged(id: string, text: string): Promise<void> {
    await vi.waitFor(
      async () => {
        const { stdout } = await this.procman('logs', id)
        if (!stdout.includes(text)) throw new Error(`${id} has printed ${JSON.stringify(stdout)}`)
      },
      { timeout: 15_000, interval: 50 },
    )
  }

  async remove(): Promise<void> {
    for (const running of this.#running) running.child.kill('SIGKILL')
    await Promise.all([...this.#running].map(({ answer }) => answer))
    if (existsSync(this.stateDir)) {
      const ids = (await this.list()).map(({ id }) => id)
      if (ids.length > 0) await this.procman('cancel', '--timeout', '0', ...ids)
    }
    rmSync(this.dir, { recursive: true, force: true })
  }
}

export function isUp(pid: number | null): boolean {
  if (pid === null) return false
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
