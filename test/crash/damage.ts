/** What can lie where a file of ours should be, and the files of others that it may point to. */
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Home } from '../e2e/harness.ts'

/** Files of somebody else, which nothing of ours may touch. */
export class Foreign {
  readonly file: string
  readonly dir: string
  readonly #before: string

  constructor(home: Home) {
    this.file = home.path('foreign')
    this.dir = home.path('foreign-dir')
    writeFileSync(this.file, randomBytes(300))
    chmodSync(this.file, 0o644)
    mkdirSync(this.dir)
    chmodSync(this.dir, 0o755)
    writeFileSync(join(this.dir, 'theirs'), 'theirs')
    this.#before = this.#look()
  }

  /** Null while what was there is as it was, byte for byte. */
  change(): string | null {
    const now = this.#look()
    return now === this.#before ? null : `${this.#before} became ${now}`
  }

  #look(): string {
    const theirs = join(this.dir, 'theirs')
    const inside = existsSync(theirs) ? readFileSync(theirs, 'utf8') : 'gone'
    return `${readFileSync(this.file, 'hex')} ${lstatSync(this.file).mode} ${lstatSync(this.dir).mode} ${inside}`
  }
}

/** Puts something in the place of each path; nothing is there before. */
export type Damage = (paths: readonly string[], foreign: Foreign) => void

const each = (put: (path: string, foreign: Foreign) => void): Damage => {
  return (paths, foreign) => {
    for (const path of paths) put(path, foreign)
  }
}

export const DAMAGES: Readonly<Record<string, Damage>> = {
  'an empty file': each((path) => writeFileSync(path, '')),
  'random bytes': each((path) => writeFileSync(path, randomBytes(700))),
  'other JSON': each((path) => writeFileSync(path, '{"v":1,"format":1,"pid":"x","at":-1,"snapshot":[]}')),
  'JSON without end': each((path) => writeFileSync(path, '{"a":['.repeat(200_000))),
  'a file of another format': each((path) => writeFileSync(path, '{"v":2,"format":999,"kind":"later","snapshot":{"value":"running"}}')),
  '100 MB of nothing': each((path) => {
    writeFileSync(path, '')
    truncateSync(path, 100_000_000)
  }),
  'a symlink to a file of somebody else': each((path, foreign) => symlinkSync(foreign.file, path)),
  'a symlink to a directory of somebody else': each((path, foreign) => symlinkSync(foreign.dir, path)),
  'a symlink to nothing': each((path, foreign) => symlinkSync(`${foreign.file}-that-is-not-there`, path)),
  'a symlink to itself': each((path) => symlinkSync(path, path)),
  'a FIFO': (paths) => execFileSync('mkfifo', [...paths]),
  'an empty directory': each((path) => mkdirSync(path)),
  'a directory with something in it': each((path) => {
    mkdirSync(path)
    writeFileSync(join(path, 'something'), '')
  }),
  'a socket': makeSockets,
}

/** Node unlinks its sockets when it closes them, but not when it is killed. A socket's path is short, so it is moved to where it shall be. */
function makeSockets(paths: readonly string[], foreign: Foreign): void {
  const made = paths.map((_, n) => `${foreign.file}-${n}`)
  const script = `let left = ${made.length}; for (const path of ${JSON.stringify(made)}) require('net').createServer().listen(path, () => --left || process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', script])
  for (const [n, path] of paths.entries()) renameSync(made[n] ?? '', path)
}

/** What lies there is moved out of the way, so that nothing of it is changed by what comes in its place. */
export function replace(home: Home, foreign: Foreign, damage: Damage, paths: readonly string[]): void {
  mkdirSync(home.path('away'), { recursive: true })
  for (const [n, path] of paths.entries()) if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) renameSync(path, join(home.path('away'), String(n)))
  damage(paths, foreign)
}
