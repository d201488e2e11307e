/** The config file that a command means, and what its `${env.NAME}` are filled in from. */
import type { Cli } from './context.ts'

export interface ConfigOption {
  readonly config?: string
}

export interface ProjectSource {
  /** Absolute. */
  readonly path: string
  readonly env: Readonly<Record<string, string>>
}

/** @throws PROCMAN_CONFIG_NOT_FOUND */
export async function projectSource(cli: Cli, { config }: ConfigOption): Promise<ProjectSource> {
  const { findConfig } = await import('../config/find.ts')
  return { path: findConfig(config, cli.io.cwd), env: envOf(cli) }
}

/** All variables of the command. */
export function envOf({ io }: Cli): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(io.env).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}
