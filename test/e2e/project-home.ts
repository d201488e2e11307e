/** A directory with a config file, and a state directory of its own whose daemon ends with the test. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished, vi } from 'vitest'
import type { ManagerStatus } from '../../src/manager/contract.ts'
import { Home } from '../cli/harness.ts'
import { lives } from './harness.ts'

export class ProjectHome extends Home {
  readonly file = join(this.dir, 'procman.yaml')

  write(text: string, file = this.file): void {
    writeFileSync(file, text)
  }

  /** The manager's; null: there is none. */
  async status(): Promise<ManagerStatus | null> {
    const { stdout } = await this.procman('daemon', 'status', '--json')
    const { running, ...status } = JSON.parse(stdout)
    return running ? status : null
  }

  async pids(): Promise<Readonly<Record<string, number | null>>> {
    return Object.fromEntries((await this.list()).map(({ id, pid }) => [id, pid]))
  }

  /** What the daemon has logged, or of that one event. */
  events(event?: string): readonly Record<string, unknown>[] {
    const lines = readFileSync(join(this.stateDir, 'daemon.log'), 'utf8')
      .split('\n')
      .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
    return event === undefined ? lines : lines.filter((line) => line.event === event)
  }

  /** Waits until it is so. */
  async comesTrue(look: () => unknown): Promise<void> {
    await vi.waitFor(look, { timeout: 20_000, interval: 50 })
  }

  /** kill -9 of its manager. */
  async killManager(): Promise<void> {
    const pid = (await this.status())?.pid
    if (pid === undefined) return
    process.kill(pid, 'SIGKILL')
    await this.comesTrue(() => {
      if (lives(pid)) throw new Error(`${pid} still lives`)
    })
  }

  override async remove(): Promise<void> {
    await this.procman('down', '--timeout', '0')
    await this.procman('daemon', 'stop')
    await super.remove()
  }
}

export function aProject(text: string): ProjectHome {
  const home = new ProjectHome()
  home.write(text)
  onTestFinished(() => home.remove())
  return home
}
