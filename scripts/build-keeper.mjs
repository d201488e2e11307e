// Builds the keeper for this machine: keeper/keeper.c -> dist/keeper/procman-keeper. Without a C compiler the keeper in Node serves: no error.
import { spawnSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const source = join(root, 'keeper', 'keeper.c')
const target = join(root, 'dist', 'keeper', 'procman-keeper')
const temp = `${target}.${process.pid}.tmp`
const warnings = ['-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-Werror']
// the last try is for compilers whose warnings we have never seen
const tries = [['-static', ...warnings], warnings, []]
const compilers = process.env.CC ? [process.env.CC] : ['cc', 'gcc', 'clang']

const build = () => {
  let said = ''
  for (const compiler of compilers) {
    for (const flags of tries) {
      const { status, error, stderr } = spawnSync(compiler, ['-std=gnu11', '-O2', ...flags, source, '-o', temp], { encoding: 'utf8' })
      if (error) break
      said = stderr || said
      // a binary that links but does not run (wrong CC) is none
      if (status === 0 && spawnSync(temp, ['version'], { encoding: 'utf8' }).stdout === 'procman-keeper 1\n') return { compiler, flags }
    }
  }
  return { said }
}

if (process.platform === 'win32') {
  process.stderr.write('procman: there is no keeper for Windows\n')
} else {
  mkdirSync(dirname(target), { recursive: true })
  const { compiler, flags, said } = build()
  if (compiler) {
    renameSync(temp, target)
    process.stdout.write(`procman: built ${target} (${compiler} ${flags.join(' ')})\n`)
  } else {
    rmSync(temp, { force: true })
    if (said) process.stderr.write(said)
    process.stderr.write(`procman: no keeper built (${said ? 'it does not compile here' : 'no C compiler found'}): the keeper in Node will serve\n`)
  }
}
