/** The effect that holds the state directory while the supervisor lives: takes it, tells what is in it, lets go of it. */
import { setTimeout as pause } from 'node:timers/promises'
import { defineEffect } from '../effects/effect.ts'
import { isProcmanError } from '../errors.ts'
import type { DirectoryFact } from '../machines/supervisor/machine.ts'
import { listIds } from '../persistence/state-dir.ts'
import { Restoration } from './restoration.ts'
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
  const restoration = new Restoration(world, send, isOver)
  let left = await restoration.restoreAll(listIds(world.layout))
  world.opened()
  // What is known to have ended is told to have ended by the first answer already.
  await world.strays.quiet(STRAYS_PATIENCE_MS)
  if (isOver()) return
  send({ type: 'directory.opened' })
  void world.store.emptyTrash()
  void restoration.removeEmpty()
  // What could not be read is no less a process of ours: it is taken in as soon as it can be.
  while (left.length > 0 && !isOver()) {
    await pause(TRY_AGAIN_MS, undefined, { ref: false })
    const unknown = left.filter((id) => !world.refs.has(id))
    left = await restoration.restoreAll(unknown)
  }
}

function refusalOf(error: unknown): DirectoryFact {
  if (isProcmanError(error)) return { type: 'directory.refused', code: error.code, message: error.message, details: error.details }
  return { type: 'directory.refused', code: 'PROCMAN_INTERNAL', message: `internal: ${error instanceof Error ? error.message : String(error)}`, details: {} }
}
