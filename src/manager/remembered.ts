/** How the last manager of a state directory was brought up, for the next one: `manager.json`, 0600, since it holds an environment. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { LogLevel } from '../config/contract.ts'
import { readWhole, replaceFile } from '../files.ts'
import type { TokenOptions } from './daemon/protocol.ts'

export interface Remembered {
  readonly config: { readonly path: string; readonly env: Readonly<Record<string, string>> } | null
  readonly watch: boolean
  readonly listen: string | null
  /** Asked for on the command line; null: as the config says. */
  readonly log_level: LogLevel | null
  readonly tokens: TokenOptions
}

const FORMAT = 1

export function remember(stateDir: string, what: Remembered): void {
  replaceFile(pathOf(stateDir), `${JSON.stringify({ format: FORMAT, ...what })}\n`)
}

/** @returns null when there is nothing, or nothing that can be used: then the next manager is told anew */
export function recall(stateDir: string): Remembered | null {
  try {
    const found = readWhole(pathOf(stateDir))
    const parsed: unknown = found.kind === 'text' ? JSON.parse(found.text) : null
    return isRemembered(parsed) ? parsed : null
  } catch {
    return null
  }
}

export function forget(stateDir: string): void {
  rmSync(pathOf(stateDir), { force: true })
}

function pathOf(stateDir: string): string {
  return join(stateDir, 'manager.json')
}

/** Its writer is procman: what matters is that a damaged file does no harm. */
function isRemembered(value: unknown): value is Remembered {
  const { format, config, watch, tokens } = (value ?? {}) as { format?: unknown } & Partial<Remembered>
  const isConfig = config === null || (typeof config?.path === 'string' && typeof config.env === 'object' && config.env !== null)
  return format === FORMAT && isConfig && typeof watch === 'boolean' && typeof tokens === 'object' && tokens !== null
}
