/** `logs` by lines: of several processes, as JSON, with times, selected. */
import { readFileSync } from 'node:fs'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Io } from '../../src/cli/io.ts'
import { main } from '../../src/cli/main.ts'
import { BIN, Home } from './harness.ts'
import { HAS_TERMINAL, inTerminal } from './terminal.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let home: Home

function recorder(): Writable & { text: string } {
  const recording: Writable & { text: string } = Object.assign(
    new Writable({
      write(data, _encoding, callback) {
        recording.text += String(data)
        callback()
      },
    }),
    { text: '' },
  )
  return recording
}

/** In this program: a new one for each would take most of the time. */
async function procman(...argv: readonly string[]) {
  const [stdout, stderr] = [recorder(), recorder()]
  const io: Io = { stdin: process.stdin, stdout, stderr, env: home.env, cwd: home.dir, nowMs: Date.now, onSignal: () => () => undefined }
  const code = await main(argv, io)
  return { code, stdout: stdout.text, stderr: stderr.text }
}

async function stdoutOf(...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await procman(...argv)
  if (code !== 0) throw new Error(`procman ${argv.join(' ')} ended with ${code}: ${stderr}`)
  return stdout
}

const lines = (text: string) => text.split('\n').filter((line) => line !== '')
const jsonOf = async (...args: readonly string[]) => lines(await stdoutOf('logs', '--json', ...args)).map((line) => JSON.parse(line))

/** Says so, and waits until it was written down when that came. */
async function says(id: string, text: string): Promise<void> {
  await stdoutOf('send', id, `echo ${text}`)
  await vi.waitFor(async () => expect((await jsonOf(id)).at(-1)).toMatchObject({ text, seq: expect.any(Number) }), { timeout: 15_000, interval: 10 })
}

beforeAll(async () => {
  home = new Home()
  await home.serve()
  const eval_ = ['sh', '-c', 'while read -r line; do eval "$line"; done']
  await stdoutOf('start', '--id', 'web', '--label', 'team=a', '--stdin', '--', ...eval_)
  await stdoutOf('start', '--id', 'db', '--label', 'team=b', '--stdin', '--', ...eval_)
  await says('web', 'one')
  await says('db', 'two')
  await says('web', 'three')
  await stdoutOf('send', 'web', 'echo trouble >&2')
  await stdoutOf('restart', 'web')
  await says('web', 'four')
})
afterAll(() => home.remove())

describe('logs by lines', () => {
  it('of several are merged in the order in which they arrived', async () => {
    expect(await procman('logs', 'db', 'web')).toMatchObject({
      code: 0,
      stdout: 'web | one\ndb  | two\nweb | three\nweb | four\n',
      stderr: expect.stringMatching(/^web \| trouble\nweb \| --- run 2, started \S+ ---\n$/),
    })
    expect(await stdoutOf('logs', '-l', 'team=a', '--stdout')).toBe('web | one\nweb | three\nweb | four\n')
    expect(await stdoutOf('logs', '-l', 'team=b', '--tail', '1')).toBe('db | two\n')
    expect(await stdoutOf('logs', '-l', 'team=c')).toBe('')
  })

  it('are JSON objects with time, order, run and stream', async () => {
    const records = await jsonOf()
    expect(records.map(({ id, run, stream, text }) => [id, run, stream, text])).toEqual([
      ['web', 1, 'stdout', 'one'],
      ['db', 1, 'stdout', 'two'],
      ['web', 1, 'stdout', 'three'],
      ['web', 1, 'stderr', 'trouble'],
      ['web', 2, 'stdout', 'four'],
    ])
    expect(records.map(({ seq }) => seq)).toEqual(records.map(({ seq }) => seq).sort((one, other) => one - other))
    for (const { time, seq } of records) expect(Math.abs(Date.parse(time) - seq / 1_000)).toBeLessThan(60_000)
  })

  it('are told after the time of their arrival', async () => {
    const [first] = await jsonOf('web')
    const [line = ''] = lines(await stdoutOf('logs', 'web', '--timestamps'))
    const [time = '', text] = line.split(' ')
    expect(text).toBe('one')
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d$/)
    expect(Date.parse(time)).toBe(Date.parse(first.time))
  })

  it('are those since, until, of a run, or with a pattern', async () => {
    const [one, three] = await jsonOf('web')
    const textsOf = async (...args: readonly string[]) => (await jsonOf(...args)).map(({ text }) => text)
    expect(await textsOf('web', 'db', '--since', one.time)).toEqual(['one', 'two', 'three', 'trouble', 'four'])
    expect(await textsOf('web', 'db', '--since', three.time)).toEqual(['three', 'trouble', 'four'])
    expect(await textsOf('web', 'db', '--until', one.time)).toEqual(['one'])
    expect(await textsOf('--since', '1h')).toHaveLength(5)
    expect(await textsOf('--until', '1h')).toEqual([])
    expect(await textsOf('web', '--run', '1')).toEqual(['one', 'three', 'trouble'])
    expect(await textsOf('web', '--run', '0')).toEqual(['four'])
    expect(await textsOf('--run', '-1')).toEqual(['one', 'three', 'trouble'])
    expect(await textsOf('--grep', '^t')).toEqual(['two', 'three', 'trouble'])
    expect(await textsOf('--grep', 'FOUR|Two', '-i')).toEqual(['two', 'four'])
    expect(await textsOf('--grep', 'O', '--run', '1', '--stdout')).toEqual([])
  })

  it('go on as they come, in one stream over restarts', async () => {
    const follower = home.begin('logs', '-f', '--tail', '1', '--stdout')
    await follower.prints('web | four\n')
    await says('db', 'five')
    await follower.prints('db  | five\n')
    await stdoutOf('restart', 'db')
    await says('db', 'six')
    await follower.prints('db  | six\n')
    await stdoutOf('cancel', 'db', 'web', '--timeout', '0')
    expect(await follower.answer).toMatchObject({
      code: 0,
      stdout: 'db  | two\nweb | four\ndb  | five\ndb  | six\n',
      stderr: expect.stringMatching(/^db {2}\| --- run 2, started \S+ ---\n$/),
    })
  })

  it('that come while they are followed have a time, whoever has written it down', async () => {
    await stdoutOf('restart', 'web')
    const follower = home.begin('logs', 'web', '-f', '--run', '0', '--json')
    await says('web', 'live')
    await follower.prints('"live"')
    await stdoutOf('cancel', 'web', '--timeout', '0')
    const { stdout } = await follower.answer
    expect(lines(stdout).map((line) => JSON.parse(line))).toEqual([expect.objectContaining({ run: 3, text: 'live', time: expect.any(String) })])
  })

  it.each([
    [['web', '--run', '7'], 2, 'web has had 3 runs; there is no run 7'],
    [['web', '--run', '-3'], 2, 'web has had 3 runs; there is none 3 before the last'],
    [['web', '--run', 'last'], 2, '--run "last" is not the number of a run'],
    [['web', '--since', 'yesterday'], 2, '--since "yesterday" is no time'],
    [['web', '--grep', '('], 2, '--grep "(" is not a regular expression'],
    [['web', '-i'], 2, '--ignore-case needs --grep'],
    [['web', '-f', '--until', '1m'], 2, '--follow needs a time to come in --until'],
    [['web', '-l', 'team=a'], 2, 'give ids or --label, not both'],
    [['web', 'nobody', '--json'], 3, 'there is no process "nobody"'],
  ])('%j is refused with %d', async (args, code, message) => {
    expect(await procman('logs', ...args)).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) })
  })
})

describe('logs of one process', () => {
  it.runIf(HAS_TERMINAL)('show on a terminal where another run begins', async () => {
    const terminal = inTerminal(`"${process.execPath}" "${BIN}" logs web`, home.env)
    let text = ''
    terminal.stdout?.on('data', (data) => {
      text += data
    })
    await new Promise((resolve) => terminal.on('close', resolve))
    expect(text.replaceAll('\r', '')).toMatch(/^one\nthree\ntrouble\n--- run 2 ---\nfour\n--- run 3, started \S+ ---\nlive\n$/)
  })

  it('are byte for byte what it has written', async () => {
    expect(await procman('logs', 'web')).toMatchObject({ code: 0, stdout: 'one\nthree\nfour\nlive\n', stderr: 'trouble\n' })
  })

  it('that are not kept are said to be so', async () => {
    await stdoutOf('start', '--id', 'mute', '--capture', 'none', '--', 'echo', 'unheard')
    await procman('wait', 'mute')
    expect(await procman('logs', 'mute')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'procman: of mute stdout and stderr are not kept (capture: none)\n',
    })
    expect(await stdoutOf('show', 'mute')).toMatch(/^output +not kept$/m)
  })

  it('that were held in memory are with the manager, which is asked', async () => {
    await stdoutOf('start', '--id', 'brief', '--capture', 'memory', '--', 'sh', '-c', 'echo last words; echo error >&2')
    await procman('wait', 'brief')
    expect(await procman('logs', 'brief')).toMatchObject({ code: 0, stdout: 'last words\n', stderr: 'error\n' })
    expect(await stdoutOf('logs', 'brief', '--grep', 'words')).toBe('last words\n')
    expect(await stdoutOf('show', 'brief')).toMatch(/^output +in memory, the last 1MB of it$/m)
  })
})

describe('the files of logs', () => {
  it('are rotated, told, read as one, counted and emptied', async () => {
    await stdoutOf('start', '--id', 'big', '--', 'sh', '-c', 'i=0; while [ $i -lt 1000 ]; do echo "line $i"; i=$((i+1)); done')
    await procman('wait', 'big')
    const whole = await stdoutOf('logs', 'big')
    expect(await procman('logs', '--rotate', 'big')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'procman: rotated the logs of big: 1 rotated file of stdout, 0 rotated files of stderr\n',
    })
    expect(await stdoutOf('logs', 'big')).toBe(whole)
    const paths = lines(await stdoutOf('logs', '--path', 'big', '--stdout'))
    expect(paths.map((path) => path.replace(home.stateDir, ''))).toEqual(['/jobs/big/stdout.000000000000000-000000000008890.log', '/jobs/big/stdout.log'])
    expect(paths.map((path) => readFileSync(path, 'utf8')).join('')).toBe(whole)
    expect(JSON.parse(await stdoutOf('logs', '--path', 'big', '--json'))).toMatchObject({ id: 'big', stdout: paths, stderr: [expect.any(String)] })
    expect(await stdoutOf('show', 'big')).toMatch(
      /^output +in files, rotated at 10MB, 10 rotated files kept\nlogs +8\.9 kB of stdout in 2 files, 0 B of stderr$/m,
    )
    expect(JSON.parse(await stdoutOf('show', 'big', '--json')).log_stats.stdout).toMatchObject({ from: 0, to: 8_890, rotated_files: 1, lost_bytes: 0 })
    expect(await procman('logs', '--clear', 'big')).toEqual({ code: 0, stdout: '', stderr: 'procman: cleared the logs of big: 8.9 kB\n' })
    expect(await procman('logs', 'big')).toEqual({ code: 0, stdout: '', stderr: 'procman: of big the first 8.9 kB of stdout are not kept any more\n' })
    expect(await procman('logs', '--rotate', 'big')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('nothing to rotate in the logs of big: there is nothing'),
    })
    await stdoutOf('start', '--id', 'small', '--', 'sh', '-c', 'echo little; sleep 60')
    expect(await procman('logs', '--rotate', 'small')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('nothing to rotate in the logs of small: they have less'),
    })
  })

  it.each([
    [['--clear'], 2, '--clear needs the id of a process'],
    [['--path'], 2, '--path needs the id of a process'],
    [['--rotate', '--clear', 'web'], 2, '--rotate and --clear cannot both be meant'],
    [['--rotate', '-f', 'web'], 2, '--rotate and --follow cannot both be meant'],
    [['--clear', '--stderr', 'web'], 2, '--clear and --stderr cannot both be meant'],
    [['--path', '-i', 'web'], 2, '--path and --ignore-case cannot both be meant'],
    [['--clear', '-l', 'team=a'], 2, '--clear and --label cannot both be meant'],
    [['--clear', 'nobody'], 3, 'there is no process "nobody"'],
  ])('%j is refused with %d', async (args, code, message) => {
    expect(await procman('logs', ...args)).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) })
  })
})
