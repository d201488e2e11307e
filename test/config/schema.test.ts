/** The shipped JSON Schema and the reference page are those of the schema, and say what the reader does. */
import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { configJsonSchema } from '../../src/config/json-schema.ts'
import { parseProcessInput } from '../../src/spec/parse.ts'
import { built, load } from './harness.ts'

type Generate = (schema: unknown) => ReadonlyMap<string, string>

interface Part {
  readonly description?: string
  readonly default?: unknown
  readonly properties: Readonly<Record<string, Part>>
}

const root = new URL('../../', import.meta.url)
const { generate }: { generate: Generate } = await import(new URL('scripts/config/generate.mjs', root).href)
const schema = configJsonSchema() as unknown as Part & { readonly $defs: Readonly<Record<string, Part>> }
const generated = generate(schema)
const page = generated.get('docs/config.md') ?? ''
const examples = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = '']) => text)
const isValid = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true, strictTypes: false }).compile(schema)

describe('the files that are made from the schema', () => {
  it.each([...generated.keys()])('have what `npm run config` writes: %s', (file) => {
    expect(readFileSync(new URL(file, root), 'utf8') === generated.get(file), `${file} is stale: npm run config`).toBe(true)
  })
})

describe('the JSON Schema', () => {
  it.each(examples.map((text, index) => [index + 1, text] as const))('takes what docs/config.md shows: %i', (_number, text) => {
    isValid(parse(text, { merge: true }))
    expect(isValid.errors).toBeNull()
  })

  it('takes references in place of numbers and flags, and what begins with x-', () => {
    const config = {
      'x-a': 1,
      $schema: 'x',
      processes: { a: { command: 'x', replicas: '${env.N:-1}', enabled: '${env.E}', ports: { p: '${env.P}' }, startup_timeout: '${env.T}' } },
    }
    expect([isValid(config), isValid.errors]).toEqual([true, null])
  })

  it.each([
    { processes: { a: { comand: 'x' } } },
    { processes: { a: { command: 'x', helth: {} } } },
    { processes: { a: { command: 'x', restart: 'sometimes' } } },
    { processes: { a: { command: 'x', startup_timeout: '30' } } },
    { processes: { a: { command: 'x', replicas: -1 } } },
    { processes: { a: { command: 'x', ports: { http: 70_000 } } } },
    { processes: { 'a b': 'x' } },
    { processes: [] },
    { managed_processes: [{ id: 'a', type: 'other', management: { control: { executable: 'x' } } }] },
    { managed_processes: [{ id: 'a', management: {} }] },
    { processes: {}, nothing: 1 },
  ])('refuses %j', (config) => {
    expect(isValid(config)).toBe(false)
  })

  it('explains every key', () => {
    for (const [name, part] of Object.entries({ ...schema.$defs, file: schema as Part }))
      for (const [key, { description, ...rest }] of Object.entries(part.properties))
        expect(description !== undefined || '$ref' in rest, `${name}.${key}`).toBe(true)
  })
})

describe('docs/config.md', () => {
  it.each(examples.map((text, index) => [index + 1, text] as const))('has examples that are read: %i', async (_number, text) => {
    const project = await load({ 'procman.yaml': text, '.env': '' })
    expect(project.processes.length).toBeGreaterThan(0)
  })

  it('has a module that is read', async () => {
    const [, text = ''] = /^```js\n(.*?)^```/ms.exec(page) ?? []
    const project = await load({ 'procman.mjs': text }, { env: { WORKERS: '3' } })
    expect(project.processes.map(({ id }) => id)).toEqual(['queue-1', 'queue-2', 'queue-3', 'db'])
  })
})

/** Of one definition, as YAML of a map. */
const defaultsOf = (name: string, without: readonly string[] = []) =>
  JSON.stringify(
    Object.fromEntries(
      Object.entries(schema.$defs[name]?.properties ?? {}).flatMap(([key, part]) =>
        part.default === undefined || without.includes(key) ? [] : [[key, part.default]],
      ),
    ),
  )

describe('a default that is told', () => {
  const specOf = async (lines: string) => parseProcessInput(await built(lines), () => 'it').spec

  it.each([
    ['process', (given: string) => `<<: ${given}\ncommand: x`, 'command: x', ['restart']],
    ['restart_policy', (given: string) => `command: x\nrestart: { <<: ${given}, strategy: always }`, 'command: x\nrestart: always', []],
    ['breaker', (given: string) => `command: x\nrestart: always\nbreaker: ${given}`, 'command: x\nrestart: always', []],
    ['stop', (given: string) => `command: x\nstop: ${given}`, 'command: x', []],
    ['stop_rung', (given: string) => `command: x\nstop: { ladder: [{ <<: ${given}, signal: TERM }] }`, 'command: x', []],
    ['probe', (given: string) => `command: x\nhealth: { liveness: { <<: ${given}, tcp: 80 } }`, 'command: x\nhealth: { liveness: { tcp: 80 } }', []],
    ['http_check', (given: string) => `command: x\nhealth: { http: { <<: ${given}, port: 80 } }`, 'command: x\nhealth: { http: "http://localhost:80/" }', []],
  ] as const)('is the one there is: %s', async (name, asked, plain, without) => {
    const given = defaultsOf(name, without)
    expect(given).not.toBe('{}')
    const [told, real] = [await specOf(asked(given)), await specOf(plain)]
    expect({ ...told, cwd: '' }).toEqual({ ...real, cwd: '' })
  })

  it('is the one there is: settings of the manager', async () => {
    const given = await load(`process_manager: ${defaultsOf('process_manager')}\nprocesses: { a: x }`)
    expect(given.manager).toEqual((await load('processes: { a: x }')).manager)
  })
})
