/** Commands in a real terminal, which script(1) of util-linux makes. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'

/** That of BSD has other options. */
export const HAS_TERMINAL = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true

/** @param line for a shell, without single quotes; the terminal has 12 rows of 100 columns */
export function inTerminal(line: string, env: NodeJS.ProcessEnv): ChildProcess {
  return spawn('script', ['-qec', `sh -c 'stty rows 12 cols 100; ${line}'`, '/dev/null'], { env: { ...env, TERM: 'xterm' }, stdio: 'pipe' })
}
