/** `show`: the whole record, and how much is kept of its output. */

import type { LogStats, StreamStats } from '../../index.ts'
import type { Cli } from '../context.ts'
import { findDue } from '../duties.ts'
import { EXIT } from '../exit-codes.ts'
import { write } from '../io.ts'
import { colorsFor } from '../render/colors.ts'
import { renderJson } from '../render/json.ts'

export async function show(cli: Cli, id: string, options: { readonly json?: boolean }): Promise<number> {
  const reader = await cli.reader()
  const record = reader.get(id)
  const stats = await reader.logStats(record.id)
  if (options.json === true) {
    await write(cli.io.stdout, renderJson({ ...record, log_stats: statsToJson(stats) }))
  } else {
    const { renderRecord } = await import('../render/record.ts')
    await write(cli.io.stdout, renderRecord(record, await findDue(cli, record), cli.io, await colorsFor(cli.io), stats))
  }
  return EXIT.done
}

/** In the words of a record. */
function statsToJson({ stdout, stderr }: LogStats): object {
  const named = ({ diskBytes, from, to, gapBytes, lostBytes, rotatedFiles, compressedFiles }: StreamStats) => ({
    disk_bytes: diskBytes,
    from,
    to,
    gap_bytes: gapBytes,
    lost_bytes: lostBytes,
    rotated_files: rotatedFiles,
    compressed_files: compressedFiles,
  })
  return { stdout: named(stdout), stderr: named(stderr) }
}
