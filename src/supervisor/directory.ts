/** The effect that holds the state directory while the supervisor lives: takes it, tells what is in it, lets go of it. */

import { defineEffect } from '../effects/effect.ts'
import { isProcmanError } from '../errors.ts'
import type { DirectoryFact } from '../machines/supervisor/machine.ts'
import { toRestorable } from '../persistence/codec.ts'
import { type Found, listIds, readState, removeEmpty } from '../persistence/store.ts'
import { catchUp, rebuild } from './rebuild.ts'
import type { World } from './world.ts'

type Send = (fact: DirectoryFact) => void

export function holdDirectory(world: World) {
  return defineEffect<{ type: 'none' }, { readonly stateDir: string }, DirectoryFact>(world.effects, ({ send }) => {
    let isOver = false
    open(world, send, () => isOver).catch((error: unknown) => send(refusalOf(error)))
    return () => {
      isOver = true
      world.letGo()
    }
  })
}

async function open(world: World, send: Send, isOver: () => boolean): Promise<void> {
  await world.open()
  if (isOver()) return world.letGo()
  for (const id of listIds(world.layout)) {
    await world.slices.turn()
    if (isOver()) return
    restore(world, readState(world.layout, id), send)
  }
  send({ type: 'directory.opened' })
  await world.store.emptyTrash()
}

function restore(world: World, found: Found, send: Send): void {
  if (found.kind === 'ok')
    return send({ type: 'directory.found', id: found.id, snapshot: toRestorable(catchUp(world.layout.jobDir(found.id), found.snapshot)) })
  try {
    rescue(world, found, send)
  } catch (error) {
    send({
      type: 'directory.damaged',
      id: found.id,
      path: found.path,
      message: `${found.path} cannot be moved aside (${(error as NodeJS.ErrnoException).code})`,
    })
  }
}

/**
 * A process without a readable state is rebuilt from its run files: what runs is not lost with the file that said so. One that has no state at all was cut off
 * in its first start, whose intent stands in for it; one that has not even that was promised to nobody.
 */
function rescue(world: World, found: Exclude<Found, { kind: 'ok' }>, send: Send): void {
  const jobDir = world.layout.jobDir(found.id)
  const rebuilt = rebuild(jobDir, found)
  if (found.kind === 'empty' && rebuilt === null) return removeEmpty(jobDir)
  if (found.kind === 'damaged') send(setAside(world, found, rebuilt !== null))
  if (rebuilt !== null) send({ type: 'directory.found', id: found.id, snapshot: toRestorable(rebuilt) })
}

function setAside(world: World, { id, path, reason }: Extract<Found, { kind: 'damaged' }>, isRebuilt: boolean): DirectoryFact {
  const movedTo = isRebuilt ? world.store.quarantine(path, `${id}.state.json`) : world.store.quarantine(world.layout.jobDir(id), id)
  const then = isRebuilt ? 'the process was rebuilt from its run files' : 'nothing was left to rebuild the process from'
  return { type: 'directory.damaged', id, path, message: `${path} is damaged: ${reason}; moved to ${movedTo}; ${then}` }
}

function refusalOf(error: unknown): DirectoryFact {
  if (isProcmanError(error)) return { type: 'directory.refused', code: error.code, message: error.message, details: error.details }
  return { type: 'directory.refused', code: 'PROCMAN_INTERNAL', message: `internal: ${error instanceof Error ? error.message : String(error)}`, details: {} }
}
