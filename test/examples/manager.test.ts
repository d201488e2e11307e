/**
 * The example's manager with its ten service hosts: one hangs, one crashes in a loop, and the manager is killed with SIGKILL in the middle of it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it, onTestFailed, onTestFinished } from 'vitest'
import type { Reader } from '../../src/api.ts'
import type { ProcessRecord } from '../../src/machines/process/record.ts'
import { createReader } from '../../src/reader.ts'
import { aHome, type Home, lives, until } from '../e2e/harness.ts'
import { exampleFile, post, startsIn, statusOf } from './servicehost.ts'

interface Instance {
  readonly instanceId: string
  readonly wasmPath: string
  readonly dbName: string
}

const INSTANCES = JSON.parse(readFileSync(exampleFile('instances.json'), 'utf8')) as readonly Instance[]
const IDS = INSTANCES.map((instance) => instance.instanceId)
const CRASHING = 'host-10'
const WELL = IDS.filter((id) => id !== CRASHING)
/** Nothing happens to these. */
const LEFT_ALONE = WELL.filter((id) => !['host-03', 'host-05', 'host-07'].includes(id))

/** The example's manager in the directory of the test, and what is to be seen of its hosts without asking it. */
class Show {
  readonly #home: Home
  readonly #reader: Reader

  constructor(home: Home) {
    this.#home = home
    this.#reader = createReader({ stateDir: home.stateDir })
    const instances = INSTANCES.map((instance) => ({ ...instance, wasmPath: exampleFile(instance.wasmPath) }))
    writeFileSync(
      home.path('instances.json'),
      JSON.stringify(instances.map((each) => (each.instanceId === CRASHING ? { ...each, env: { SERVICEHOST_CRASH: '1' } } : each))),
    )
  }

  manager(): Program {
    return new Program([exampleFile('manager.mjs'), '--state-dir', this.#home.stateDir, '--instances', this.#home.path('instances.json')], this.#home.dir)
  }

  record(id: string): ProcessRecord {
    return this.#reader.get(id)
  }

  records(ids: readonly string[]): readonly ProcessRecord[] {
    return ids.map((id) => this.record(id))
  }

  port(id: string): number {
    const port = this.record(id).ports.http
    if (port === undefined) throw new Error(`${id} has no port`)
    return port
  }

  /** @returns a function that gives their records as they are now */
  snapshot(): (id: string) => ProcessRecord {
    const records = this.records(IDS)
    return (id) => records.find((record) => record.id === id) ?? this.record(id)
  }

  reasons(id: string): readonly string[] {
    return this.record(id).reasons.map(({ text }) => text)
  }

  /** Counted by the host itself. */
  starts(id: string): number {
    return startsIn(this.#home.path(`${id}.db.json`))
  }

  /** @returns the records of those that are well, once they are ready for the first time */
  async begun(): Promise<readonly ProcessRecord[]> {
    await until('all are known', () => this.#reader.list().length === IDS.length)
    return this.ready(WELL)
  }

  async ready(ids: readonly string[], run = 1): Promise<readonly ProcessRecord[]> {
    for (const id of ids) await until(`run ${run} of ${id} is ready`, () => this.record(id).ready && this.record(id).run === run)
    return this.records(ids)
  }

  /** @returns the record while the breaker holds the next run back, after one later than run `after` */
  heldBack(id: string, after = 0): Promise<ProcessRecord> {
    return until(`the breaker of ${id} is open`, () => {
      const record = this.record(id)
      return record.run > after && record.state === 'backoff' && record.breaker?.state === 'open' && record
    })
  }
}

class Program {
  readonly child: ChildProcess
  readonly #ended: Promise<unknown[]>
  #output = ''

  constructor(args: readonly string[], cwd: string) {
    this.child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
    this.child.stdout?.on('data', (data) => (this.#output += data))
    this.#ended = once(this.child, 'close')
    onTestFailed(() => console.error(`--- manager ${this.child.pid}\n${this.#output}`))
    onTestFinished(() => this.end('SIGKILL').then(() => {}))
  }

  /** Its lines, without the time. */
  get lines(): readonly string[] {
    return this.#output.split('\n').map((line) => line.slice(line.indexOf(' ') + 1))
  }

  /** Of how many hosts it has said so. */
  get takenOver(): number {
    return this.lines.filter((line) => line.includes(' taken over ')).length
  }

  /** @returns its exit code, null when a signal has ended it. Repeated: the same */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal)
    const [code] = await this.#ended
    return code as number | null
  }
}

const portsOf = (records: readonly ProcessRecord[]) => records.map((record) => record.ports.http)

/** What the readiness probe of the run has found, the last twenty. */
const resultsOf = (record: ProcessRecord) => record.health?.readiness?.results ?? []

const timeOf = (iso: string | null = null) => Date.parse(iso ?? '')

describe('ten service hosts', { timeout: 180_000 }, () => {
  it('have a port each, and are who their records say', async () => {
    const show = new Show(aHome())
    show.manager()
    const records = await show.begun()
    expect(new Set(portsOf(records)).size).toBe(WELL.length)
    for (const { id, pid, ports, health } of records) {
      expect(ports.http).toSatisfy((port: number) => port >= 30_000 && port <= 31_000)
      expect(health?.readiness).toMatchObject({ verdict: 'passing', body: { instance: id, port: ports.http, pid } })
      expect(await statusOf(show.port(id))).toMatchObject({ instance: id, db: `${id}.db.json`, port: ports.http, pid, starts: 1 })
    }
  })

  it('go on where they were when one hangs, one crashes in a loop, and their manager is killed and replaced', async () => {
    const show = new Show(aHome())
    const first = show.manager()
    const begun = await show.begun()

    await post(show.port('host-03'), '/chaos/hang')
    await show.ready(['host-03'], 2)
    expect(show.reasons('host-03')).toContainEqual(expect.stringMatching(/^liveness probe failed 2 times: timeout after 1000 ms: restart 1 for failed health/))

    // Opened anew, so that it is open for some time yet.
    await show.heldBack(CRASHING, show.record(CRASHING).run)
    await first.end('SIGKILL')
    const lastKnown = show.snapshot()
    const waiting = lastKnown(CRASHING)
    expect(waiting).toMatchObject({ state: 'backoff', breaker: { state: 'open', open_until: waiting.retry_at }, retry_at: expect.any(String) })

    // Nobody manages: one more hangs, one more is gone.
    const gone = show.record('host-07').pid
    await post(show.port('host-05'), '/chaos/hang')
    await post(show.port('host-07'), '/chaos/exit?code=3')
    await until('host-07 has exited', () => !lives(gone))

    const second = show.manager()
    await until('all are taken over', () => second.takenOver === IDS.length)

    // The breaker is as open as it was, up to the same moment ...
    expect(show.record(CRASHING)).toMatchObject(only(waiting, 'state', 'run', 'retry_at', 'breaker', 'attempts', 'restarts'))
    // ... what was counted is counted, what the probes had found is known, and they go on.
    expect(show.record('host-03')).toMatchObject(only(lastKnown('host-03'), 'run', 'pid', 'restarts', 'attempts', 'started_at', 'ready_at'))
    for (const id of LEFT_ALONE) {
      const known = lastKnown(id)
      const record = await until(`${id} is probed by the next manager`, () => {
        const now = show.record(id)
        return timeOf(resultsOf(now).at(-1)?.at) > timeOf(resultsOf(known).at(-1)?.at) && now
      })
      expect(record).toMatchObject({ ...only(known, 'run', 'pid', 'restarts', 'started_at', 'ready_at', 'attempts'), health: { status: 'healthy' } })
      expect(resultsOf(record)).toEqual(expect.arrayContaining(resultsOf(known).slice(-10)))
    }

    await show.ready(['host-05', 'host-07'], 2)
    expect(show.reasons('host-05')).toContainEqual(expect.stringContaining('liveness probe failed 2 times: timeout after 1000 ms: restart 1 for failed health'))
    expect(show.reasons('host-07')).toContainEqual(expect.stringContaining('exited with code 3: restart 1 in '))

    // Then comes one trial, whose failure opens it again, instead of being the first of four.
    const after = await show.heldBack(CRASHING, waiting.run)
    expect(after.run).toBe(waiting.run + 1)
    // The keeper asks the kernel, Node has a clock of its own.
    expect(timeOf(after.started_at)).toBeGreaterThanOrEqual(timeOf(waiting.retry_at) - 2)
    expect(after.restarts).toBe(waiting.restarts + 1)
    expect(after.attempts.crash).toEqual({
      in_a_row: (waiting.attempts.crash?.in_a_row ?? 0) + 1,
      at: [...(waiting.attempts.crash?.at ?? []), after.completed_at],
    })

    // The same ports, no run twice, and whoever was well was left alone.
    expect(portsOf(show.records(WELL))).toEqual(portsOf(begun))
    for (const { id, pid } of begun) {
      const run = LEFT_ALONE.includes(id) ? 1 : 2
      const status = await statusOf(show.port(id))
      expect(status).toMatchObject({ instance: id, starts: run, pid: run === 1 ? pid : show.record(id).pid })
    }
    expect(show.starts(CRASHING)).toBe(after.run)

    expect(await second.end('SIGTERM')).toBe(0)
    expect(show.records(IDS).map((record) => [record.state, record.pid])).toEqual(IDS.map(() => ['exited', null]))
    for (const { id } of begun) await expect(statusOf(show.port(id))).rejects.toThrow()
  })

  it('go on when their manager leaves on SIGHUP, and are stopped by the next one', async () => {
    const show = new Show(aHome())
    const first = show.manager()
    const begun = await show.begun()
    expect(await first.end('SIGHUP')).toBe(0)
    for (const { id, pid } of begun) expect(await statusOf(show.port(id))).toMatchObject({ pid, starts: 1 })
    const second = show.manager()
    await until('all are taken over', () => second.takenOver === IDS.length)
    expect(await second.end('SIGTERM')).toBe(0)
    expect(begun.filter(({ pid }) => lives(pid))).toEqual([])
  })
})

function only(record: ProcessRecord, ...names: readonly (keyof ProcessRecord)[]): Partial<ProcessRecord> {
  return Object.fromEntries(names.map((name) => [name, record[name]]))
}
