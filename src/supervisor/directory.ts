/** The effect that holds the state directory while the supervisor lives: takes it, tells what is in it, lets go of it. */

import { lstatSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { defineEffect } from '../effects/effect.ts'
import { hasKeeper } from '../effects/run/keeper-link.ts'
import { runsWith } from '../effects/run/run-files.ts'
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
    const obstacle = tryRestore(world, id, send)
    if (obstacle === null) world.unreadable.delete(id)
    else {
      unreadable.push(id)
      world.unreadable.set(id, obstacle)
      send({ type: 'directory.damaged', id, ...obstacle, message: `${obstacle.message}; tried again` })
    }
  }
  return unreadable
}

/** Why a process cannot be taken in for now. */
interface Obstacle {
  readonly path: string
  readonly message: string
}

function tryRestore(world: World, id: string, send: Send): Obstacle | null {
  try {
    return restore(world, readState(world.layout, id), send)
  } catch (error) {
    const path = world.layout.jobDir(id)
    return { path, message: `${path} cannot be read (${errnoOf(error)})` }
  }
}

function restore(world: World, found: Found, send: Send): Obstacle | null {
  if (found.kind === 'unreadable') return { path: found.path, message: `${found.path}: ${found.reason}` }
  if (found.kind === 'ok') {
    const snapshot = catchUp(world.layout.root, world.layout.jobDir(found.id), found.snapshot)
    send({ type: 'directory.found', id: found.id, snapshot: toRestorable(snapshot) })
    return null
  }
  return rescue(world, found, send)
}

/**
 * A process without a readable state is rebuilt from its run files: what runs is not lost with the file that said so. One that has no state at all was cut off
 * in its first start, whose intent stands in for it; one that has not even that, and of which nothing was ever executed, was promised to nobody.
 * Something that runs there, and of which nobody knows any more what it is, is left alone until it has ended.
 */
function rescue(world: World, found: Extract<Found, { kind: 'empty' | 'damaged' }>, send: Send): Obstacle | null {
  const { id } = found
  const jobDir = world.layout.jobDir(id)
  const rebuilt = rebuild(jobDir, found)
  if (rebuilt !== null) {
    if (found.kind === 'damaged') send(setAside(world, found, true))
    send({ type: 'directory.found', id, snapshot: toRestorable(rebuilt) })
    return null
  }
  const { runs, living } = traces(jobDir)
  if (living !== null) {
    return {
      path: jobDir,
      message: `${jobDir}: something runs there (run ${living}), but its state and its intents are missing or damaged, so it cannot be managed`,
    }
  }
  if (found.kind === 'damaged') send(setAside(world, found, false))
  else if (runs > 0) send(setAside(world, { id, kind: 'damaged', path: jobDir, reason: 'its state and its intents are missing or damaged' }, false))
  else removeEmpty(jobDir)
  return null
}

/** How many runs have left files in a directory, and which of them a keeper still holds. */
function traces(jobDir: string): { readonly runs: number; readonly living: number | null } {
  if (!lstatSync(jobDir, { throwIfNoEntry: false })?.isDirectory()) return { runs: 0, living: null }
  const claimed = runsWith(jobDir, 'claim')
  return { runs: claimed.length + runsWith(jobDir, 'child').length, living: claimed.findLast((run) => hasKeeper(jobDir, run)) ?? null }
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
