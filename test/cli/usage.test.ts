import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { exitCodeOfError, exitCodeOfRecord } from '../../src/cli/exit-codes.ts'
import { BrokenPipe, type Io, say, write } from '../../src/cli/io.ts'
import { main } from '../../src/cli/main.ts'
import { forEachId, reportError, resolveIds } from '../../src/cli/report.ts'
import { ERROR_CODES, ProcmanError } from '../../src/errors.ts'

function recorder(onWrite?: (callback: (error?: Error) => void) => void): Writable & { text: string } {
  const stream = new Writable({
    write(data, _encoding, callback) {
      recording.text += String(data)
      if (onWrite === undefined) callback()
      else onWrite(callback)
    },
  })
  const recording = Object.assign(stream, { text: '' })
  stream.on('error', () => undefined)
  return recording
}

function world(overrides: Partial<Io> = {}) {
  const stdout = recorder()
  const stderr = recorder()
  const io: Io = { stdin: process.stdin, stdout, stderr, env: {}, cwd: '/', nowMs: () => 0, onSignal: () => () => undefined, ...overrides }
  return { io, stdout, stderr }
}

async function call(...argv: readonly string[]) {
  const { io, stdout, stderr } = world()
  const code = await main(argv, io)
  return { code, stdout: stdout.text, stderr: stderr.text }
}

describe('help and version', () => {
  it.each([['--help'], ['-h'], ['help']])('%s prints help on stdout and succeeds', async (word) => {
    expect(await call(word)).toMatchObject({ code: 0, stdout: expect.stringContaining('Exit codes: 0 done'), stderr: '' })
  })
  it('of a command shows its options', async () => {
    expect(await call('start', '--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('--restart-delay <duration>') })
    expect(await call('help', 'logs')).toMatchObject({ code: 0, stdout: expect.stringContaining('--tail <lines>') })
  })
  it('of a command shows groups of options, and none that is gone', async () => {
    const { stdout } = await call('start', '--help')
    for (const heading of ['Options:', 'Restart (acts while a manager lives):', 'Ports and templates:', 'Health (acts while a manager lives):'])
      expect(stdout).toContain(`\n${heading}\n`)
    expect(stdout).not.toContain('--max-restarts')
  })
  it('is what procman alone prints, on stderr, as bad usage', async () => {
    expect(await call()).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Usage: procman') })
  })
  it('--version prints the version alone', async () => {
    expect(await call('--version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' })
  })
})

describe('bad usage', () => {
  it.each([
    [['bogus'], /^procman: unknown command 'bogus'.*; see 'procman --help' \(PROCMAN_INVALID_ARGUMENT\)\n$/],
    [['lsit'], /did you mean list\?/],
    [['--bogus'], /^procman: unknown option '--bogus'; see 'procman --help'/],
    [['list', '--statu', 'x'], /^procman: unknown option '--statu' \(did you mean --status\?\); see 'procman list --help'/],
    [['ps', 'extra'], /^procman: too many arguments for 'list'.*; see 'procman list --help'/],
    [['wait'], /missing required argument 'id'/],
    [['wait', 'x', '--timeout', '30'], /--timeout 30 has no unit/],
    [['start'], /no command given/],
    [['run', '--'], /no command given/],
    [['start', '--restart', 'maybe', '--', 'x'], /--restart "maybe" is not one of/],
    [['start', '--restart', 'always', '--max-restarts', '2', '--', 'x'], /--max-restarts is gone; use --max-attempts/],
    [['start', '--port', 'web', '--', 'x'], /--port "web" is not a port/],
    [['start', '--liveness', '/', '--', 'x'], /which has none; give one with --port/],
    [['wait', 'x', '--for', 'redy'], /--for "redy" is not one of ready, healthy, settled; did you mean ready\?/],
    [['reset'], /missing required argument 'id'/],
    [['why'], /missing required argument 'id'/],
    [['signal', 'x', 'TREM'], /did you mean SIGTERM/],
    [['send', 'x'], /nothing to send/],
    [['list', '--state-dir', ''], /--state-dir needs the path of a directory/],
    [['diagram', 'proces'], /did you mean process\?/],
    [['diagram', '--format', 'png'], /--format "png" is not one of mermaid, svg/],
    [['logs', 'x', '--tail', '-1'], /--tail "-1" is not a whole number/],
    [['cleanup', '--older-than', '1y'], /--older-than "1y" is not a duration/],
  ])('%j is said in one line, with code 2', async (argv, pattern) => {
    const { code, stdout, stderr } = await call(...argv)
    expect(stderr).toMatch(pattern)
    expect(stderr.split('\n')).toHaveLength(2)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })
})

describe('exit codes', () => {
  it('exist for every error code', () => {
    for (const code of Object.keys(ERROR_CODES)) expect([1, 2, 3, 4, 5]).toContain(exitCodeOfError(code as keyof typeof ERROR_CODES))
    expect(exitCodeOfError('PROCMAN_FROM_THE_FUTURE' as keyof typeof ERROR_CODES)).toBe(1)
  })
  it.each([
    [{ state: 'exited', status: 'completed', exit_code: 0, signal: null }, 0],
    [{ state: 'exited', status: 'cancelled', exit_code: 0, signal: null }, 0],
    [{ state: 'exited', status: 'failed', exit_code: 0, signal: null }, 1],
    [{ state: 'exited', status: 'completed', exit_code: 3, signal: null }, 3],
    [{ state: 'exited', status: 'failed', exit_code: 137, signal: null }, 137],
    [{ state: 'exited', status: 'cancelled', exit_code: null, signal: 'SIGTERM' }, 143],
    [{ state: 'exited', status: 'failed', exit_code: null, signal: 'SIGKILL' }, 137],
    [{ state: 'exited', status: 'failed', exit_code: null, signal: null }, 1],
    [{ state: 'orphaned', status: 'orphaned', exit_code: null, signal: null }, 1],
  ] as const)('of %j is %d', (record, code) => {
    expect(exitCodeOfRecord(record)).toBe(code)
  })
})

describe('reporting', () => {
  it('says one sentence with the code, in one line', async () => {
    const { io, stderr } = world()
    expect(await reportError(io, new ProcmanError('PROCMAN_PROCESS_UNKNOWN', 'no process "a\nb"'))).toBe(3)
    expect(stderr.text).toBe('procman: no process "a\\nb" (PROCMAN_PROCESS_UNKNOWN)\n')
  })

  it('says of a foreign error that it is internal unless the operating system made it, and shows its stack when asked', async () => {
    const { io, stderr } = world({ env: { PROCMAN_DEBUG: '1' } })
    expect(await reportError(io, new Error('boom'))).toBe(1)
    expect(stderr.text).toMatch(/^procman: internal error: boom \(PROCMAN_INTERNAL\)\nprocman: Error: boom\n +at /)
    expect(await reportError(io, 'text')).toBe(1)
    await reportError(io, Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC', syscall: 'write' }))
    expect(stderr.text).toContain('procman: output cannot be written (ENOSPC) (PROCMAN_SYSTEM_ERROR)')
    await reportError(io, Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE', syscall: 'open', path: '/a\nb' }))
    expect(stderr.text).toContain('(EMFILE: /a\\nb) (PROCMAN_SYSTEM_ERROR)')
  })

  it('goes on with the other ids and answers with the first failure', async () => {
    const { io, stderr } = world()
    const done: string[] = []
    const code = await forEachId(io, ['a', 'b', 'c'], async (id) => {
      if (id === 'a') throw new ProcmanError('PROCMAN_WRONG_STATE', 'a is live')
      if (id === 'c') throw new ProcmanError('PROCMAN_PROCESS_UNKNOWN', 'no c')
      done.push(id)
    })
    expect({ code, done, lines: stderr.text.split('\n').length - 1 }).toEqual({ code: 4, done: ['b'], lines: 2 })
  })

  it('resolves prefixes once, before anything changes', async () => {
    const { io } = world()
    const get = (id: string) => {
      if (id === 'x') throw new ProcmanError('PROCMAN_PROCESS_UNKNOWN', 'no x')
      return { id: id.startsWith('ab') ? 'abc' : id }
    }
    expect(await resolveIds(io, ['ab', 'abc', 'x', 'q'], get)).toEqual({ ids: ['abc', 'q'], code: 3 })
  })
})

describe('writing', () => {
  it('waits until the stream has taken it', async () => {
    let release = (): void => undefined
    const slow = recorder((callback) => {
      release = () => callback()
    })
    let isDone = false
    const writing = write(slow, 'x').then(() => {
      isDone = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(isDone).toBe(false)
    release()
    await writing
    await write(slow, '')
  })

  it.each(['EPIPE', 'EIO'])('tells a reader that has gone (%s) from other failures', async (code) => {
    const gone = recorder((callback) => callback(Object.assign(new Error(code), { code })))
    await expect(write(gone, 'x')).rejects.toBeInstanceOf(BrokenPipe)
    await expect(write(gone, 'later')).rejects.toBeInstanceOf(BrokenPipe)
    await say({ stderr: gone }, 'nobody listens')
    const full = recorder((callback) => callback(Object.assign(new Error('full'), { code: 'ENOSPC' })))
    await expect(write(full, 'x')).rejects.toThrow('full')
  })

  it('for a reader that has gone ends quietly with 0', async () => {
    const stdout = recorder((callback) => callback(Object.assign(new Error('EPIPE'), { code: 'EPIPE' })))
    const { io, stderr } = world({ stdout, env: { PROCMAN_HOME: '/nonexistent/procman' } })
    expect(await main(['list'], io)).toBe(0)
    expect(stderr.text).toBe('')
  })
})
