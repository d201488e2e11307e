/** Whether a process may be started, as far as what it depends on is concerned. Pure: same facts, same verdict. */
import type { DependencyCondition } from '../../types.ts'
import type { Facts } from './facts.ts'

/** What is known of a process that another one depends on. */
export interface Dependency {
  readonly isDeclared: boolean
  /** Undefined: it is not there. */
  readonly facts: Facts | undefined
  /** It is about to be started; `anew`: what it runs is about to be replaced, and that it is well now says nothing. */
  readonly comes: 'soon' | 'anew' | null
}

/** `waits`: it may come true by itself. `blocked`: somebody has to do something. */
export type Gate = { readonly kind: 'open' } | { readonly kind: 'waits' | 'blocked'; readonly reason: string }

export const OPEN: Gate = { kind: 'open' }

const GOALS: Readonly<Record<DependencyCondition, string>> = {
  started: 'be started',
  healthy: 'be healthy',
  'completed-successfully': 'complete',
}

/** Reasons name no times and no pids: they are written down, and again whenever they change. */
export function gateOf(dependsOn: Readonly<Record<string, DependencyCondition>>, look: (id: string) => Dependency): Gate {
  const unmet = Object.entries(dependsOn).flatMap(([id, condition]) => unmetOf(id, condition, look(id)))
  if (unmet.length === 0) return OPEN
  return { kind: unmet.some(({ isHopeless }) => isHopeless) ? 'blocked' : 'waits', reason: `waits for ${unmet.map(({ text }) => text).join(', and for ')}` }
}

interface Unmet {
  readonly text: string
  readonly isHopeless: boolean
}

function unmetOf(id: string, condition: DependencyCondition, { facts, isDeclared, comes }: Dependency): readonly Unmet[] {
  const unmet = (state: string, isHopeless: boolean) => [{ text: `${id} to ${GOALS[condition]}: ${id} ${state}`, isHopeless }]
  if (comes !== null) return unmet(comes === 'anew' ? 'is about to be started anew' : 'is about to be started', false)
  if (facts === undefined) return isDeclared ? unmet('is not there', false) : unmet('is not declared', true)
  return isMet(condition, facts) ? [] : unmet(runningWords(condition, facts) ?? stateWords(facts), hasSettled(facts))
}

/** `started`: it is up, or was and has completed. `healthy`: ready, and every probe passes. */
export function isMet(condition: DependencyCondition, facts: Facts): boolean {
  switch (condition) {
    case 'started':
      return facts.status === 'completed' || (facts.pid !== null && (facts.state === 'starting' || facts.state === 'running' || facts.state === 'unhealthy'))
    case 'healthy':
      return facts.ready && (facts.health === null || facts.health.status === 'healthy')
    case 'completed-successfully':
      return facts.status === 'completed'
  }
}

/** Nobody starts it again but a user. */
function hasSettled({ state, waiting_for }: Facts): boolean {
  return waiting_for === null && (state === 'exited' || state === 'orphaned')
}

function runningWords(condition: DependencyCondition, { state }: Facts): string | null {
  return condition === 'healthy' && state === 'running' ? 'is running, and not all of its probes have passed yet' : null
}

/** As "has failed: exited with code 1". */
export function stateWords({ state, status, error, waiting_for }: Facts): string {
  switch (state) {
    case 'pending':
      return waiting_for === null ? 'has not been started yet' : 'has to wait itself'
    case 'starting':
      return 'is starting'
    case 'running':
      return 'is running'
    case 'unhealthy':
      return 'is unhealthy'
    case 'backoff':
      return 'has ended, and is about to be started again'
    case 'stopping':
      return 'is being stopped'
    case 'orphaned':
      return 'is orphaned: how its last run ended is not known'
    case 'exited':
      if (waiting_for !== null) return 'has to wait itself'
      if (status === 'cancelled') return 'was stopped by the user'
      return status === 'completed' ? 'has completed' : `has failed: ${error ?? 'nobody knows why'}`
  }
}
