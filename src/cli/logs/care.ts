/** `logs --path`, `--rotate` and `--clear`: the files themselves. */
import type { LogPaths, LogStats, ProcessRecord } from '../../index.ts'
import type { Cli } from '../context.ts'
import { say, write } from '../io.ts'
import { renderSize } from '../render/size.ts'
import { forEachId, resolveIds } from '../report.ts'
import type { Asked } from './asked.ts'

/** A line each; of each stream the oldest first, and what is written to now last. */
export async function printPaths(cli: Cli, given: readonly string[], { read, isJson }: Asked): Promise<number> {
  const reader = await cli.reader()
  const { ids, code } = await resolveIds(cli.io, given, (id) => reader.get(id))
  const failed = await forEachId(cli.io, ids, async (id) => {
    const paths = await reader.logPaths(id)
    const stdout = read.stdout === false ? [] : paths.stdout
    const stderr = read.stderr === false ? [] : paths.stderr
    if (stdout.length + stderr.length === 0) await say(cli.io, `there are no files of what ${id} has printed`)
    await write(cli.io.stdout, isJson ? `${JSON.stringify({ id, stdout, stderr })}\n` : [...stdout, ...stderr].map((path) => `${path}\n`).join(''))
  })
  return code === 0 ? failed : code
}

export function rotateLogs(cli: Cli, given: readonly string[]): Promise<number> {
  return withEach(cli, given, async (supervisor, id) => {
    const before = newestRotated(await supervisor.logPaths(id))
    await supervisor.rotateLogs(id)
    const after = newestRotated(await supervisor.logPaths(id))
    if (after.every((path, i) => path === undefined || path === before[i])) return say(cli.io, nothingRotated(supervisor.get(id)))
    const { stdout, stderr } = await supervisor.logStats(id)
    await say(cli.io, `rotated the logs of ${id}: ${files(stdout.rotatedFiles)} of stdout, ${files(stderr.rotatedFiles)} of stderr`)
  })
}

export function clearLogs(cli: Cli, given: readonly string[]): Promise<number> {
  return withEach(cli, given, async (supervisor, id) => {
    const before = keptBytes(await supervisor.logStats(id))
    await supervisor.clearLogs(id)
    await say(cli.io, `cleared the logs of ${id}: ${renderSize(before)}`)
  })
}

type Held = Parameters<Parameters<Cli['withSupervisor']>[0]>[0]

function withEach(cli: Cli, given: readonly string[], act: (supervisor: Held, id: string) => Promise<void>): Promise<number> {
  return cli.withSupervisor(async (supervisor) => {
    const { ids, code } = await resolveIds(cli.io, given, (id) => supervisor.get(id))
    const failed = await forEachId(cli.io, ids, (id) => act(supervisor, id))
    return code === 0 ? failed : code
  })
}

/** Of stdout and of stderr, whether it has been compressed meanwhile or not. */
function newestRotated({ stdout, stderr }: LogPaths): readonly (string | undefined)[] {
  return [stdout, stderr].map((paths) => paths.at(-2)?.replace(/\.(gz|zst)$/, ''))
}

function nothingRotated({ id, pid }: ProcessRecord): string {
  const why =
    pid === null
      ? 'there is nothing in them that is not rotated yet'
      : 'they have less than a block of the file system (4 kB), and while it is up only whole ones are rotated'
  return `nothing to rotate in the logs of ${id}: ${why}`
}

function keptBytes({ stdout, stderr }: LogStats): number {
  return [stdout, stderr].reduce((sum, { from, to, gapBytes }) => sum + to - from - gapBytes, 0)
}

function files(count: number): string {
  return `${count} rotated ${count === 1 ? 'file' : 'files'}`
}
