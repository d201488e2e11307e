import { describe, expect, it } from 'vitest'
import { parse, problemsOf } from './harness.ts'

describe('what a process waits for, and who declared it', () => {
  it('is nothing and nobody by default', () => {
    expect(parse({ command: 'x' })).toMatchObject({ dependsOn: {}, origin: null })
    expect(parse({ command: 'x', dependsOn: { db: undefined }, origin: null })).toMatchObject({ dependsOn: {}, origin: null })
  })

  it('is kept as it is given', () => {
    const dependsOn = { db: 'healthy', log: 'started', migrate: 'completed-successfully' }
    expect(parse({ command: 'x', dependsOn, origin: '/srv/shop' })).toMatchObject({ dependsOn, origin: '/srv/shop' })
  })

  it.each([
    [{ dependsOn: 'db' }, 'dependsOn must be an object of strings, not "db"'],
    [{ dependsOn: { 'a/b': 'started' } }, 'dependsOn: "a/b" is not an id of a process'],
    [{ id: 'web', dependsOn: { web: 'started' } }, 'dependsOn: "web" is the process itself'],
    [{ dependsOn: { db: 'up' } }, 'dependsOn.db must be one of started, healthy, completed-successfully, not "up"'],
    [{ origin: 'shop' }, 'origin must be an absolute path, or null, not "shop"'],
    [{ origin: 5 }, 'origin must be an absolute path, or null, not 5'],
  ])('%j is wrong: %s', (part, problem) => {
    expect(problemsOf({ command: 'x', ...part })).toEqual([problem])
  })
})
