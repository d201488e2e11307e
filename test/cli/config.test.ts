import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { configJsonSchema } from '../../src/config/json-schema.ts'
import { Home } from './harness.ts'

const homes: Home[] = []
afterEach(async () => {
  for (const home of homes.splice(0)) await home.remove()
})

function homeWith(text: string): Home {
  const home = new Home()
  homes.push(home)
  writeFileSync(join(home.dir, 'procman.yaml'), text)
  return home
}

const RIGHT = `processes:
  api: { command: node "my server.js", resource_limits: { max_memory: 1GB }, env: { API_TOKEN: secret, MODE: dev } }
  worker: { command: x, replicas: 2 }
  off: { command: x, enabled: false }
`

describe('procman validate', () => {
  it('lists what a right file declares, and warns of what has no effect yet', async () => {
    const home = homeWith(RIGHT)
    const { code, stdout, stderr } = await home.procman('validate')
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^\/.*\/procman\.yaml is valid: 3 processes\n {2}api {7}node 'my server\.js'\n {2}worker-1 {2}x\n {2}worker-2 {2}x\n {2}off {7}\(not enabled\)\n$/,
    )
    expect(stderr).toBe('procman: warning: resource_limits of api have no effect yet (max_memory)\n')
    expect(JSON.parse(await home.stdoutOf('validate', 'procman.yaml', '--json'))).toMatchObject({
      valid: true,
      processes: ['api', 'worker-1', 'worker-2'],
      disabled: ['off'],
    })
  })

  it('tells all that is wrong, marked, and ends with 2', async () => {
    const home = homeWith('processes:\n  api:\n    command: x\n    helth: {}\n    restart: sometimes\n')
    expect(await home.procman('validate')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: `procman: there are 2 problems in procman.yaml (PROCMAN_CONFIG_INVALID)
procman.yaml:4:5: processes.api.helth: there is no key "helth" here; did you mean "health"?
  4 |     helth: {}
    |     ^^^^^
procman.yaml:5:14: processes.api.restart: must be one of never, on_failure, always, unless_stopped, not "sometimes"
  5 |     restart: sometimes
    |              ^^^^^^^^^
`,
    })
    const { code, stdout } = await home.procman('validate', '--json')
    expect([code, JSON.parse(stdout)]).toMatchObject([2, { valid: false, problems: [{ line: 4, column: 5, path: 'processes.api.helth' }, { line: 5 }] }])
  })
})

describe('procman config', () => {
  it('prints the schema', async () => {
    expect(JSON.parse(await homeWith('').stdoutOf('config', 'schema'))).toEqual(configJsonSchema())
  })

  it('shows what a file comes to, without secrets', async () => {
    const { processes } = JSON.parse(await homeWith(RIGHT).stdoutOf('config', 'show'))
    expect(processes[0]).toMatchObject({ id: 'api', command: 'node', args: ['my server.js'], env: { API_TOKEN: '***', MODE: 'dev' } })
  })
})
