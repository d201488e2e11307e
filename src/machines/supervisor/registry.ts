/**
 * Holds the process actors. Custom actor logic instead of a machine's own children: XState copies a machine's whole `children` object at each spawn, which is
 * quadratic; here they are in a Map. They are real children all the same: part of the system, seen by inspectors, their errors arrive here.
 */
import { type ActorLogic, type ActorRefFrom, type ActorScope, type AnyActorLogic, type AnyActorRef, createActor, type EventObject, type Snapshot } from 'xstate'
import type { ProcessSpec } from '../../types.ts'
import type { ProcessEmitted } from '../process/events.ts'
import type { ProcessMachine } from '../process/machine.ts'

type ProcessRef = ActorRefFrom<ProcessMachine>

export type RegistryEvent =
  | { readonly type: 'registry.add'; readonly spec: ProcessSpec; readonly createdAtMs: number }
  | { readonly type: 'registry.restore'; readonly id: string; readonly snapshot: object }
  | { readonly type: 'registry.remove'; readonly id: string }
  /** Everything that is up or about to be is stopped; `registry.settled` is told when nothing is left to wait for. */
  | { readonly type: 'registry.stop-all'; readonly atMs: number; readonly timeoutMs?: number }
  /** Lets go of every actor: their effects end, the OS processes go on. */
  | { readonly type: 'registry.release' }

/** What the registry tells its parent. */
export type RegistryReport =
  | { readonly type: 'registry.settled' }
  | { readonly type: 'registry.emitted'; readonly event: ProcessEmitted }
  | { readonly type: 'registry.failed'; readonly id: string; readonly message: string }

export type RegistrySnapshot = Snapshot<undefined> & { readonly refs: ReadonlyMap<string, ProcessRef> }

export interface RegistryLogicOptions {
  /** The process machine with its effects provided. */
  readonly process: ProcessMachine
  /** Called with each actor before it starts. */
  readonly onSpawn: (ref: ProcessRef) => void
}

type System = AnyActorRef['system']
type Scope = ActorScope<RegistrySnapshot, RegistryEvent, System>

interface Held {
  readonly refs: Map<string, ProcessRef>
  /** Processes that a stop of everything waits for. */
  readonly unsettled: Set<string>
  /** Actors that have crashed: one that does so as it starts is heard of twice. */
  readonly failed: Set<string>
  isStopping: boolean
}

export type RegistryLogic = ActorLogic<RegistrySnapshot, RegistryEvent, undefined, System>

export function createRegistryLogic(options: RegistryLogicOptions): RegistryLogic {
  const heldBy = new WeakMap<ReadonlyMap<string, ProcessRef>, Held>()
  const heldOf = (snapshot: RegistrySnapshot): Held => {
    const held = heldBy.get(snapshot.refs)
    if (held === undefined) throw new Error('internal: a registry cannot be made from a snapshot; its processes are restored one by one')
    return held
  }
  return {
    getInitialSnapshot: () => {
      const held: Held = { refs: new Map(), unsettled: new Set(), failed: new Set(), isStopping: false }
      heldBy.set(held.refs, held)
      return { status: 'active', output: undefined, error: undefined, refs: held.refs }
    },
    getPersistedSnapshot: ({ status, output, error }) => ({ status, output, error }) as Snapshot<undefined>,
    transition: (snapshot, event, scope) => {
      take(heldOf(snapshot), event as RegistryEvent | ActorFailed | Stopped, scope, options)
      return snapshot
    },
  }
}

/** XState tells this to logic whose actor is being stopped, by a parent for instance; nobody else would stop actors that it does not know of. */
interface Stopped extends EventObject {
  readonly type: 'xstate.stop'
}

interface ActorFailed extends EventObject {
  readonly type: `xstate.error.actor.${string}`
  readonly actorId: string
  readonly error: unknown
}

function take(held: Held, event: RegistryEvent | ActorFailed | Stopped, scope: Scope, options: RegistryLogicOptions): void {
  switch (event.type) {
    case 'registry.add':
      return add(held, event.spec.id, { input: { spec: event.spec, createdAtMs: event.createdAtMs } }, scope, options)
    case 'registry.restore':
      return add(held, event.id, { snapshot: event.snapshot as Snapshot<unknown> }, scope, options)
    case 'registry.remove':
      return drop(held, event.id, scope)
    case 'registry.stop-all':
      return stopAll(held, event, scope)
    case 'registry.release':
    case 'xstate.stop':
      for (const id of [...held.refs.keys()]) drop(held, id, scope)
      return
    default:
      if (event.type.startsWith('xstate.error.actor.')) fail(held, event.actorId, event.error, scope)
  }
}

function add(held: Held, id: string, from: object, scope: Scope, options: RegistryLogicOptions): void {
  // `parent` is what makes it a child; the public types leave it out.
  const ref = createActor(options.process as AnyActorLogic, { ...from, id, parent: scope.self, src: 'process' } as object) as unknown as ProcessRef
  held.refs.set(id, ref)
  options.onSpawn(ref)
  ref.subscribe({
    next: (snapshot) => follow(held, id, isPending(snapshot), scope),
    error: () => {},
  })
  ref.on('*', (event) => report(scope, { type: 'registry.emitted', event }))
  scope.defer(() => {
    ;(ref as unknown as { start(): void }).start()
    const snapshot = ref.getSnapshot()
    if (snapshot.status === 'error') fail(held, id, snapshot.error, scope)
    else follow(held, id, isPending(snapshot), scope)
  })
}

function drop(held: Held, id: string, scope: Scope): void {
  const ref = held.refs.get(id)
  held.refs.delete(id)
  held.failed.delete(id)
  if (ref !== undefined) scope.stopChild(ref)
  follow(held, id, false, scope)
}

/** A crashed actor harms nobody else. What it had running goes on, and the next manager takes it over. */
function fail(held: Held, id: string, error: unknown, scope: Scope): void {
  if (held.failed.has(id)) return
  held.failed.add(id)
  follow(held, id, false, scope)
  report(scope, { type: 'registry.failed', id, message: error instanceof Error ? error.message : String(error) })
}

function stopAll(held: Held, { atMs, timeoutMs }: { atMs: number; timeoutMs?: number }, scope: Scope): void {
  held.isStopping = true
  scope.defer(() => {
    for (const id of [...held.unsettled]) held.refs.get(id)?.send({ type: 'process.stop', atMs, ...(timeoutMs === undefined ? {} : { timeoutMs }) })
    tellIfSettled(held, scope)
  })
}

function follow(held: Held, id: string, isPending: boolean, scope: Scope): void {
  if (isPending) held.unsettled.add(id)
  else if (held.unsettled.delete(id)) tellIfSettled(held, scope)
}

function tellIfSettled(held: Held, scope: Scope): void {
  if (held.isStopping && held.unsettled.size === 0) report(scope, { type: 'registry.settled' })
}

function isPending(snapshot: { hasTag(tag: string): boolean }): boolean {
  return snapshot.hasTag('alive') || snapshot.hasTag('waiting')
}

function report(scope: Scope, event: RegistryReport): void {
  const parent = (scope.self as unknown as { _parent?: { send(event: RegistryReport): void } })._parent
  parent?.send(event)
}
