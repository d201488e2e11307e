/** What docs/api.md says is what is served. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { routes } from '../../src/control/server/app.ts'
import { served } from './harness.ts'

const page = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8')

it('the page names every route, and none that there is not', () => {
  const told = [...page.matchAll(/^\| `((?:GET|POST|PUT|DELETE) \/[^`]*)` \|/gm)].map(([, route]) => route)
  expect(told.sort()).toEqual(routes.map(({ method, url }) => `${method} ${url}`).sort())
})

it('the page’s examples with curl work as they stand', async () => {
  const { home } = await served()
  const [, script = ''] = /^```sh\n(.*?)^```/ms.exec(page) ?? []
  const { stdout } = await promisify(execFile)('sh', ['-ec', script.replaceAll('curl -s', 'curl -sS --fail-with-body -w "\\n"')], {
    env: { ...process.env, STATE_DIR: home.stateDir },
  })
  const answers = stdout.split('\n').filter((line) => line.startsWith('{'))
  expect(answers.map((line) => JSON.parse(line)).map(({ state, processes, lines }) => state ?? processes?.length ?? lines ?? 'ok')).toEqual([
    'ok',
    'running',
    1,
    'running',
    'running',
    'running',
    'exited',
    'ok',
  ])
})
