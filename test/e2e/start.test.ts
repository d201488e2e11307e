import { chmodSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ProcessInput } from '../../src/api.ts'
import { aHome, fixture, kill, lives, obedient, outputOf, rejection, sh, sleeper } from './harness.ts'

describe('a process that is started', () => {
  it('is up when start resolves, and its record says what the OS says', async () => {
    const supervisor = await aHome().supervisor()
    const job = await supervisor.start(sleeper({ labels: { type: 'nap' } }))
    const record = supervisor.get(job.id)
    expect(record).toMatchObject({ command: 'sleep', args: ['600'], state: 'running', status: 'running', run: 1, restarts: 0, labels: { type: 'nap' } })
    expect(record).toMatchObject({ exit_code: null, signal: null, error: null, completed_at: null, work_dir: process.cwd() })
    expect(lives(record.pid)).toBe(true)
    expect(record.started_at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    expect(Object.isFrozen(record)).toBe(true)
  })

  it('has 8 letters and digits for an id, or the one that was given', async () => {
    const supervisor = await aHome().supervisor()
    expect((await supervisor.start(sh('exit 0'))).id).toMatch(/^[a-z][a-z0-9]{7}$/)
    expect((await supervisor.start(sh('exit 0', { id: 'my.Own_name-1' }))).id).toBe('my.Own_name-1')
  })

  it.each(['', '..', '.hidden', 'a/b', '-x', 'a b', 'x'.repeat(101), 'ä'])('cannot be called %j', async (id) => {
    const home = aHome()
    const error = await rejection((await home.supervisor()).start(sleeper({ id })))
    expect(error.code).toBe('PROCMAN_INVALID_SPEC')
    expect(home.ids()).toEqual([])
  })

  it('cannot take an id that is taken, and the first one is not harmed', async () => {
    const supervisor = await aHome().supervisor()
    await supervisor.start(sleeper({ id: 'one' }))
    const errors = await Promise.all([1, 2].map(() => rejection(supervisor.start(sleeper({ id: 'one' })))))
    expect(errors.map((error) => error.code)).toEqual(['PROCMAN_PROCESS_EXISTS', 'PROCMAN_PROCESS_EXISTS'])
    expect(lives(supervisor.get('one').pid)).toBe(true)
  })

  it('is found by a unique prefix of its id; one that fits several is refused', async () => {
    const supervisor = await aHome().supervisor()
    for (const id of ['abc', 'abd', 'ab']) await supervisor.start(sh('exit 0', { id }))
    expect(supervisor.get('abc').id).toBe('abc')
    expect(supervisor.get('ab').id).toBe('ab')
    expect(() => supervisor.get('x')).toThrow(expect.objectContaining({ code: 'PROCMAN_PROCESS_UNKNOWN' }))
    expect(() => supervisor.get('a')).toThrow(expect.objectContaining({ code: 'PROCMAN_PROCESS_AMBIGUOUS' }))
  })

  it('is not started yet with autostart off, but by launch', async () => {
    const supervisor = await aHome().supervisor()
    const job = await supervisor.start(sleeper({ autostart: false }))
    expect(supervisor.get(job.id)).toMatchObject({ state: 'pending', status: 'pending', pid: null, run: 0 })
    expect(await supervisor.launch(job.id)).toMatchObject({ state: 'running', run: 1 })
  })
})

describe('list', () => {
  it('chooses by status and by labels: a value, one of several, presence', async () => {
    const supervisor = await aHome().supervisor()
    const start = (id: string, script: string, labels: Record<string, string>) => supervisor.start(sh(script, { id, labels }))
    await start('a', 'exit 0', { color: 'red', size: 'l' })
    await start('b', 'exit 3', { color: 'blue' })
    await start('c', 'exec sleep 600', { color: 'green', size: 'l' })
    await Promise.all(['a', 'b'].map((id) => supervisor.wait(id)))
    const ids = (filter: Parameters<typeof supervisor.list>[0]) => supervisor.list(filter).map((record) => record.id)
    expect(ids({})).toEqual(['a', 'b', 'c'])
    expect(ids({ status: 'completed' })).toEqual(['a'])
    expect(ids({ status: ['failed', 'running'] })).toEqual(['b', 'c'])
    expect(ids({ labels: { color: 'red' } })).toEqual(['a'])
    expect(ids({ labels: { color: { in: ['blue', 'green'] } } })).toEqual(['b', 'c'])
    expect(ids({ labels: { size: { exists: false } } })).toEqual(['b'])
    expect(ids({ labels: { size: { exists: true }, color: 'green' } })).toEqual(['c'])
    expect(ids({ labels: { toString: { exists: true } } })).toEqual([])
  })
})

describe('how a process ended', () => {
  it.each([
    ['exit 0', { status: 'completed', exit_code: 0, signal: null, error: null }],
    ['exit 1', { status: 'failed', exit_code: 1, signal: null }],
    ['exit 137', { status: 'failed', exit_code: 137, signal: null }],
    ['exit 143', { status: 'failed', exit_code: 143, signal: null }],
    ['kill -9 $$', { status: 'failed', exit_code: null, signal: 'SIGKILL' }],
    ['kill -TERM $$', { status: 'failed', exit_code: null, signal: 'SIGTERM' }],
  ])('%s: is told exactly', async (script, expected) => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh(script))
    const record = await supervisor.wait(id)
    expect(record).toMatchObject({ ...expected, state: 'exited', pid: null })
    expect(Date.parse(record.completed_at ?? '')).toBeGreaterThanOrEqual(Date.parse(record.started_at ?? ''))
  })
})

describe('a command that cannot be executed', () => {
  const rows: readonly [string, (dir: string) => ProcessInput, object][] = [
    ['is not in PATH', () => ({ command: 'no-such-command-here' }), { step: 'command', errno: 'ENOENT' }],
    ['is no file', () => ({ command: '/no/such/file' }), { step: 'command', errno: 'ENOENT' }],
    ['is not executable', (dir) => ({ command: file(dir, '#!/bin/sh\n', 0o600) }), { step: 'command', errno: 'EACCES' }],
    ['is a directory', (dir) => ({ command: dir }), { step: 'command', errno: 'EACCES' }],
    ['has no such working directory', (dir) => ({ command: 'true', cwd: `${dir}/nowhere` }), { step: 'cwd', errno: 'ENOENT' }],
    ['has a file for a working directory', (dir) => ({ command: 'true', cwd: file(dir, '', 0o600) }), { step: 'cwd', errno: 'ENOTDIR' }],
    ['has a bad interpreter', (dir) => ({ command: file(dir, '#!/no/such/interpreter\n', 0o700) }), { step: 'interpreter', errno: 'ENOENT' }],
    ['is a script without #!', (dir) => ({ command: file(dir, 'echo oops\n', 0o700) }), { step: 'command', errno: 'ENOEXEC' }],
    ['has too many arguments', () => ({ command: 'true', args: ['x'.repeat(200_000)] }), { step: 'command', errno: 'E2BIG' }],
  ]
  const file = (dir: string, text: string, mode: number) => {
    writeFileSync(`${dir}/program`, text)
    chmodSync(`${dir}/program`, mode)
    return `${dir}/program`
  }

  it.each(rows)('because it %s: is refused with the cause and leaves nothing behind', async (_, inputOf, cause) => {
    const home = aHome()
    const supervisor = await home.supervisor()
    for (const restart of ['never', 'always'] as const) {
      const input = inputOf(home.dir)
      const error = await rejection(supervisor.start({ ...input, id: 'bad', restart }))
      expect(error).toMatchObject({ code: 'PROCMAN_LAUNCH_FAILED', details: { id: 'bad', command: input.command, ...cause } })
      expect(error.message).toContain((cause as { errno: string }).errno)
      expect(supervisor.list()).toEqual([])
      expect(home.ids()).toEqual([])
    }
  })
})

describe('what a command gets', () => {
  const seen = async (inputs: readonly Partial<ProcessInput>[]) => {
    const supervisor = await aHome().supervisor()
    return Promise.all(
      inputs.map(async (input) => {
        const { id } = await supervisor.start({ command: process.execPath, args: [fixture('argv.mjs')], ...input })
        return JSON.parse(await outputOf(supervisor, id)) as { args: string[]; env: Record<string, string>; cwd: string }
      }),
    )
  }

  it('its arguments byte for byte, whatever they are', async () => {
    const awkward = ['', ' ', '-', '--', '-rf', '$HOME', '`id`', '*', "'", '"', '\\', '\n', 'a\nb', '\t', '%s', 'ü€🎉', '\u{feff}', '\x7f\x1b[31m', '=']
    const argument = fc
      .oneof(fc.constantFrom(...awkward), fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }))
      .filter((text) => !text.includes('\0'))
    const supervisor = await aHome().supervisor()
    await fc.assert(
      fc.asyncProperty(fc.array(argument, { maxLength: 12 }), async (args) => {
        const { id } = await supervisor.start({ command: process.execPath, args: [fixture('argv.mjs'), ...args] })
        expect(JSON.parse(await outputOf(supervisor, id)).args).toEqual(args.map((each) => Buffer.from(each).toString()))
        expect(supervisor.get(id).args.slice(1)).toEqual(args)
      }),
      { numRuns: 15, examples: [[awkward]] },
    )
  })

  it('the environment of the manager with what is added, or that alone', async () => {
    process.env.PROCMAN_E2E_INHERITED = 'yes'
    const [inherited, alone] = await seen([{ env: { ADDED: 'a=b\nc', GONE: undefined } }, { env: { ADDED: '1' }, inheritEnv: false }])
    expect(inherited?.env).toMatchObject({ PROCMAN_E2E_INHERITED: 'yes', ADDED: 'a=b\nc', PATH: process.env.PATH })
    expect(Object.keys(alone?.env ?? {}).sort()).toEqual(['ADDED', 'PROCMAN_ID', 'PROCMAN_RUN', 'PROCMAN_TOKEN'])
    delete process.env.PROCMAN_E2E_INHERITED
  })

  it('its own id, run number and a token that no other run has', async () => {
    const [a, b] = await seen([{ id: 'a' }, { id: 'b' }])
    expect(a?.env).toMatchObject({ PROCMAN_ID: 'a', PROCMAN_RUN: '1' })
    expect(b?.env).toMatchObject({ PROCMAN_ID: 'b', PROCMAN_RUN: '1' })
    expect(a?.env.PROCMAN_TOKEN).not.toBe(b?.env.PROCMAN_TOKEN)
  })

  it('its working directory', async () => {
    const home = aHome()
    mkdirSync(home.path('a place'))
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(sh('pwd', { cwd: home.path('a place') }))
    expect(await outputOf(supervisor, id)).toBe(`${home.path('a place')}\n`)
  })

  it('no secret of its environment in the record, but the value itself', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(sh('echo "$API_TOKEN"', { env: { API_TOKEN: 'hunter2', PLAIN: 'x' } }))
    expect(await outputOf(supervisor, id)).toBe('hunter2\n')
    expect(supervisor.get(id).env).toEqual({ API_TOKEN: '***', PLAIN: 'x' })
  })
})

describe('stdin', () => {
  it('is empty when nothing else was asked for', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start({ command: 'cat' })
    expect(await supervisor.wait(id)).toMatchObject({ exit_code: 0 })
    expect((await rejection(supervisor.write(id, 'x'))).code).toBe('PROCMAN_STDIN_CLOSED')
  })

  it('takes what is written, in order and whole, until it is closed', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start({ command: 'cat', stdin: 'pipe' })
    const pieces = ['one\n', 'x'.repeat(300_000), '\ntwo\n', '']
    await Promise.all(pieces.map((piece) => supervisor.write(id, piece)))
    await supervisor.closeStdin(id)
    expect(await supervisor.wait(id)).toMatchObject({ exit_code: 0 })
    expect(await outputOf(supervisor, id)).toBe(pieces.join(''))
    for (const refused of [supervisor.write(id, 'more'), supervisor.closeStdin(id)]) expect((await rejection(refused)).code).toBe('PROCMAN_STDIN_CLOSED')
  })

  it('is refused once the command has closed it', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('exec <&-; echo closed; exec sleep 600', { stdin: 'pipe' }))
    for await (const line of supervisor.watch(id)) if (line.text === 'closed') break
    expect((await rejection(supervisor.write(id, 'x'))).code).toBe('PROCMAN_STDIN_CLOSED')
  })

  it('does not outlive its supervisor: a write that waits for the command to read is over with it', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(sleeper({ stdin: 'pipe' }))
    const writing = rejection(supervisor.write(id, 'x'.repeat(1_000_000)))
    const waiting = rejection(supervisor.write(id, 'y'))
    await supervisor.refresh()
    await supervisor.close()
    expect([(await writing).code, (await waiting).code]).toEqual(['PROCMAN_CLOSED', 'PROCMAN_CLOSED'])
  })

  it('that cannot be closed for good is told to who closes it, with path and cause', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start({ command: 'cat', stdin: 'pipe' })
    const closing = rejection(supervisor.closeStdin(id))
    for (let turns = 0; turns < 3; turns++) await null // it has been opened by then
    rmSync(home.jobFile(id, 'run-1.in'))
    mkdirSync(home.jobFile(id, 'run-1.in'))
    const error = await closing
    rmdirSync(home.jobFile(id, 'run-1.in'))
    expect(error).toMatchObject({ code: 'PROCMAN_STATE_NOT_SAVED', message: expect.stringContaining(home.jobFile(id, '')) })
    await supervisor.stop(id)
  })

  it('of the next run is a new one', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(obedient())
    await supervisor.closeStdin(id)
    await supervisor.wait(id)
    await supervisor.launch(id)
    await supervisor.write(id, 'exit 4\n')
    expect(await supervisor.wait(id)).toMatchObject({ exit_code: 4, run: 2 })
  })
})

describe('output', () => {
  it('is all there, also the last words of a program that leaves at once', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const script = 'for (let n = 0; n < 3000; n++) console.log("line " + n); process.exit(0)'
    const { id } = await supervisor.start({ command: process.execPath, args: ['-e', script] })
    const text = await outputOf(supervisor, id)
    expect(text).toBe(Array.from({ length: 3000 }, (_, n) => `line ${n}\n`).join(''))
    expect(readFileSync(home.jobFile(id, 'stdout.log'), 'utf8')).toBe(text)
  })

  it('is followed line by line, both streams, tagged with stream and run, to the end of the process', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('echo out; echo err >&2; printf "10%%\\r20%%\\r"; printf last'))
    const lines: string[] = []
    await supervisor.watch(id, (line) => lines.push(`${line.run} ${line.stream} ${line.text}${line.partial ? '…' : ''}`))
    expect(lines.sort()).toEqual(['1 stderr err', '1 stdout 10%', '1 stdout 20%', '1 stdout last…', '1 stdout out'])
  })

  it('has no gap and no double between what was there and what comes', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done'))
    const watched = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const numbers: number[] = []
        for await (const line of supervisor.watch(id)) numbers.push(Number(line.text))
        return numbers
      }),
    )
    for (const numbers of watched) expect(numbers).toEqual(Array.from({ length: 20_000 }, (_, n) => n))
  })

  it('of a watch whose callback throws is watched no more; the process goes on', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('echo one; exec sleep 600'))
    const error = await rejection(
      supervisor.watch(id, () => {
        throw new Error('enough')
      }),
    )
    expect(error.message).toBe('enough')
    expect(lives(supervisor.get(id).pid)).toBe(true)
  })

  it('ends for one who aborts, or breaks out of the loop; the process goes on', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('echo one; exec sleep 600'))
    const abort = new AbortController()
    for await (const _ of supervisor.watch(id, { signal: abort.signal })) abort.abort()
    for await (const _ of supervisor.watch(id)) break
    for await (const _ of supervisor.attach(id, { signal: AbortSignal.abort() })) throw new Error('nothing was to come')
    expect(lives(supervisor.get(id).pid)).toBe(true)
  })

  it('without following ends with what is there now; with tail begins there', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('seq 1 100; exec sleep 600'))
    for await (const line of supervisor.watch(id)) if (line.text === '100') break
    const texts: string[] = []
    for await (const line of supervisor.watch(id, { follow: false, tail: 2 })) texts.push(line.text)
    expect(texts).toEqual(['99', '100'])
    kill(supervisor.get(id).pid)
    await supervisor.wait(id)
  })

  it('of all runs is in one log, each line with its run', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('echo run $PROCMAN_RUN'))
    await supervisor.wait(id)
    await supervisor.launch(id)
    await supervisor.wait(id)
    const lines: string[] = []
    for await (const line of supervisor.watch(id)) lines.push(`${line.run}: ${line.text}`)
    expect(lines).toEqual(['1: run 1', '2: run 2'])
  })
})
