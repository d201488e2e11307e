/** What all changes of what is known of a process have in common. Pure. */
import type { ProcessContext, Reason } from '../../types.ts'
import type { ProcessEvent } from './events.ts'

export type Change = Partial<ProcessContext>

const KEPT_REASONS = 10

export function noted(context: ProcessContext, atMs: number, text: string): { reasons: readonly Reason[] } {
  return { reasons: [...context.reasons, { atMs, text }].slice(-KEPT_REASONS) }
}

/** A probe tells when it began; what it leads to begins when it has been answered. */
export function nowOf(event: ProcessEvent): number {
  if (event.type === 'probe.failed' || event.type === 'probe.passed') return Math.ceil(event.atMs + event.latencyMs)
  return 'atMs' in event ? event.atMs : 0
}
