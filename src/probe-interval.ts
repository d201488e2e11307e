/** How often a probe is asked. Pure: those who ask and those who tell of it go by the same. */
import type { ProbeName, ProbeSpec } from './types.ts'

/**
 * What readiness hangs on is asked often until the process is ready; not again when it has become unready.
 * @param hasBeenReady in this run. @returns ms
 */
export function intervalInForce(probe: ProbeName, spec: Pick<ProbeSpec, 'intervalMs' | 'startIntervalMs'>, hasBeenReady: boolean): number {
  return probe === 'liveness' || hasBeenReady ? spec.intervalMs : spec.startIntervalMs
}
