/** Where logs are read: in the files, which needs nobody; what is in memory, through the manager that may hold it. */
import type { Reader } from '../../api.ts'
import type { ProcessRecord } from '../../index.ts'
import type { Cli } from '../context.ts'

export interface Source extends Pick<Reader, 'attach' | 'get' | 'watch'> {
  close(): Promise<void>
}

export async function sourceOf(cli: Cli, records: readonly ProcessRecord[]): Promise<Source> {
  const manager = records.some(({ logs }) => logs.stdout === 'memory' || logs.stderr === 'memory') ? await cli.connect() : null
  const reader = await cli.reader()
  const from = manager ?? reader
  return {
    get: (id) => from.get(id),
    attach: (id, options) => from.attach(id, options),
    watch: (id, options) => from.watch(id, options),
    close: async () => manager?.close(),
  }
}

/** @returns undefined for what was removed */
export function recordOf(source: Pick<Source, 'get'>, id: string): ProcessRecord | undefined {
  try {
    return source.get(id)
  } catch {
    return undefined
  }
}
