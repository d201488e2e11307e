/** `doctor`: what procman works with on this machine, and what is wrong. Changes nothing but that it puts the keeper in place, as a start would. */
import { accessSync, constants, statfsSync, statSync } from 'node:fs'
import { release } from 'node:os'
import { readVersion } from '../../version.ts'
import type { Cli } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { write } from '../io.ts'
import { renderJson } from '../render/json.ts'
import { escapeControls } from '../render/text.ts'

const OLDEST_NODE = [20, 18] as const
const PLATFORMS = ['linux', 'darwin']

export interface Diagnosis {
  readonly procman: string
  readonly node: string
  readonly platform: string
  readonly keeper: { readonly kind: string; readonly path: string; readonly version: string; readonly reason: string } | null
  readonly state_dir: StateDirFacts
  /** Who holds the directory now; null: nobody. */
  readonly lock_holder: { readonly pid: number } | null
  /** One sentence each; none: all is well. */
  readonly problems: readonly string[]
}

interface StateDirFacts {
  readonly path: string
  readonly exists: boolean
  /** Permission bits in octal, as 0700. */
  readonly mode: string | null
  readonly processes: number | null
}

/** Exits with 1 when something is wrong. That another manager holds the directory is not. */
export async function doctor(cli: Cli, options: { readonly json?: boolean }): Promise<number> {
  const diagnosis = await diagnose(cli)
  await write(cli.io.stdout, options.json === true ? renderJson(diagnosis) : renderDiagnosis(diagnosis))
  return diagnosis.problems.length === 0 ? EXIT.done : EXIT.failed
}

async function diagnose(cli: Cli): Promise<Diagnosis> {
  const problems: string[] = []
  /** What fails to be found out is a problem of its own and leaves the rest of the diagnosis alone. */
  const attempt = async <T>(what: string, look: () => T | Promise<T>): Promise<T | null> => {
    try {
      return await look()
    } catch (error) {
      problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
      return null
    }
  }
  const path = await cli.stateDir()
  if (!isNodeNewEnough(process.versions.node)) problems.push(`Node ${process.versions.node} is too old: ${OLDEST_NODE.join('.')} or newer is needed`)
  if (!PLATFORMS.includes(process.platform)) problems.push(`procman does not run on ${process.platform}: it needs Linux or macOS`)
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats !== undefined) problems.push(...problemsOfDirectory(path, stats.isDirectory(), stats.mode))
  const isDirectory = stats?.isDirectory() === true
  return {
    procman: readVersion(),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch} ${release()}`,
    keeper: await attempt('no keeper can serve', () => findKeeper(path)),
    state_dir: {
      path,
      exists: stats !== undefined,
      mode: stats === undefined ? null : modeOf(stats.mode),
      processes: isDirectory
        ? await attempt('the processes cannot be read', async () => {
            const { records, problems: found } = (await cli.reader()).survey()
            problems.push(...found.map((problem) => problem.message))
            return records.length
          })
        : null,
    },
    lock_holder: isDirectory ? await attempt('the lock cannot be read', async () => (await import('../../state-dir.ts')).holderOf(path)) : null,
    problems,
  }
}

async function findKeeper(stateDir: string): Promise<NonNullable<Diagnosis['keeper']>> {
  const { describeKeeper } = await import('../../keeper.ts')
  const { kind, path, version, reason } = describeKeeper(stateDir)
  return { kind, path, version, reason }
}

function problemsOfDirectory(path: string, isDirectory: boolean, mode: number): readonly string[] {
  if (!isDirectory) return [`${path} is not a directory`]
  const problems: string[] = []
  if ((mode & 0o077) !== 0) problems.push(`${path} is open to others (${modeOf(mode)}); logs and environments are in it: chmod 700 ${path}`)
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
    const { bavail, ffree, files } = statfsSync(path) // btrfs counts no inodes
    if (bavail === 0 || (ffree === 0 && files > 0))
      problems.push(
        `${path} is on a full disk (no ${bavail === 0 ? 'room' : 'inodes'} left): nothing can be started, and no state written down, until there is some; 'procman remove' makes room`,
      )
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    problems.push(`${path} cannot be read and written by this user${code === undefined ? '' : ` (${code})`}`)
  }
  return problems
}

function isNodeNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])
}

function modeOf(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}

function renderDiagnosis({ procman, node, platform, keeper, state_dir: dir, lock_holder: holder, problems }: Diagnosis): string {
  const rows: readonly (readonly [string, string])[] = [
    ['procman', procman],
    ['node', node],
    ['platform', platform],
    ['keeper', keeper === null ? 'none' : `${keeper.kind} (${keeper.version}): ${keeper.reason}`],
    ['keeper path', keeper?.path ?? '-'],
    ['state directory', dir.exists ? `${dir.path} (${dir.mode ?? ''})` : `${dir.path} (not there yet)`],
    ['processes', dir.processes === null ? '-' : String(dir.processes)],
    ['held by', holder === null ? 'nobody' : `pid ${holder.pid}`],
    ...(problems.length === 0 ? [['problems', 'none'] as const] : problems.map((problem, index) => [index === 0 ? 'problems' : '', problem] as const)),
  ]
  return rows.map(([name, value]) => `${name.padEnd(16)} ${escapeControls(value)}\n`).join('')
}
