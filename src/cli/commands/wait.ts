/** `wait`: blocks until all have settled and answers with how they ended. */
import type { ProcessRecord } from '../../index.ts'
import type { Cli } from '../context.ts'
import { exitCodeOfRecord } from '../exit-codes.ts'
import { write } from '../io.ts'
import { parseDuration } from '../parse/duration.ts'
import { renderJson } from '../render/json.ts'
import { reportError } from '../report.ts'

/** The first code that is not 0, in the order of the ids, errors included. The timeout is one for all together. */
export async function wait(cli: Cli, ids: readonly string[], options: { readonly timeout?: string; readonly json?: boolean }): Promise<number> {
  const timeoutMs = options.timeout === undefined ? undefined : parseDuration(options.timeout, '--timeout')
  const reader = await cli.reader()
  const ends = await Promise.allSettled(ids.map(async (id) => reader.wait(reader.get(id).id, timeoutMs === undefined ? {} : { timeoutMs })))
  const codes: number[] = []
  const records: ProcessRecord[] = []
  for (const end of ends) {
    if (end.status === 'fulfilled') records.push(end.value)
    codes.push(end.status === 'fulfilled' ? exitCodeOfRecord(end.value) : await reportError(cli.io, end.reason))
  }
  if (options.json === true) await write(cli.io.stdout, renderJson(records))
  return codes.find((code) => code !== 0) ?? 0
}
