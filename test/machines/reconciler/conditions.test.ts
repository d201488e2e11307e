import { describe, expect, it } from 'vitest'
import { type Dependency, gateOf } from '../../../src/machines/reconciler/conditions.ts'
import type { DependencyCondition } from '../../../src/types.ts'
import { as } from './fixtures.ts'

const known = (state: keyof typeof as): Dependency => ({ isDeclared: true, facts: as[state], comes: null })
const told = (dependsOn: Record<string, DependencyCondition>, ...dependencies: readonly Dependency[]) => {
  const ids = Object.keys(dependsOn)
  const gate = gateOf(dependsOn, (id) => dependencies[ids.indexOf(id)] ?? { isDeclared: false, facts: undefined, comes: null })
  return gate.kind === 'open' ? 'open' : `${gate.kind}: ${gate.reason}`
}

describe('what a process depends on', () => {
  it.each<[keyof typeof as, started: string, healthy: string, completed: string]>([
    ['pending', 'waits: has not been started yet', 'waits: has not been started yet', 'waits: has not been started yet'],
    ['held', 'waits: has to wait itself', 'waits: has to wait itself', 'waits: has to wait itself'],
    ['launching', 'waits: is starting', 'waits: is starting', 'waits: is starting'],
    ['starting', 'open', 'waits: is starting', 'waits: is starting'],
    ['running', 'open', 'open', 'waits: is running'],
    ['unproven', 'open', 'waits: is running, and not all of its probes have passed yet', 'waits: is running'],
    ['healthy', 'open', 'open', 'waits: is running'],
    ['unhealthy', 'open', 'waits: is unhealthy', 'waits: is unhealthy'],
    [
      'backoff',
      'waits: has ended, and is about to be started again',
      'waits: has ended, and is about to be started again',
      'waits: has ended, and is about to be started again',
    ],
    ['stopping', 'waits: is being stopped', 'waits: is being stopped', 'waits: is being stopped'],
    ['completed', 'open', 'blocked: has completed', 'open'],
    ['failed', 'blocked: has failed: exited with code 1', 'blocked: has failed: exited with code 1', 'blocked: has failed: exited with code 1'],
    ['cancelled', 'blocked: was stopped by the user', 'blocked: was stopped by the user', 'blocked: was stopped by the user'],
    [
      'orphaned',
      'blocked: is orphaned: how its last run ended is not known',
      'blocked: is orphaned: how its last run ended is not known',
      'blocked: is orphaned: how its last run ended is not known',
    ],
  ])('and is %s', (state, ...expected) => {
    const goals = { started: 'be started', healthy: 'be healthy', 'completed-successfully': 'complete' } as const
    const seen = Object.entries(goals).map(([condition, goal]) =>
      told({ db: condition as DependencyCondition }, known(state)).replace(`waits for db to ${goal}: db `, ''),
    )
    expect(seen).toEqual(expected)
  })

  it('is not there, or not declared, or about to be another', () => {
    expect(told({ db: 'started' }, { isDeclared: true, facts: undefined, comes: null })).toBe('waits: waits for db to be started: db is not there')
    expect(told({ db: 'started' }, { isDeclared: true, facts: undefined, comes: 'soon' })).toBe('waits: waits for db to be started: db is about to be started')
    expect(told({ db: 'started' })).toBe('blocked: waits for db to be started: db is not declared')
    expect(told({ db: 'healthy' }, { ...known('healthy'), comes: 'anew' })).toBe('waits: waits for db to be healthy: db is about to be started anew')
  })

  it('is all told', () => {
    expect(told({ db: 'healthy', migrate: 'completed-successfully', cache: 'started' }, known('starting'), known('failed'), known('running'))).toBe(
      'blocked: waits for db to be healthy: db is starting, and for migrate to complete: migrate has failed: exited with code 1',
    )
  })
})
