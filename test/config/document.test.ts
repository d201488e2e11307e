import { describe, expect, it } from 'vitest'
import { load, problemsOf } from './harness.ts'

const inJson = (text: string) => ({ 'procman.json': text })

describe('YAML', () => {
  it('merges maps: what stands there itself counts more, and of several the first', async () => {
    const { processes } = await load(`x-one: &one { labels: { from: one }, restart: always }
x-two: &two { <<: *one, labels: { from: two }, stdin: pipe }
processes:
  a: { command: x, <<: *one }
  b: { <<: [*two, *one], command: x, restart: never }
  c: { <<: *two, labels: { from: c }, command: x }
`)
    expect(processes.map(({ labels, restart, stdin }) => [labels?.from, restart, stdin])).toEqual([
      ['one', 'always', undefined],
      ['two', 'never', 'pipe'],
      ['c', 'always', 'pipe'],
    ])
  })

  it('may use an anchor hundreds of times', async () => {
    const lines = Array.from({ length: 300 }, (_, at) => `  p${at}: { <<: *a, env: *e }`).join('\n')
    expect((await load(`x-a: &a { command: x, labels: { a: b } }\nx-e: &e { A: B }\nprocesses:\n${lines}\n`)).processes).toHaveLength(300)
  })

  it.each([
    ['processes:\n  api: x\n  api: y', '3:3 : the key "api" is given twice in this map'],
    ['processes:\n  a: x\n b: y\n', expect.stringMatching(/^3:\d+ : is not valid YAML: /)],
    [
      'processes:\n  a:\n   command: x\n    args: [1]\n',
      expect.stringMatching(/^3:13 : is not valid YAML: .*; look at the indentation of this line and of the next$/),
    ],
    ['processes: { a: "x }', expect.stringMatching(/^1:\d+ : is not valid YAML: Missing closing "quote/)],
    ['processes: { a: node ${env.A} }', '1:23 : a value with "${" in it must be in quotes here, within { } or [ ]'],
    ['processes: { a: !!js/function x }', expect.stringMatching(/^1:17 : there is no such tag here: /)],
    ['processes: { a: x }\n---\nprocesses: { b: x }', '2:1 : there are several documents in the file; one is read'],
    ['processes: { a: *nobody }', '1:17 processes.a: there is no anchor &nobody above'],
    ['processes: { ? [1] : x }', '1:16 processes: "this" cannot be a key'],
    ['processes: { <<: 3, a: x }', '1:14 processes: "<<" merges a map, or a list of maps, as in "<<: *defaults"'],
    ['processes:\n\ta: x', expect.stringMatching(/^2:1 : is not valid YAML: Tabs/)],
  ])('%j is refused with its place', async (text, problem) => {
    expect(await problemsOf(text)).toEqual([problem])
  })

  it.each([
    [
      'names of prototypes',
      'processes: { __proto__: { command: x, polluted: yes }, a: { command: x, env: { __proto__: y } } }',
      [/"__proto__" cannot be a key/, /"__proto__" cannot be a key/],
    ],
    [
      'anchors that multiply',
      `x-a: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdefg'.replace(/./g, (name, at) => `x-${name}: &${name} [${Array.from({ length: 10 }, () => `*${'abcdef'[at]}`)}]\n`)}processes: { a: { command: *g } }`,
      [/says more than 100000 values/],
    ],
    [
      'maps that multiply',
      `x-a: &a { k: v }\n${Array.from({ length: 40 }, (_, at) => `x-${at}: &m${at} { <<: [${Array.from({ length: 9 }, () => (at === 0 ? '*a' : `*m${at - 1}`))}] }\n`).join('')}processes: { a: x }`,
      [/says more than 100000 values|is nested too deep/],
    ],
    ['an anchor in itself', 'processes: &a { b: { command: x, env: *a } }', [/is nested too deep/]],
    ['a merge of itself', 'processes: { b: &a { <<: *a, command: x } }', [/is nested too deep|cannot|Unresolved/]],
    ['thousands of brackets', `processes: ${'['.repeat(20_000)}`, [/./]],
    ['thousands of brackets that are closed', `processes: ${'['.repeat(5_000)}${']'.repeat(5_000)}`, [/is nested too deep/]],
  ])('that is hostile is refused, and harms nobody: %s', async (_what, text, problems) => {
    expect(await problemsOf(text)).toEqual(problems.map((problem) => expect.stringMatching(problem)))
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })

  it('may use the names that objects have', async () => {
    const { processes } = await load(
      'processes: { constructor: { command: x, env: { toString: a, constructor: b }, depends_on: [hasOwnProperty] }, hasOwnProperty: x }',
    )
    expect(processes[0]).toMatchObject({ id: 'constructor', dependsOn: { hasOwnProperty: 'started' } })
    expect(Object.entries(processes[0]?.env ?? {})).toEqual([
      ['toString', 'a'],
      ['constructor', 'b'],
    ])
  })
})

describe('JSON', () => {
  it('is read, with places', async () => {
    const { processes } = await load(inJson('{\n\t"processes": {\n\t\t"a": { "command": "x \\ud83d\\ude00 \\/", "env": { "V": 1.10 } }\n\t}\n}\n'))
    expect(processes[0]).toMatchObject({ args: ['😀', '/'], env: { V: '1.10' } })
    expect(await problemsOf(inJson('{\n  "processes": {\n    "a": { "comand": "x" }\n  }\n}'))).toEqual([
      '3:12 processes.a.comand: there is no key "comand" here; did you mean "command"?',
    ])
  })

  it.each([
    ['{ "processes": { "a": "x", } }', /^1:28 : is not valid JSON/],
    ['{ processes: { "a": "x" } }', /^1:3 : is not valid JSON/],
    ['{ "processes": { "a": "x" }', /^1:\d+ : is not valid JSON/],
    ['// what runs\n{ "processes": { "a": "x" } }', /^1:1 : is not valid JSON/],
    ['{\n "processes": { "a": "x", "b": tru } }', /^2:35 : is not valid JSON: Unexpected token ' '$/],
    ['', /^1:1 : is empty/],
    ['{ "processes": { "a": "x", "a": "y" } }', /^1:28 : the key "a" is given twice/],
  ])('%s is refused with its place, once', async (text, problem) => {
    expect(await problemsOf(inJson(text))).toEqual([expect.stringMatching(problem)])
  })

  it('is looked at further where it can be read all the same', async () => {
    expect(await problemsOf(inJson('{ "processes": { "a": "x", "a": { "comand": "x" } }, }'))).toEqual([
      expect.stringMatching(/^1:28 : the key "a" is given twice/),
      expect.stringMatching(/^1:35 processes.a.comand: there is no key/),
      expect.stringMatching(/^1:54 : is not valid JSON/),
    ])
  })
})
