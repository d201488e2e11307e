/** Which keeper serves a state directory, and where it is. The C one is copied into the directory, so that an upgrade does not disturb living keepers. */
import { execFileSync } from 'node:child_process'
import { chmodSync, constants, copyFileSync, existsSync, lstatSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeRoom } from '../../directories.ts'
import { errnoOf } from '../../files.ts'
import { startTimeOf } from './identity.ts'

export interface KeeperProgram {
  readonly kind: 'native' | 'node'
  readonly path: string
  /** Why this one. */
  readonly reason: string
  readonly version: string
}

export type KeeperChoice = 'auto' | 'native' | 'node'

const PACKAGE_ROOT = packageRoot(dirname(fileURLToPath(import.meta.url)))
const CONTRACT = 'procman-keeper 1'

function packageRoot(from: string): string {
  return existsSync(join(from, 'package.json')) || dirname(from) === from ? from : packageRoot(dirname(from))
}

/** Finds the keeper that will serve, and puts it in place. Never fails: the keeper in Node always serves. */
export function describeKeeper(stateDir: string, choice: KeeperChoice = 'auto'): KeeperProgram {
  if (choice === 'node') return nodeKeeper('asked for')
  const built = [join(PACKAGE_ROOT, 'dist/keeper/procman-keeper'), join(PACKAGE_ROOT, `prebuilt/${process.platform}-${process.arch}/procman-keeper`)].find(
    existsSync,
  )
  if (built === undefined)
    return nodeKeeper(`there is no C keeper for ${process.platform}-${process.arch} in this installation (npm run build makes one where a C compiler is)`)
  try {
    return { kind: 'native', path: install(built, join(stateDir, 'bin')), reason: 'the C keeper runs on this machine', version: CONTRACT }
  } catch (error) {
    return inPlace(built, error)
  }
}

/** A state directory that is full, or on a file system that executes nothing, need not cost the better keeper. */
function inPlace(built: string, why: unknown): KeeperProgram {
  try {
    tryOut(built)
    const reason = `the C keeper runs on this machine, but could not be copied into the state directory: ${messageOf(why)}`
    return { kind: 'native', path: built, reason, version: CONTRACT }
  } catch (error) {
    if (isPassing(error)) throw error
    return nodeKeeper(`the C keeper cannot run here: ${messageOf(error)}`)
  }
}

function nodeKeeper(reason: string): KeeperProgram {
  return { kind: 'node', path: join(PACKAGE_ROOT, 'dist/keeper/node-keeper.js'), reason, version: CONTRACT }
}

/** Copies the program under a name that tells builds apart, and runs it once. A copy that is there has been run before. */
function install(built: string, binDir: string): string {
  const { size, mtimeMs } = statSync(built)
  const path = join(binDir, `procman-keeper-${size.toString(36)}-${Math.round(mtimeMs).toString(36)}`)
  const there = lstatSync(path, { throwIfNoEntry: false })
  if (there?.isFile() && there.size === size && (there.mode & 0o100) !== 0) return path
  makeRoom(binDir)
  sweepTemps(binDir)
  const temp = `${path}.${process.pid}.tmp`
  try {
    rmSync(temp, { recursive: true, force: true })
    copyFileSync(built, temp, constants.COPYFILE_EXCL)
    chmodSync(temp, 0o700)
    tryOut(temp)
    if (there?.isDirectory()) rmSync(path, { recursive: true })
    renameSync(temp, path)
  } finally {
    rmSync(temp, { recursive: true, force: true })
  }
  return path
}

/** What programs that were killed over it have left. */
function sweepTemps(binDir: string): void {
  for (const name of readdirSync(binDir)) {
    const pid = /\.(\d+)\.tmp$/.exec(name)?.[1]
    if (pid !== undefined && startTimeOf(Number(pid)) === null) rmSync(join(binDir, name), { recursive: true, force: true })
  }
}

function tryOut(path: string): void {
  const said = execFileSync(path, ['version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  if (said !== CONTRACT) throw new Error(`it says ${JSON.stringify(said)} instead of ${JSON.stringify(CONTRACT)}`)
}

/** Says nothing about the program: asked again, it may run. */
function isPassing(error: unknown): boolean {
  return ['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM'].includes(errnoOf(error))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
