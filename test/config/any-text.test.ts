import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadProject } from '../../src/config/load.ts'
import { isProcmanError } from '../../src/errors.ts'
import { parseProcessInput } from '../../src/spec/parse.ts'
import { directoryOf } from './harness.ts'

const RIGHT = `x-a: &a { restart: { strategy: always, max_attempts: 3 }, labels: { a: b } }
process_manager: { port: 50055, log_level: info, force_shutdown_timeout: 30s }
processes:
  api: { <<: *a, command: "node server.js \${env.A:-b}", ports: { http: 8080 }, health: { http: "http://localhost:\${port}/", interval: 10s } }
  job: "x 'y z'"
  worker: { command: [node, worker.js], replicas: 2, depends_on: { api: healthy }, stop: { ladder: [{ signal: TERM, after: 1s }] } }
  script: { command: 'echo "\${env.A:-b}"', shell: true, ready: { log_line: up }, meta: { a: 1 } }
managed_processes:
  - id: long
    management: { control: { executable: x, arguments: [1, "2"] }, health_check: { exec_command: [a, b] }, restart_policy: { strategy: never } }
`
const PIECES = [
  '{',
  '}',
  '[',
  ']',
  ':',
  '- ',
  '"',
  "'",
  '*a',
  '&a ',
  '<<',
  '${',
  '}',
  '$$',
  '\n',
  '  ',
  'null',
  '-1',
  '1e99',
  '~',
  '\\',
  '\u0000',
  '😀',
  '__proto__',
  'constructor',
  'true',
  '0s',
  '!!str ',
  '|',
  '#',
  ',',
  '?',
]

/** The right file with some places changed. */
const mutations = fc
  .array(fc.record({ at: fc.nat(RIGHT.length), cut: fc.nat(12), put: fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 4 })) }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((changes) => changes.reduce((text, { at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut), RIGHT))

describe('whatever stands in a config file', () => {
  it.each(['procman.yaml', 'procman.json', 'Procfile'])('it is read, or refused with places, and nothing else: %s', async (name) => {
    const path = join(directoryOf({}), name)
    await fc.assert(
      fc.asyncProperty(mutations, async (text) => {
        writeFileSync(path, text)
        try {
          const { processes } = await loadProject({ path, cwd: '/', env: {} })
          for (const process of processes) parseProcessInput(process, () => 'x')
        } catch (error) {
          if (!isProcmanError(error) || error.code !== 'PROCMAN_CONFIG_INVALID') throw error
          expect(error.details.problems).not.toEqual([])
        }
        expect(Object.keys(Object.prototype)).toEqual([])
      }),
      { numRuns: name === 'procman.yaml' ? 100 : 25, examples: [[RIGHT]] },
    )
  })
})
