/** Actors that stand in for those of the manager: real XState actors, whose state is what the manager tells, and who pass on what is sent to them. */
import { type ActorLogic, type ActorRefFrom, type AnyActorLogic, createActor, type EventObject } from 'xstate'
import type { ProcessRef } from '../../api.ts'
import { type ActorSnapshot, type ProcessCommand, processMachine, type SupervisorEmitted, type SupervisorMachine, supervisorMachine } from '../../process.ts'
import type { WireSnapshot } from '../wire.ts'

/** What the mirror says to a stand-in; everything else was said by a user. */
type Told = { readonly type: 'remote.is'; readonly snapshot: unknown } | { readonly type: 'remote.emitted'; readonly event: EventObject }

export interface RemoteProcess {
  readonly ref: ProcessRef
  readonly is: (snapshot: WireSnapshot) => void
  readonly emit: (event: SupervisorEmitted) => void
  readonly stop: () => void
}

/** @param send what the process would take as it is shown now is passed on; the rest is dropped, as an actor does */
export function standInForProcess(id: string, first: WireSnapshot, send: (command: ProcessCommand) => void): RemoteProcess {
  const { actor, is, emit, stop } = standIn<ActorSnapshot>(id, toSnapshot(first), stopped, (event, snapshot) => {
    if (snapshot.can(event as ProcessCommand)) send(event as ProcessCommand)
  })
  return { ref: actor as unknown as ProcessRef, is: (snapshot) => is(toSnapshot(snapshot)), emit, stop }
}

type RootRef = ActorRefFrom<SupervisorMachine>

export interface RemoteRoot {
  readonly actor: RootRef
  readonly emit: (event: SupervisorEmitted) => void
  /** This client has let it go. */
  readonly stop: () => void
}

export function standInForRoot(stateDir: string): RemoteRoot {
  const at = (value: 'managing' | 'closed') =>
    supervisorMachine.resolveState({ value, context: { stateDir, refusal: null, killAtMs: null }, status: value === 'closed' ? 'done' : 'active' })
  const { actor, emit, stop } = standIn<ReturnType<RootRef['getSnapshot']>>(
    'supervisor',
    at('managing'),
    () => at('closed'),
    () => {},
  )
  return { actor: actor as unknown as RootRef, emit, stop }
}

function standIn<Snapshot>(id: string, first: Snapshot, end: (last: Snapshot) => Snapshot, send: (event: EventObject, snapshot: Snapshot) => void) {
  const logic: ActorLogic<never, EventObject> = {
    getInitialSnapshot: () => first as never,
    getPersistedSnapshot: (snapshot) => snapshot,
    transition: (snapshot, event, scope) => {
      if (event.type === 'xstate.stop') return end(snapshot) as never
      const told = event as Told
      if (told.type === 'remote.is') return told.snapshot as never
      if (told.type === 'remote.emitted') scope.emit(told.event as never)
      else scope.defer(() => send(event, snapshot))
      return snapshot
    },
  }
  const actor = createActor(logic as unknown as AnyActorLogic, { id })
  // One that has failed on the other side is told to who asks, and is no error of this program.
  actor.subscribe({ error: () => {} })
  actor.start()
  return {
    actor,
    is: (snapshot: Snapshot) => actor.send({ type: 'remote.is', snapshot } satisfies Told),
    emit: (event: EventObject) => actor.send({ type: 'remote.emitted', event } satisfies Told),
    stop: () => void actor.stop(),
  }
}

function toSnapshot({ status, value, context, error }: WireSnapshot): ActorSnapshot {
  return processMachine.resolveState({ value, context, status, ...(status === 'error' ? { error: new Error(error) } : {}) })
}

function stopped({ value, context }: ActorSnapshot): ActorSnapshot {
  return processMachine.resolveState({ value, context, status: 'stopped' })
}
