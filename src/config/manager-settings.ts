import type { ManagerSettings } from './contract.ts'
import type { ConfigAsked } from './schema.ts'

/** Settings of the manager, defaults filled in. */
export function toManagerSettings({
  port,
  log_level: logLevel,
  force_shutdown_timeout: timeoutMs,
  log_max_total: logMaxTotalBytes,
}: NonNullable<ConfigAsked['process_manager']> = {}): ManagerSettings {
  return { port: port ?? null, logLevel: logLevel ?? 'info', forceShutdownTimeoutMs: timeoutMs ?? 30_000, logMaxTotalBytes: logMaxTotalBytes ?? null }
}
