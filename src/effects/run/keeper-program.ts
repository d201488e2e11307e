/** Which keeper serves a state directory, and where it is. The C one is copied into the directory, so that an upgrade does not disturb living keepers. */
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

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
    return nodeKeeper(`the C keeper cannot run here: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function nodeKeeper(reason: string): KeeperProgram {
  return { kind: 'node', path: join(PACKAGE_ROOT, 'dist/keeper/node-keeper.js'), reason, version: CONTRACT }
}

/** Copies the program under a name that tells builds apart, and runs it once. A copy that is there has been run before. */
function install(built: string, binDir: string): string {
  const { size, mtimeMs } = statSync(built)
  const path = join(binDir, `procman-keeper-${size.toString(36)}-${Math.round(mtimeMs).toString(36)}`)
  if (existsSync(path)) return path
  mkdirSync(binDir, { recursive: true, mode: 0o700 })
  const temp = `${path}.${process.pid}.tmp`
  copyFileSync(built, temp)
  try {
    chmodSync(temp, 0o700)
    const said = execFileSync(temp, ['version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
    if (said !== CONTRACT) throw new Error(`it says ${JSON.stringify(said)} instead of ${JSON.stringify(CONTRACT)}`)
    renameSync(temp, path)
  } finally {
    rmSync(temp, { force: true })
  }
  return path
}
