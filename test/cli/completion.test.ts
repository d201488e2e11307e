/** Completion: what can follow, as a table; and in the shells that are here. */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { candidatesFor } from '../../src/cli/completion/candidates.ts'
import { scriptFor } from '../../src/cli/completion/scripts.ts'
import type { Io } from '../../src/cli/io.ts'
import { createProgram } from '../../src/cli/program.ts'
import { BIN, Home } from './harness.ts'

const io: Io = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env: {}, cwd: '/', nowMs: () => 0, onSignal: () => () => undefined }
const program = createProgram(io, () => undefined)
const valuesAfter = (...words: readonly string[]) => candidatesFor(program, words).words.map(({ value }) => value)

describe('what can follow', () => {
  it.each([
    [['sta'], ['start']],
    [['sto'], ['stop']],
    [['remove', '--f'], ['--force']],
    [
      ['list', '--status', 'c'],
      ['completed', 'cancelled'],
    ],
    [
      ['list', '--status', 'failed,c'],
      ['failed,completed', 'failed,cancelled'],
    ],
    [['list', '--status=or'], ['--status=orphaned']],
    [['ps', '--js'], ['--json']],
    [['start', '--restart', 'on'], ['on-failure']],
    [
      ['run', '--log-max'],
      ['--log-max-size', '--log-max-files', '--log-max-age', '--log-max-total'],
    ],
    [
      ['run', '--log-compress', ''],
      ['none', 'gzip', 'zstd'],
    ],
    [
      ['start', '--capture', 'stdout='],
      ['stdout=files', 'stdout=memory', 'stdout=none'],
    ],
    [['start', '--id', '--restart', '--jso'], ['--json']],
    [
      ['signal', 'web', 'US'],
      ['USR1', 'USR2'],
    ],
    [['diagram', 'su'], ['supervisor']],
    [['help', 'logs', ''], []],
    [['help', 'log'], ['logs']],
    [['daemon', 'log-level', 'e'], ['error']],
    [['--state-dir', '/x', 'wa'], ['wait']],
    [['list', 'extra', ''], []],
    [['__c'], []],
  ])('%j: %j', (words, values) => {
    expect(valuesAfter(...words)).toEqual(values)
  })

  it.each([
    [['show', ''], { more: 'ids', given: [] }],
    [['show', 'web', ''], { more: 'none' }],
    [['wait', 'web', 'd'], { more: 'ids', given: ['web'] }],
    [['--state-dir=/x', 'logs', ''], { more: 'ids', stateDir: '/x' }],
    [['logs', '--state-dir', '/y', ''], { more: 'ids', stateDir: '/y' }],
    [['start', '--cwd', ''], { more: 'directories', prefix: '' }],
    [['start', '--cwd=/t'], { more: 'directories', prefix: '--cwd=' }],
    [['start', ''], { more: 'commands' }],
    [['start', '--', ''], { more: 'commands' }],
    [['start', 'cat', '-'], { more: 'files', words: [] }],
    [['run', '--id', 'x', '--', 'cat', ''], { more: 'files' }],
    [['start', '--id', ''], { more: 'none', words: [] }],
    [['cleanup', '--older-than', ''], { more: 'none', words: [] }],
  ])('%j: more of the kind %j', (words, wanted) => {
    expect(candidatesFor(program, words)).toMatchObject(wanted)
  })
})

const has = (shell: string) => spawnSync(shell, ['--version']).error === undefined

describe('in a shell', () => {
  let home: Home
  let env: NodeJS.ProcessEnv
  beforeAll(async () => {
    home = new Home()
    const bin = join(home.dir, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'procman'), `#!/bin/sh\nexec ${process.execPath} ${BIN} "$@"\n`)
    chmodSync(join(bin, 'procman'), 0o755)
    mkdirSync(join(home.dir, 'a folder'))
    env = { ...home.env, PATH: `${bin}:${process.env.PATH}` }
    await home.start('--id', 'web-one', '--', 'true')
    await home.start('--id', 'web-two', '--', 'true')
  })
  afterAll(() => home.remove())

  /** As bash calls it: the line split at blanks, = and :. */
  function bash(...words: readonly string[]): readonly string[] {
    const script = `${scriptFor('bash')}\nCOMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _procman procman; printf '%s\\n' "\${COMPREPLY[@]}"`
    const text = execFileSync('bash', ['--norc', '-c', script, 'bash', 'procman', ...words], { env, cwd: home.dir, encoding: 'utf8' })
    return text.split('\n').filter((line) => line !== '')
  }

  it.skipIf(!has('bash'))('bash: verbs, ids, choices, files', () => {
    expect(bash('resta')).toEqual(['restart'])
    expect(bash('show', 'web')).toEqual(['web-one', 'web-two'])
    expect(bash('wait', 'web-one', '')).toEqual(['web-two'])
    expect(bash('list', '--status', '=', 'fa')).toEqual(['failed'])
    expect(bash('list', '--status', '=')).toContain('running')
    expect(bash('start', '--cwd', 'a')).toEqual(['a folder'])
    expect(bash('start', '--cwd', '=', 'a')).toEqual(['a folder'])
    expect(bash('start', 'cat', 'a')).toEqual(['a folder'])
    expect(bash('start', 'procma')).toContain('procman')
    expect(bash('show', '--state-dir', '/nowhere', '')).toEqual([])
  })

  it.skipIf(!has('fish'))('fish: the same, with descriptions', () => {
    const fish = (line: string) => {
      const script = `${scriptFor('fish')}\ncomplete -C '${line}'`
      return execFileSync('fish', ['--no-config', '-c', script], { env, cwd: home.dir, encoding: 'utf8' })
        .split('\n')
        .filter((each) => each !== '')
    }
    expect(fish('procman resta')).toEqual(['restart\tstop what is up, and start the next run'])
    expect(fish('procman show web')).toEqual(['web-one\tcompleted: true', 'web-two\tcompleted: true'])
    expect(fish('procman list --status=fa')).toEqual(['--status=failed'])
    expect(fish('procman start --cwd a')[0]).toMatch(/^a folder\//)
  })

  it.skipIf(!has('zsh'))('zsh: loads, and is understood', () => {
    expect(spawnSync('zsh', ['-f', '-n', '-c', scriptFor('zsh')], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
  })

  it('the scripts are what the command prints; another shell is refused with those that there are', async () => {
    expect(await home.stdoutOf('completion', 'zsh')).toBe(scriptFor('zsh'))
    expect(await home.procman('completion', 'bsh')).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean bash?') })
  })
})
