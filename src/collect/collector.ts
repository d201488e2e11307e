/** All targets together: tells each of what is new for it. */
import type { Supervisor } from '../api.ts'
import { ProcmanError } from '../errors.ts'
import { mustBeDuration } from '../timers.ts'
import type { CollectEvent, CollectOptions, Collector, CollectRules, TargetStatus } from './contract.ts'
import { checkRules, planTargets, type TargetPlan } from './plan.ts'
import { type Collected, lookAt } from './processes.ts'
import { type Predecessor, Worker } from './worker.ts'

/** What the collector is told. */
export interface CollectorPorts {
  readonly supervisor: Supervisor
  /** Calls back with the id of a process that has put something out. @returns a function that ends it */
  onNews(listener: (id: string) => void): () => void
  /** Calls back before a process is removed, which waits for that. @returns a function that ends it */
  beforeRemoval(listener: (id: string) => Promise<void>): () => void
  tell(event: CollectEvent): void
}

/** Which targets want something of a process. It changes with its labels. */
interface Route {
  readonly labels: Collected['labels']
  readonly born: string
  readonly workers: readonly Worker[]
}

export class LogCollector implements Collector {
  readonly #ports: CollectorPorts
  readonly #ends: readonly (() => void)[]
  #workers: readonly Worker[] = []
  #rules: Readonly<Record<string, CollectRules>> = {}
  readonly #routes = new Map<string, Route>()
  readonly #known = new Set<string>()
  /** Those that are not wanted any more and still let go. */
  readonly #leaving = new Set<Promise<void>>()
  #isClosed = false

  constructor(ports: CollectorPorts, options: CollectOptions) {
    this.#ports = ports
    this.update(options)
    const { supervisor } = ports
    const table = supervisor.table.subscribe(() => this.#comeAndGo())
    const settled = supervisor.actor.on('process.settled', ({ id }) => this.#news(id))
    this.#ends = [
      () => table.unsubscribe(),
      () => settled.unsubscribe(),
      ports.onNews((id) => this.#news(id)),
      ports.beforeRemoval(async (id) => void (await Promise.all(this.#routeOf(id).map((worker) => worker.removing(id))))),
    ]
    for (const id of this.#ids()) this.#known.add(id)
  }

  status(): readonly TargetStatus[] {
    return this.#workers.map((worker) => worker.status())
  }

  update({ targets, processes }: CollectOptions): void {
    if (this.#isClosed) throw closed()
    const plans = planTargets(targets)
    checkRules(processes)
    this.#rules = processes ?? {}
    const before = [...this.#workers]
    const kept = plans.map((plan) => before.find((worker) => isSame(worker.plan, plan)))
    for (const worker of kept) worker?.revise()
    const names = new Set(plans.map(({ name }) => name))
    const leaving = before.filter((worker) => !kept.includes(worker))
    // One that is declared anew with another way to deliver goes on where it was.
    const left = new Map(leaving.map((worker) => [worker.plan.name, this.#leave(names.has(worker.plan.name) ? worker.close() : worker.forget())]))
    this.#workers = plans.map((plan, index) => kept[index] ?? new Worker(plan, this.#workerPorts(), this.#predecessor(leaving, left, plan)))
    this.#routes.clear()
  }

  async flush({ timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<void> {
    mustBeDuration('timeoutMs', timeoutMs)
    const done = await Promise.all(this.#workers.map((worker) => worker.flush(timeoutMs ?? Number.POSITIVE_INFINITY)))
    const late = this.#workers.filter((_, index) => done[index] === false).map(({ plan }) => plan.name)
    if (this.#isClosed) throw closed()
    if (late.length > 0)
      throw new ProcmanError('PROCMAN_TIMEOUT', `not all is delivered after ${timeoutMs} ms: ${late.join(', ')}`, { details: { targets: late } })
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true
      for (const end of this.#ends) end()
      for (const worker of this.#workers) this.#leave(worker.close())
    }
    await Promise.all(this.#leaving)
  }

  #leave(gone: Promise<void>): Promise<void> {
    const done = gone.finally(() => this.#leaving.delete(done))
    this.#leaving.add(done)
    return done
  }

  #predecessor(leaving: readonly Worker[], left: ReadonlyMap<string, Promise<void>>, { name }: TargetPlan): Predecessor | null {
    const worker = leaving.find(({ plan }) => plan.name === name)
    return worker === undefined ? null : { checkpoint: worker.checkpoint, gone: left.get(name) ?? Promise.resolve() }
  }

  #workerPorts() {
    return {
      supervisor: this.#ports.supervisor,
      rulesOf: (id: string) => (Object.hasOwn(this.#rules, id) ? (this.#rules[id] ?? {}) : {}),
      tell: (event: CollectEvent) => this.#ports.tell(event),
    }
  }

  #news(id: string): void {
    for (const worker of this.#routeOf(id)) worker.news(id)
  }

  #routeOf(id: string): readonly Worker[] {
    const found = lookAt(this.#ports.supervisor, id)
    if (found === null) return []
    const known = this.#routes.get(id)
    if (known !== undefined && known.labels === found.labels && known.born === found.born) return known.workers
    const workers = this.#workers.filter((worker) => worker.wants(found))
    this.#routes.set(id, { labels: found.labels, born: found.born, workers })
    return workers
  }

  #comeAndGo(): void {
    const now = new Set(this.#ids())
    for (const id of this.#known) {
      if (now.has(id)) continue
      this.#known.delete(id)
      this.#routes.delete(id)
      for (const worker of this.#workers) worker.removed(id)
    }
    for (const id of now) this.#known.add(id)
  }

  #ids(): Iterable<string> {
    return this.#ports.supervisor.table.getSnapshot().context.processes.keys()
  }
}

function isSame(one: TargetPlan, other: TargetPlan): boolean {
  const functionOf = ({ declared }: TargetPlan) => (declared.type === 'function' ? declared.deliver : null)
  return one.name === other.name && one.key === other.key && functionOf(one) === functionOf(other)
}

function closed(): ProcmanError {
  return new ProcmanError('PROCMAN_CLOSED', 'the collection of logs is closed')
}
