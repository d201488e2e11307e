/** The state directory: whose it is, who can look into it, and how much room there is. */
import { accessSync, constants, existsSync, readdirSync, type Stats, statfsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { renderSize } from '../render/size.ts'
import { type Finding, note, ok, problem } from './finding.ts'

const LITTLE_ROOM = 200_000_000
const TOPIC = 'state directory'

/** @param stats undefined: it is not there yet */
export function judgeDirectory(path: string, stats: Stats | undefined): readonly Finding[] {
  if (stats === undefined) return [judgeAbsent(path)]
  if (!stats.isDirectory()) return [problem(TOPIC, `${path} is not a directory`, 'another --state-dir, or move it away')]
  const mode = modeOf(stats.mode)
  const others =
    (stats.mode & 0o077) === 0
      ? ok(TOPIC, `${path} is closed to others (${mode})`)
      : problem(TOPIC, `${path} is open to others (${mode}); logs and environments are in it`, `chmod 700 ${path}`)
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
    return [others, judgeRoom(path), ...judgeQuarantine(path)]
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return [
      others,
      problem(
        TOPIC,
        `${path} cannot be read and written by this user${code === undefined ? '' : ` (${code})`}`,
        `chown -R $(id -un) ${path}, or another --state-dir`,
      ),
    ]
  }
}

/** It can be made where the nearest directory above it that is there may be written to. */
function judgeAbsent(path: string): Finding {
  let above = dirname(path)
  while (!existsSync(above) && above !== dirname(above)) above = dirname(above)
  try {
    accessSync(above, constants.W_OK | constants.X_OK)
    // /proc and the like let nobody make anything, whatever they tell.
    if (statfsSync(above).blocks > 0 && statSync(above).isDirectory()) return ok(TOPIC, `${path} is not there yet: the first command makes it`)
  } catch {}
  return problem(TOPIC, `${path} is not there, and cannot be made in ${above}`, 'another --state-dir, or make it as a user who may')
}

export function modeOf(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}

function judgeRoom(path: string): Finding {
  const { bavail, bsize, ffree, files } = statfsSync(path)
  const free = bavail * bsize
  // btrfs counts no inodes.
  if (bavail === 0 || (ffree === 0 && files > 0))
    return problem(
      TOPIC,
      `${path} is on a full disk (no ${bavail === 0 ? 'room' : 'inodes'} left): nothing can be started, and no state written down, until there is some`,
      "'procman remove' makes room",
    )
  if (free < LITTLE_ROOM) return note(TOPIC, `${renderSize(free)} are free on its disk: output needs room`, 'procman cleanup')
  return ok(TOPIC, `${renderSize(free)} are free on its disk`)
}

function judgeQuarantine(path: string): readonly Finding[] {
  const kept = namesIn(join(path, 'quarantine'))
  if (kept.length === 0) return []
  return [note(TOPIC, `${kept.length} damaged files were moved to ${join(path, 'quarantine')}`, 'look at them, and delete them')]
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
