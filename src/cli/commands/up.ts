/** `up`: what a config file declares is started and kept, by this command or by a daemon. */
import type { Cli } from '../context.ts'
import { parseManagerOptions } from '../manager-options.ts'
import { parseDuration } from '../parse/duration.ts'
import { projectSource } from '../project.ts'
import { usageError } from '../report.ts'
import type { UpAsked, UpOptions } from '../up/asked.ts'

export async function up(cli: Cli, options: UpOptions): Promise<number> {
  const isDetached = options.detach === true
  mustFit(options, isDetached)
  const asked = await parseUp(cli, options)
  if (isDetached) return (await import('../up/detached.ts')).upDetached(cli, asked)
  return (await import('../up/foreground.ts')).upForeground(cli, asked)
}

function mustFit({ wait, timeout, exitCodeFrom, json, logs }: UpOptions, isDetached: boolean): void {
  if (wait === true && !isDetached) throw usageError('--wait goes with -d: in the foreground, up stays anyway')
  if (timeout !== undefined && wait !== true) throw usageError('--timeout goes with --wait')
  if (json === true && !isDetached) throw usageError('--json goes with -d')
  if (exitCodeFrom !== undefined && isDetached) throw usageError('--exit-code-from does not go with -d, which does not stay')
  if (logs === false && isDetached) throw usageError('--no-logs does not go with -d, which shows none')
}

async function parseUp(cli: Cli, options: UpOptions): Promise<UpAsked> {
  const timeoutMs = options.timeout === undefined ? Number.POSITIVE_INFINITY : parseDuration(options.timeout, '--timeout')
  return {
    ...(await parseManagerOptions(cli, options)),
    stateDir: await cli.stateDir(),
    config: await projectSource(cli, options),
    isWatched: options.watch === true,
    isReplacing: options.replace === true,
    isWaiting: options.wait === true,
    timeoutMs,
    exitCodeFrom: options.exitCodeFrom ?? null,
    showsLogs: options.logs !== false,
    isJson: options.json === true,
  }
}
