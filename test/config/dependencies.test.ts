import { describe, expect, it } from 'vitest'
import { load, problemsOf } from './harness.ts'

describe('depends_on', () => {
  it('takes a list, words and maps; a name with replicas is all of them', async () => {
    const { processes } = await load(`processes:
  db: { command: x, replicas: 2 }
  job: x
  one: { command: x, depends_on: [db, job] }
  other: { command: x, depends_on: { db: healthy, job: { condition: completed_successfully }, one: started } }
`)
    expect(processes.find(({ id }) => id === 'one')?.dependsOn).toEqual({ 'db-1': 'started', 'db-2': 'started', job: 'started' })
    expect(processes.find(({ id }) => id === 'other')?.dependsOn).toEqual({
      'db-1': 'healthy',
      'db-2': 'healthy',
      job: 'completed-successfully',
      one: 'started',
    })
  })

  it.each([
    ['a: { command: x, depends_on: [a] }', '2:28 processes.a.depends_on.0: is the process itself'],
    [
      'a: { command: x, depends_on: { wokrer: healthy } }\n  worker: x',
      '2:28 processes.a.depends_on.wokrer: there is no process "wokrer" in this file; did you mean "worker"?',
    ],
    [
      'a: { command: x, depends_on: [b] }\n  b: { command: x, enabled: false }',
      '2:28 processes.a.depends_on.0: b is not enabled, so that a would wait for ever',
    ],
    [
      'a: { command: x, depends_on: { b: completed_successfully } }\n  b: { command: x, restart: always }',
      '2:28 processes.a.depends_on.b: b is always restarted, so that it never completes',
    ],
    [
      'a: { command: x, depends_on: { b: { condition: ready } } }\n  b: x',
      '2:44 processes.a.depends_on.b.condition: must be one of started, healthy, completed_successfully, not "ready"',
    ],
  ])('%s is refused', async (lines, problem) => {
    expect(await problemsOf(`processes:\n  ${lines}\n`)).toEqual([
      problem.replace('2:28', `2:${lines.startsWith('a: { command: x, depends_on: {') ? 34 : 33}`).replace('2:44', '2:50'),
    ])
  })

  it('in a circle is refused with its path, once for each circle, however long', async () => {
    const chain = Array.from({ length: 500 }, (_, at) => `  p${at}: { command: x, depends_on: [p${(at + 1) % 500}] }`).join('\n')
    expect(
      await problemsOf(
        'processes:\n  a: { command: x, depends_on: [b] }\n  b: { command: x, depends_on: [c] }\n  c: { command: x, depends_on: { a: healthy } }\n',
      ),
    ).toEqual(['2:32 processes.a.depends_on: is a circle, in which each waits for the next: a → b → c → a'])
    expect(await problemsOf(`processes:\n${chain}\n`)).toEqual([expect.stringMatching(/: p0 → p1 → .* → p499 → p0$/)])
  })
})

describe('replicas', () => {
  it('number one, too, and none is none', async () => {
    const { processes } = await load(
      'processes: { one: { command: x, replicas: 1 }, none: { command: x, replicas: 0 }, a: { command: x, depends_on: [none] } }',
    )
    expect(processes.map(({ id, dependsOn }) => [id, dependsOn])).toEqual([
      ['one-1', {}],
      ['a', {}],
    ])
  })

  it.each([
    ['w: { command: x, replicas: 2, ports: { http: 80 } }', '2:48 processes.w.ports.http: is one port, and 2 replicas would want it: give any, or a range'],
    [
      'w: { command: x, replicas: 2, ports: { http: { port: 80 } } }',
      '2:48 processes.w.ports.http: is one port, and 2 replicas would want it: give any, or a range',
    ],
    ['w: { command: x, replicas: 2 }\n  w-2: x', '2:30 processes.w.replicas: one of them would be called "w-2", as another process is'],
    [`${'w'.repeat(99)}: { command: x, replicas: 10 }`, expect.stringMatching(/^2:3 processes\.w+: .*1 to 100 letters/)],
  ])('%s is refused', async (lines, problem) => {
    expect(await problemsOf(`processes:\n  ${lines}\n`)).toEqual([problem])
  })

  it('may share a range', async () => {
    const { processes } = await load('processes: { w: { command: x, replicas: 2, ports: { a: any, b: 100-200, c: { range: [1, 9] } } } }')
    expect(processes).toHaveLength(2)
  })
})
