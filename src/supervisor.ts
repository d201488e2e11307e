/** Composes machines, effects and persistence into a supervisor: the only place where they meet, with the folder of the same name. */
import { type ActorRefFrom, createActor } from 'xstate'
import type { Supervisor, SupervisorOptions } from './api.ts'
import { ProcmanError, type ProcmanErrorCode } from './errors.ts'
import { type SupervisorMachine, supervisorMachine } from './machines/supervisor/machine.ts'
import { createRegistryLogic } from './machines/supervisor/registry.ts'
import { holdDirectory } from './supervisor/directory.ts'
import { SupervisorHandle } from './supervisor/handle.ts'
import { World } from './supervisor/world.ts'

const worlds = new WeakMap<object, World>()

/**
 * Opens a state directory: takes its lock, rehydrates every process in it, takes over those that run.
 * @throws PROCMAN_STATE_DIR_LOCKED with the holder's pid, PROCMAN_STATE_DIR_UNUSABLE, PROCMAN_INVALID_ARGUMENT, PROCMAN_UNSUPPORTED_PLATFORM
 */
export async function createSupervisor(options: SupervisorOptions = {}): Promise<Supervisor> {
  const logic = supervisorLogic(options)
  const actor = createActor(logic, { input: { stateDir: worldOf(logic).layout.root }, ...(options.inspect === undefined ? {} : { inspect: options.inspect }) })
  actor.start()
  return supervisorOf(actor)
}

/**
 * The root actor's logic, to be spawned or invoked in an actor system of your own; `supervisorOf(ref)` is the library around it. One logic serves one actor.
 * When its parent stops it, it lets go: everything goes on running.
 */
export function supervisorLogic(options: SupervisorOptions = {}): SupervisorMachine {
  if (process.platform === 'win32') {
    throw new ProcmanError(
      'PROCMAN_UNSUPPORTED_PLATFORM',
      'procman runs on Linux and macOS, not on Windows: it rests on POSIX process groups, FIFOs and signals (WSL works)',
    )
  }
  const world = new World(options)
  const logic = supervisorMachine.provide({
    actors: {
      registry: createRegistryLogic({ process: world.processLogic(), onSpawn: (ref) => world.follow(ref) }),
      directory: holdDirectory(world),
      waitUntil: world.deadline(),
    },
  })
  worlds.set(logic, world)
  return logic
}

/** Resolves once the directory is open. @throws what `createSupervisor` throws */
export function supervisorOf(actor: ActorRefFrom<SupervisorMachine>): Promise<Supervisor> {
  const world = worldOf((actor as unknown as { readonly logic: object }).logic)
  actor.on('process.damaged', ({ id, path, message }) => world.trouble(id, path, message))
  return new Promise((resolve, reject) => {
    const look = (snapshot: ReturnType<typeof actor.getSnapshot>) => {
      const { refusal } = snapshot.context
      if (refusal !== null) reject(new ProcmanError(refusal.code as ProcmanErrorCode, refusal.message, { details: refusal.details }))
      else if (snapshot.hasTag('open')) resolve(new SupervisorHandle(actor, world))
      else return
      subscription.unsubscribe()
    }
    const subscription = actor.subscribe({ next: look, error: reject })
    look(actor.getSnapshot())
  })
}

function worldOf(logic: object): World {
  const world = worlds.get(logic)
  if (world === undefined) throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', 'this actor was not made from supervisorLogic()')
  return world
}

/**
 * Calls back with the id of a process that has put something out: at once where it was silent before, then at most every 50 ms, and less often when hundreds are busy.
 * A listener that throws is told as a problem.
 * @returns a function that ends it; null: this is not a supervisor of this program
 */
export function onNews(supervisor: Supervisor, listener: (id: string) => void): (() => void) | null {
  return ownWorldOf(supervisor)?.logs.recorder.onNews(listener) ?? null
}

/**
 * Calls back before a process is removed with its files; its removal waits for what is returned. One who throws keeps nobody from removing it.
 * @returns a function that ends it; null: this is not a supervisor of this program
 */
export function beforeRemoval(supervisor: Supervisor, listener: (id: string) => Promise<void>): (() => void) | null {
  return ownWorldOf(supervisor)?.beforeRemoval.listen(listener) ?? null
}

/** `SupervisorOptions.logs` from now on; not where it is not a supervisor of this program. @param maxTotalBytes null: no limit. @throws PROCMAN_INVALID_ARGUMENT */
export function limitLogs(supervisor: Supervisor, maxTotalBytes: number | null): void {
  ownWorldOf(supervisor)?.logs.limitTotal(maxTotalBytes)
}

function ownWorldOf(supervisor: Supervisor): World | null {
  return supervisor instanceof SupervisorHandle ? worldOf((supervisor.actor as unknown as { readonly logic: object }).logic) : null
}
