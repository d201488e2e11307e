import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadProject } from '../../src/config/load.ts'
import { readModule } from '../../src/config/module.ts'
import { Problems } from '../../src/config/problems.ts'
import { directoryOf, load, problemsOf, refusalOf } from './harness.ts'

describe('a module', () => {
  it.each([
    [
      'procman.ts',
      'interface A { a: string }\nconst a: A = { a: "x" }\nenum E { One = 1 }\nexport default { processes: { a: { command: [a.a, String(E.One)] } } }',
    ],
    ['procman.ts', 'export default async ({ env }: { env: Record<string, string> }) => ({ processes: { a: `x ${env.N}` } })'],
    ['procman.mjs', 'const n = await Promise.resolve(1)\nexport default { processes: { a: ["x", n] } }'.replace('["x", n]', '{ command: ["x", n] }')],
    ['procman.mjs', 'export default (given) => ({ processes: { a: "x ${env.N}" } })'],
  ])('%s may export %j', async (name, text) => {
    expect((await load({ [name]: text }, { env: { N: '1' } })).processes).toMatchObject([{ id: 'a', command: 'x', args: ['1'] }])
  })

  it('may have functions as probes, and regular expressions', async () => {
    const { processes } = await load({
      'procman.mjs': 'export default { processes: { a: { command: "x", health: { liveness: { function: async () => true } }, ready: { log_line: /up/i } } } }',
    })
    expect(processes[0]).toMatchObject({ health: { liveness: { function: expect.any(Function) } }, ready: { logLine: /up/i } })
  })

  it.each(['procman.ts', 'procman.mjs'])('is read anew each time: %s', async (name) => {
    const dir = directoryOf({})
    for (const command of ['one', 'two', 'three']) {
      writeFileSync(join(dir, 'dependency.ts'), `export const command: string = '${command}'`)
      const text = name.endsWith('.ts')
        ? `import { command } from './dependency.ts'\nexport default { processes: { a: command } }`
        : `export default { processes: { a: '${command}' } }`
      writeFileSync(join(dir, name), text)
      expect((await loadProject({ cwd: dir, env: {} })).processes[0]?.command).toBe(command)
    }
  })

  it('that does not come to an end is given up', async () => {
    const path = join(directoryOf({ 'procman.mjs': 'export default new Promise(() => {})' }), 'procman.mjs')
    await expect(readModule(path, { env: {} }, new Problems(path), 20)).rejects.toThrow('it is not done after 0.02 s')
  })

  it.each([
    ['export const a = 1', 'has no default export: it must be a config, or a function that returns one'],
    ['export default 3', 'must export a map with processes or managed_processes, not 3'],
    ['export default async () => null', 'must return a map with processes or managed_processes, not nothing'],
    [
      'export default { processes: { a: { command: "x", labels: { at: new Date(0) } } } }',
      'must be plain data, not something else (Date)',
      'processes.a.labels.at',
    ],
    ['export default { processes: { a: { command: "x", env: { f() {} } } } }', 'must be a text ("" for an empty one), not a function', 'processes.a.env.f'],
    ['const a = { command: "x" }\na.env = a\nexport default { processes: { a } }', 'is nested too deep: 64 levels are read'],
    ['export default { processes: JSON.parse(`{ "__proto__": "x" }`) }', '"__proto__" cannot be a key', 'processes.__proto__'],
    ['export default { processes: { get a() { throw new Error("no") } } }', 'cannot be run: no'],
    ['throw new Error("not today")', 'cannot be run: not today'],
    ['export default () => { throw 3 }', 'cannot be run: 3'],
    ['import "./nothing.mjs"', expect.stringMatching(/cannot be run: Cannot find module/)],
  ])('that is %s is refused', async (text, problem, path = '') => {
    for (const name of ['procman.mjs', 'procman.ts']) {
      const problems = await problemsOf({ [name]: text })
      expect(problems).toContainEqual(typeof problem === 'string' ? `-:- ${path}: ${problem}` : problem)
    }
  })

  it('tells where its syntax is wrong, and keeps the cause', async () => {
    const refusal = await refusalOf(load({ 'procman.ts': 'export default {\n  processes: { a: 1, }}\n}\n' }))
    expect(refusal.message).toMatch(/procman\.ts:3:\d+: cannot be run: .*\n {2}3 \| }\n/)
    expect(refusal.cause).toBeInstanceOf(Error)
  })
})
