/** Whether a process may be removed with its files. */
import type { ProcessRef } from '../api.ts'
import { ProcmanError } from '../errors.ts'
import { isRemovable, mustBeSound } from './judge.ts'
import { wrongState } from './launch.ts'
import type { World } from './world.ts'

/** @throws PROCMAN_WRONG_STATE, PROCMAN_PROCESS_DAMAGED, PROCMAN_PROCESS_UNKNOWN when somebody else has removed it */
export function mustBeRemovable(world: World, ref: ProcessRef): void {
  if (world.refs.get(ref.id) !== ref) throw new ProcmanError('PROCMAN_PROCESS_UNKNOWN', `process ${ref.id} was removed meanwhile`, { details: { id: ref.id } })
  const { value } = mustBeSound(ref)
  if (!isRemovable(ref.getSnapshot())) throw wrongState('remove', ref.id, value, 'stop it first')
}
