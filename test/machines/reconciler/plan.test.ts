import { describe, expect, it } from 'vitest'
import { planOf } from '../../../src/machines/reconciler/plan.ts'
import { actual, as, declared, needing, ORIGIN, type specOf } from './fixtures.ts'

type State = keyof typeof as

/** The line for `web`. */
function line(from: Parameters<typeof declared>[1] | null, state: State | null, { startDown = false, was = {} as Parameters<typeof specOf>[1] } = {}): string {
  const lines = planOf({
    origin: ORIGIN,
    declared: from === null ? [] : [declared('web', from)],
    actual: state === null ? [] : [actual('web', as[state], was)],
    startDown,
  })
  return lines.map(({ action, reason }) => `${action}: ${reason}`).join('\n')
}

describe('what is declared', () => {
  it.each<[what: string, state: State | null, reload: string, up: string]>([
    ['is not there', null, 'start: is not there', 'start: is not there'],
    ['was never started', 'pending', 'start: has not been started yet', 'start: has not been started yet'],
    ['starts', 'starting', 'keep: is starting', 'keep: is starting'],
    ['runs', 'running', 'keep: is running', 'keep: is running'],
    ['is not well', 'unhealthy', 'keep: is unhealthy', 'keep: is unhealthy'],
    ['is started again by its policy', 'backoff', 'keep: has ended, and is about to be started again', 'keep: has ended, and is about to be started again'],
    ['is being restarted', 'restarting', 'keep: is being stopped', 'keep: is being stopped'],
    ['is being stopped', 'stopping', 'keep: is being stopped', 'start: is being stopped by the user'],
    ['has completed', 'completed', 'keep: has completed', 'keep: has completed'],
    ['has failed', 'failed', 'keep: has failed: exited with code 1; up starts it', 'start: has failed: exited with code 1'],
    ['was stopped', 'cancelled', 'keep: was stopped by the user; up starts it', 'start: was stopped by the user'],
    [
      'is orphaned',
      'orphaned',
      'keep: is orphaned: how its last run ended is not known; up starts it',
      'start: is orphaned: how its last run ended is not known',
    ],
  ])('and %s', (_what, state, reload, up) => {
    expect([line({}, state), line({}, state, { startDown: true })]).toEqual([reload, up])
  })

  it.each<[State | null, string]>([
    [null, 'create: is not there'],
    ['pending', 'keep: has not been started yet, and is started by hand only'],
    ['running', 'keep: is running'],
    ['failed', 'keep: has failed: exited with code 1, and is started by hand only'],
  ])('without autostart is never started: %s', (state, expected) => {
    expect(line({ autostart: false }, state, { startDown: true })).toBe(expected)
  })
})

describe('what is declared otherwise', () => {
  const command = 'command has changed'
  it.each<[State, string]>([
    ['running', `restart: ${command}`],
    ['starting', `restart: ${command}`],
    ['backoff', `restart: ${command}`],
    ['pending', `start: has not been started yet; ${command}`],
    // What has ended was something else.
    ['failed', `start: ${command}`],
    ['completed', `start: ${command}`],
    ['cancelled', `update: ${command}`],
  ])('and runs something else, %s', (state, expected) => {
    expect(line({ command: 'deno' }, state)).toBe(expected)
  })

  it('and was stopped by the user is started by up', () => {
    expect(line({ command: 'deno' }, 'cancelled', { startDown: true })).toBe(`start: was stopped by the user; ${command}`)
  })

  it.each(['running', 'completed', 'failed', 'cancelled'] as const)('and runs the same, %s', (state) => {
    expect(line({ args: ['x'] }, state)).toMatch(/args have changed/)
    expect(line({ labels: { tier: 'web' } }, state)).toMatch(/^update: label.* has changed; nothing is restarted for that$/)
  })
})

describe('what is not declared', () => {
  it.each(['pending', 'running', 'failed', 'backoff', 'stopping'] as const)('goes: %s', (state) => {
    expect(line(null, state)).toBe('remove: is not declared any more')
  })

  it('goes because it is not enabled', () => {
    expect(planOf({ origin: ORIGIN, declared: [], disabled: ['web'], actual: [actual('web', as.running)] })).toEqual([
      { id: 'web', action: 'remove', reason: 'is not enabled any more' },
    ])
  })

  it.each([null, '/srv/other'])('and is not of this project stays: %s', (origin) => {
    expect(planOf({ origin: ORIGIN, declared: [], actual: [actual('web', as.running, { origin })] })).toEqual([])
  })

  it('and is of a project that is replaced goes, what was started by hand stays', () => {
    const others = [actual('a', as.running, { origin: '/srv/other' }), actual('b', as.running, { origin: null })]
    expect(planOf({ origin: ORIGIN, declared: [], actual: others, replaced: ['/srv/other'] }).map(({ id }) => id)).toEqual(['a'])
  })
})

describe('an id that is taken', () => {
  it.each([
    [null, /^the id web is taken by a process that was started by hand: .*procman remove web/],
    ['/srv/other', /^the id web is taken by a process of \/srv\/other: /],
  ])('by %s is left alone', (origin, reason) => {
    const [only] = planOf({ origin: ORIGIN, declared: [declared('web')], actual: [actual('web', as.running, { origin })] })
    expect(only).toMatchObject({ action: 'keep', reason: expect.stringMatching(reason) })
  })

  it('by a project that is replaced is taken over', () => {
    const [only] = planOf({
      origin: ORIGIN,
      declared: [declared('web')],
      actual: [actual('web', as.running, { origin: '/srv/other' })],
      replaced: ['/srv/other'],
    })
    expect(only?.action).toBe('update')
  })
})

describe('what waits for a dependency', () => {
  const web = declared('web', needing(['db'], 'healthy'))
  const waits = 'waits for db to be healthy: db is starting'
  const lineFor = (record: Parameters<typeof actual>[1], db: Parameters<typeof actual>[1], part = {}) =>
    planOf({
      origin: ORIGIN,
      declared: [web, declared('db')],
      actual: [actual('web', record, { ...needing(['db'], 'healthy'), ...part }), actual('db', db)],
    })[0]

  it('is started once, and kept while it waits', () => {
    expect(lineFor(as.pending, as.starting)?.action).toBe('start')
    expect(lineFor({ ...as.held, waiting_for: waits }, as.starting)).toEqual({ id: 'web', action: 'keep', reason: waits })
    expect(lineFor({ ...as.held, waiting_for: waits }, as.healthy)).toEqual({ id: 'web', action: 'start', reason: 'what it waited for is there' })
  })

  it('is not restarted before that, either', () => {
    expect(lineFor(as.running, as.starting, { command: 'deno' })).toEqual({ id: 'web', action: 'restart', reason: `command has changed; ${waits}` })
  })
})
