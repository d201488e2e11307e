import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { defaultStateDir, layoutOf, resolveStateDir } from '../../src/persistence/layout.ts'

describe('the state directory', () => {
  it.each([
    [{}, join(homedir(), '.cache', 'procman')],
    [{ PROCMAN_HOME: '' }, join(homedir(), '.cache', 'procman')],
    [{ PROCMAN_HOME: '/srv/p' }, '/srv/p'],
    [{ PROCMAN_HOME: 'p' }, resolve('p')],
  ])('with %j is by default %s', (env, path) => {
    expect(defaultStateDir(env)).toBe(path)
  })

  it('is absolute', () => {
    expect(resolveStateDir('a/../b')).toBe(resolve('b'))
  })

  it.each(['/a\nb', '/a\tb', '/a\0b'])('%j could not be named to a keeper and is refused', (path) => {
    expect(() => resolveStateDir(path)).toThrow(expect.objectContaining({ code: 'PROCMAN_INVALID_ARGUMENT', details: { path } }))
  })

  it('has everything of a process in one folder', () => {
    const layout = layoutOf('/s')
    expect([layout.stateFile('web'), layout.logFile('web', 'stdout'), layout.logFile('web', 'stderr')]).toEqual([
      '/s/jobs/web/state.json',
      '/s/jobs/web/stdout.log',
      '/s/jobs/web/stderr.log',
    ])
    expect(layout).toMatchObject({ root: '/s', jobs: '/s/jobs', lock: '/s/manager.lock', quarantine: '/s/quarantine', trash: '/s/trash' })
  })
})
