import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findConfig } from '../../src/config/find.ts'
import { loadProject } from '../../src/config/load.ts'
import { directoryOf, refusalOf } from './harness.ts'

const YAML = 'processes: { a: x }\n'
const MODULE = 'export default { processes: { a: "x" } }\n'
const all = {
  'procman.yaml': YAML,
  'procman.yml': YAML,
  'procman.json': '{ "processes": { "a": "x" } }',
  'procman.ts': MODULE,
  'procman.mjs': MODULE,
}
const from = (cwd: string, path?: string) => loadProject({ cwd, env: {}, ...(path === undefined ? {} : { path }) })

describe('the config file', () => {
  it.each(Object.keys(all).map((name, index, names) => [name, names.slice(index)] as const))('is %s where a directory has %j', async (name, names) => {
    const dir = directoryOf(Object.fromEntries(Object.entries(all).filter(([file]) => names.includes(file))))
    expect(await from(dir)).toMatchObject({ path: join(dir, name), dir, processes: [{ id: 'a', command: 'x', cwd: dir }] })
  })

  it('is looked for upward, and the nearest counts', async () => {
    const dir = directoryOf({ 'procman.yaml': YAML, 'a/procman.mjs': MODULE, 'a/b/other.txt': '' })
    expect((await from(join(dir, 'a/b'))).path).toBe(join(dir, 'a/procman.mjs'))
    mkdirSync(join(dir, 'c'))
    expect((await from(join(dir, 'c'))).dir).toBe(dir)
  })

  it('can be named, from the working directory, or by the directory that has it', async () => {
    const dir = directoryOf({ 'deploy/procman.yml': YAML, 'x.conf': YAML })
    expect((await from(dir, 'deploy')).path).toBe(join(dir, 'deploy/procman.yml'))
    expect((await from(join(dir, 'deploy'), '../x.conf')).path).toBe(join(dir, 'x.conf'))
  })

  it('is the same one whatever link leads to its directory, for who looks for it and for who reads it', async () => {
    const dir = directoryOf({ 'deploy/procman.yml': YAML })
    symlinkSync('deploy', join(dir, 'link'))
    expect(findConfig('link/procman.yml', dir)).toBe(join(dir, 'deploy/procman.yml'))
    expect(findConfig(undefined, join(dir, 'link'))).toBe(join(dir, 'deploy/procman.yml'))
    expect((await from(dir, 'link')).dir).toBe(join(dir, 'deploy'))
  })

  it('is missed with what was looked for, and where', async () => {
    const dir = directoryOf({ Procfile: 'web: x\n' })
    const refusal = await refusalOf(from(dir))
    expect(refusal.code).toBe('PROCMAN_CONFIG_NOT_FOUND')
    expect(refusal.message).toContain(`looked for procman.yaml, procman.yml, procman.json, procman.ts, procman.mjs in ${dir} and all directories above it`)
    expect(refusal.message).toContain(`there is ${dir}/Procfile: to have it read, name it with -c`)
    expect(await refusalOf(from(dir, 'nothing.yaml'))).toMatchObject({
      code: 'PROCMAN_CONFIG_NOT_FOUND',
      message: `there is no config file ${dir}/nothing.yaml`,
    })
    expect(await refusalOf(from(dir, '.'))).toMatchObject({ code: 'PROCMAN_CONFIG_NOT_FOUND' })
    expect(await refusalOf(from(dir, 'x'.repeat(300)))).toMatchObject({ code: 'PROCMAN_CONFIG_NOT_FOUND', message: expect.stringContaining('(ENAMETOOLONG)') })
  })

  it.each([
    ['/dev/zero', '/dev/zero is not a file'],
    ['big.yaml', 'is larger than 5 MB'],
    ['binary.yaml', 'is not text in UTF-8'],
  ])('that cannot be read is refused: %s', async (path, reason) => {
    const dir = directoryOf({ 'big.yaml': '#'.repeat(5 * 2 ** 20 + 1) })
    const { writeFileSync } = await import('node:fs')
    writeFileSync(join(dir, 'binary.yaml'), Buffer.from([0x61, 0xff, 0xfe]))
    expect(await refusalOf(from(dir, path))).toMatchObject({ code: 'PROCMAN_CONFIG_INVALID', message: expect.stringContaining(reason) })
  })
})
