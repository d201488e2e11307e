/** The effect that holds the state directory while the supervisor lives: takes it, tells what is in it, lets go of it. */

import { lstatSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { defineEffect } from '../effects/effect.ts'
import { isProcmanError } from '../errors.ts'
import { errnoOf } from '../files.ts'
import type { DirectoryFact } from '../machines/supervisor/machine.ts'
import { toRestorable } from '../persistence/codec.ts'
import { type Found, listIds, readState, removeEmpty } from '../persistence/state-dir.ts'
import { catchUp, rebuild } from './rebuild.ts'
import type { World } from './world.ts'

type Send = (fact: DirectoryFact) => void

const TRY_AGAIN_MS = 1_000
const STRAYS_PATIENCE_MS = 1_000

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
  await world.open((message) => send({ type: 'directory.lost', message }))
  if (isOver()) return void world.letGo()
  let left = await restoreAll(world, listIds(world.layout), send, isOver)
  // What is known to have ended is told to have ended by the first answer already.
  await world.strays.quiet(STRAYS_PATIENCE_MS)
  if (isOver()) return
  send({ type: 'directory.opened' })
  void world.store.emptyTrash()
  // What could not be read is no less a process of ours: it is taken in as soon as it can be.
  while (left.length > 0 && !isOver()) {
    await pause(TRY_AGAIN_MS, undefined, { ref: false })
    const unknown = left.filter((id) => !world.refs.has(id))
    left = await restoreAll(world, unknown, send, isOver)
  }
}

/** @returns the ids of those that cannot be read for now */
async function restoreAll(world: World, ids: readonly string[], send: Send, isOver: () => boolean): Promise<readonly string[]> {
  const unreadable: string[] = []
  for (const id of ids) {
    await world.slices.turn()
    if (isOver()) return []
    try {
      if (!restore(world, readState(world.layout, id), send)) unreadable.push(id)
    } catch (error) {
      unreadable.push(id)
      const path = world.layout.jobDir(id)
      send({ type: 'directory.damaged', id, path, message: `${path} cannot be read (${errnoOf(error)}); tried again` })
    }
  }
  return unreadable
}

/** @returns false when it cannot be read for now */
function restore(world: World, found: Found, send: Send): boolean {
  if (found.kind === 'unreadable') {
    send({ type: 'directory.damaged', id: found.id, path: found.path, message: `${found.path}: ${found.reason}; tried again` })
    return false
  }
  if (found.kind === 'ok') {
    const snapshot = catchUp(world.layout.root, world.layout.jobDir(found.id), found.snapshot)
    send({ type: 'directory.found', id: found.id, snapshot: toRestorable(snapshot) })
  } else rescue(world, found, send)
  return true
}

/**
 * A process without a readable state is rebuilt from its run files: what runs is not lost with the file that said so. One that has no state at all was cut off
 * in its first start, whose intent stands in for it; one that has not even that was promised to nobody.
 */
function rescue(world: World, found: Extract<Found, { kind: 'empty' | 'damaged' }>, send: Send): void {
  const jobDir = world.layout.jobDir(found.id)
  const rebuilt = rebuild(jobDir, found)
  if (found.kind === 'empty' && rebuilt === null) {
    if (lstatSync(jobDir, { throwIfNoEntry: false })?.isSymbolicLink())
      return send(setAside(world, { ...found, kind: 'damaged', path: jobDir, reason: 'it is a symbolic link' }, false))
    return removeEmpty(jobDir)
  }
  if (found.kind === 'damaged') send(setAside(world, found, rebuilt !== null))
  if (rebuilt !== null) send({ type: 'directory.found', id: found.id, snapshot: toRestorable(rebuilt) })
}

function setAside(world: World, { id, path, reason }: Extract<Found, { kind: 'damaged' }>, isRebuilt: boolean): DirectoryFact {
  const then = isRebuilt ? 'the process was rebuilt from its run files' : 'nothing was left to rebuild the process from'
  const told = (what: string): DirectoryFact => ({ type: 'directory.damaged', id, path, message: `${path} is damaged: ${reason}; ${what}; ${then}` })
  try {
    return told(`moved to ${isRebuilt ? world.store.quarantine(path, `${id}.state.json`) : world.store.quarantine(world.layout.jobDir(id), id)}`)
  } catch (error) {
    return told(`it cannot be moved aside (${errnoOf(error)})`)
  }
}

function refusalOf(error: unknown): DirectoryFact {
  if (isProcmanError(error)) return { type: 'directory.refused', code: error.code, message: error.message, details: error.details }
  return { type: 'directory.refused', code: 'PROCMAN_INTERNAL', message: `internal: ${error instanceof Error ? error.message : String(error)}`, details: {} }
}
