/** The helper that starts keepers for a manager in another process. Only the C keeper has one. */
import { existsSync, readFileSync } from 'node:fs'
import { lives, type Manager } from '../e2e/harness.ts'

export const hasNativeKeeper = existsSync(new URL('../../dist/keeper/procman-keeper', import.meta.url))

export function spawnerOf(manager: Manager): number | undefined {
  const { pid } = manager.child
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').filter(Boolean).map(Number)
  return children.find((child) => lives(child) && readFileSync(`/proc/${child}/cmdline`, 'latin1').endsWith('\0spawn\0'))
}
