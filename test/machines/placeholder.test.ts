import { expect, it } from 'vitest'
import { createActor } from 'xstate'
import { processMachine } from '../../src/machines/process/machine.ts'
import { aSpec, EPOCH_MS } from './fixtures.ts'

it('an effect that was not provided is told by its name', () => {
  const actor = createActor(processMachine, { input: { spec: aSpec(), createdAtMs: EPOCH_MS } })
  actor.subscribe({ error: () => {} })
  actor.start()
  actor.send({ type: 'process.start', atMs: EPOCH_MS })
  expect(actor.getSnapshot()).toMatchObject({ status: 'error', error: new Error('internal: the effect "run" was not provided to the machine') })
})
