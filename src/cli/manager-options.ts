/** The options of verbs that may start a manager. */
import { resolve } from 'node:path'
import type { LogLevel } from '../config/contract.ts'
import type { TokenOptions } from '../manager/daemon/protocol.ts'
import type { Cli } from './context.ts'
import { parseChoice } from './parse/choice.ts'

export const LOG_LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

export interface ManagerVerbOptions {
  readonly listen?: string
  readonly tokenFile?: string
  readonly readTokenFile?: string
  readonly logLevel?: string
}

export interface ManagerAsked {
  readonly listen: string | null
  readonly tokens: TokenOptions
  readonly logLevel: LogLevel | null
}

/** @throws PROCMAN_INVALID_ARGUMENT */
export async function parseManagerOptions(cli: Cli, options: ManagerVerbOptions): Promise<ManagerAsked> {
  if (options.listen !== undefined) (await import('../manager/address.ts')).parseListen(options.listen)
  const fileOf = (path: string | undefined) => (path === undefined ? null : resolve(cli.io.cwd, path))
  return {
    listen: options.listen ?? null,
    tokens: { file: fileOf(options.tokenFile), readFile: fileOf(options.readTokenFile) },
    logLevel: options.logLevel === undefined ? null : parseLogLevel(options.logLevel, '--log-level'),
  }
}

export function parseLogLevel(text: string, option: string): LogLevel {
  return parseChoice(text, option, LOG_LEVELS)
}
