// Compiles what the storm executes.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const COMPILERS = ['musl-gcc', 'cc', 'gcc', 'clang']

/** @returns the first C compiler that runs here; undefined when there is none */
export function compiler() {
  return COMPILERS.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0)
}

/** @param path where the program is put */
export function compileSubject(path) {
  const cc = compiler()
  if (cc === undefined) throw new Error(`the storm needs a C compiler, one of ${COMPILERS.join(', ')}`)
  const source = fileURLToPath(new URL('subject.c', import.meta.url))
  const made = [['-static'], []].some((more) => spawnSync(cc, ['-O2', ...more, '-o', path, source], { stdio: 'ignore' }).status === 0)
  if (!made) throw new Error(`${cc} cannot compile ${source}`)
}
