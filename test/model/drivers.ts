/** Who holds the supervisor that a schedule is played against, and how it can be taken away: not at all, by `close`, or by `kill -9`. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Problem, Supervisor } from '../../src/api.ts'
import type { ProcessRecord } from '../../src/machines/process/record.ts'
import { type Home, Manager, pause, type Stray } from '../e2e/harness.ts'

/** The answer that a manager could not give any more. */
export const LOST = Symbol('lost')

export interface Driver {
  readonly home: Home
  /** A call takes effect when it is made: there is nothing between it and the supervisor. */
  readonly isImmediate: boolean
  call(method: keyof Supervisor, ...args: readonly unknown[]): Promise<unknown>
  /** The record as it is now, null when there is none; undefined where nobody can tell without asking. */
  peek(id: string): ProcessRecord | null | undefined
  problems(): Promise<readonly Problem[]>
  /** For a look when something fails: what the manager does, as the kernel sees it. */
  condition(): string
  /** kill -9; the next manager is begun at once, and not waited for. */
  crash(): Promise<void>
  close(): void
  reopen(): Promise<void>
}

/** A supervisor in this process. Many schedules may use it at once, unless they close it. */
export async function inProcess(home: Home): Promise<Driver> {
  let supervisor = await home.supervisor()
  return {
    home,
    isImmediate: true,
    call: async (method, ...args) => (supervisor[method] as (...args: readonly unknown[]) => unknown)(...args),
    peek: (id) => (supervisor.list().some((record) => record.id === id) ? supervisor.get(id) : null),
    problems: async () => supervisor.problems,
    condition: () => 'in this process',
    crash: () => Promise.reject(new Error('a schedule for a manager in a process of its own')),
    close: () => {
      supervisor.close()
    },
    reopen: async () => {
      supervisor = await home.supervisor()
    },
  }
}

/** A manager in a process of its own. `end` when done. */
export function inManager(home: Home): Driver & { end(): Promise<void> } {
  const begin = () => {
    const manager = new Manager({ stateDir: home.stateDir })
    const gone = once(manager.child, 'close')
    // A refusal is told by the calls.
    manager.ready.catch(() => {})
    return { manager, gone }
  }
  let current = begin()
  const kill = async () => {
    current.manager.child.kill('SIGKILL')
    // Not only its end: whatever it had answered has been read.
    await current.gone
  }
  const call = (method: keyof Supervisor, ...args: readonly unknown[]): Promise<unknown> => {
    const { manager, gone } = current
    const refused = manager.ready.then(() => new Promise<never>(() => {}))
    return Promise.race([manager.call(method, ...args), gone.then(() => LOST), refused])
  }
  return {
    home,
    isImmediate: false,
    call,
    peek: () => undefined,
    problems: () => call('problems') as Promise<readonly Problem[]>,
    condition: () => conditionOf(current.manager.child.pid),
    crash: async () => {
      await kill()
      current = begin()
    },
    close: () => {
      throw new Error('a schedule for a supervisor in this process')
    },
    reopen: async () => {},
    end: kill,
  }
}

function conditionOf(pid: number | undefined): string {
  try {
    return ['wchan', 'stat'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'latin1').trim()).join(' ')
  } catch {
    return `${pid} is not there any more`
  }
}

/** Whoever is there with a token of the directory. One look at /proc serves all who ask at about the same time. */
export function censusOf(home: Home): () => Promise<readonly Stray[]> {
  let next: Promise<readonly Stray[]> | undefined
  const take = async () => {
    await pause(5)
    next = undefined
    return home.strays()
  }
  return () => {
    next ??= take()
    return next
  }
}
