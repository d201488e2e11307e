/** Writing to the stdin of a process without holding its state directory. */
import { openStdinOf, type StdinWriter } from './effects/run/stdin.ts'
import { layoutOf, resolveStateDir } from './persistence/layout.ts'

export type { StdinWriter } from './effects/run/stdin.ts'

/** @throws PROCMAN_STDIN_CLOSED when the process has no stdin to write to, or it was closed */
export function openStdin(stateDir: string | undefined, id: string): StdinWriter {
  return openStdinOf(layoutOf(resolveStateDir(stateDir)).jobDir(id), id)
}
