/** What can be known of a state directory without opening it. */
import { isAlive } from './effects/run/identity.ts'
import { layoutOf } from './persistence/layout.ts'
import { readHolder } from './persistence/lock.ts'

export { defaultStateDir } from './persistence/layout.ts'

/** @returns the pid of the manager that holds the directory; null when none does. The lock of a dead manager holds nobody up. */
export function holderOf(stateDir: string): { readonly pid: number } | null {
  const holder = readHolder(layoutOf(stateDir).lock)
  return holder !== null && isAlive(holder.identity) ? { pid: holder.identity.pid } : null
}
