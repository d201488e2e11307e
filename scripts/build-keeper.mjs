// Builds the keeper for this machine: keeper/keeper.c -> dist/keeper/procman-keeper. Without a C compiler the keeper in Node serves: no error.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const source = join(root, 'keeper', 'keeper.c')
const parts = ['rotation.h', 'freeze.h', 'logs.h'].map((name) => join(root, 'keeper', name))
const target = join(root, 'dist', 'keeper', 'procman-keeper')
const temp = `${target}.${process.pid}.tmp`
// musl's FD_SET converts signs
const warnings = ['-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-Wno-sign-conversion', '-Werror']
// the last try is for compilers whose warnings we have never seen
const tries = [['-static', ...warnings], warnings, []]
// musl first: run 500 times with `version`, a static musl keeper took 0.09 ms each, a static glibc one 0.54 ms, and it has half the private memory
const compilers = process.env.CC ? [process.env.CC] : ['musl-gcc', 'cc', 'gcc', 'clang']

// the one of `npm run build:keepers` (musl) serves as well, when it was made from this source
const prebuilt = join(root, 'prebuilt', `${process.platform}-${process.arch}`, 'procman-keeper')
const mtimeOf = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
const runs = (path) => spawnSync(path, ['version'], { encoding: 'utf8' }).stdout === 'procman-keeper 1\n'
const takePrebuilt = () => {
  if (process.env.CC || [source, ...parts].some((path) => mtimeOf(prebuilt) < mtimeOf(path))) return false
  copyFileSync(prebuilt, temp)
  return runs(temp)
}

const build = () => {
  let said = ''
  for (const compiler of compilers) {
    for (const flags of tries) {
      const { status, error, stderr } = spawnSync(compiler, ['-std=gnu11', '-O2', ...flags, source, '-o', temp], { encoding: 'utf8' })
      if (error) break
      said = stderr || said
      // a binary that links but does not run (wrong CC) is none
      if (status === 0 && runs(temp)) return { compiler, flags }
    }
  }
  return { said }
}

if (process.platform === 'win32') {
  process.stderr.write('procman: there is no keeper for Windows\n')
} else {
  mkdirSync(dirname(target), { recursive: true })
  const { compiler, flags, said } = takePrebuilt() ? { compiler: prebuilt, flags: [] } : build()
  if (compiler) {
    renameSync(temp, target)
    process.stdout.write(`procman: built ${target} (${compiler} ${flags.join(' ')})\n`)
  } else {
    rmSync(temp, { force: true })
    if (said) process.stderr.write(said)
    process.stderr.write(`procman: no keeper built (${said ? 'it does not compile here' : 'no C compiler found'}): the keeper in Node will serve\n`)
  }
}
