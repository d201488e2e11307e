/** `run`, through the built binary and with real processes. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { BIN, Home, isUp } from './harness.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let home: Home
beforeAll(() => {
  home = new Home()
})
afterAll(() => home.remove())

const DEAF = ['sh', '-c', 'trap "" TERM INT; echo ready; while :; do sleep 0.05; done']

describe('run', () => {
  it('prints both streams where they belong and exits as the command does', async () => {
    expect(await home.procman('run', '--', 'sh', '-c', 'echo out; echo err >&2; exit 42')).toMatchObject({ code: 42, stdout: 'out\n', stderr: 'err\n' })
    expect((await home.procman('run', '--', 'true')).code).toBe(0)
    expect((await home.procman('run', '--', 'sh', '-c', 'kill -SEGV $$')).code).toBe(139)
  })

  it('passes output byte for byte', async () => {
    const program = 'const b = Buffer.alloc(3_000_001); for (let i = 0; i < b.length; i++) b[i] = (i * 31 + (i >> 8)) & 255; require("fs").writeSync(1, b)'
    const { code, bytes } = await home.procman('run', '--', 'node', '-e', program)
    const wanted = Buffer.alloc(3_000_001)
    for (let i = 0; i < wanted.length; i++) wanted[i] = (i * 31 + (i >> 8)) & 255
    expect(code).toBe(0)
    expect(bytes.length).toBe(wanted.length)
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(createHash('sha256').update(wanted).digest('hex'))
  })

  it('of what cannot be launched is a failure with its cause, not an exit code', async () => {
    expect(await home.procman('run', '--', 'no-such-command-xyz')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^procman: .*not found.* \(PROCMAN_LAUNCH_FAILED\)\n$/),
    })
  })

  it.skipIf(!existsSync('/dev/full'))('whose output cannot be printed says so, and is waited for all the same', async () => {
    const script = `"$0" "$1" run -- sh -c 'echo lost; sleep 0.2; exit 3' > /dev/full`
    const { status, stderr } = spawnSync('sh', ['-c', script, process.execPath, BIN], { env: home.env, encoding: 'utf8' })
    expect([status, stderr]).toEqual([3, 'procman: output cannot be written (ENOSPC) (PROCMAN_SYSTEM_ERROR)\n'])
  })

  it('keeps a record, and leaves the directory to others meanwhile', async () => {
    const runner = home.begin('run', '--id', 'free', '--', 'sh', '-c', 'echo ready; sleep 1000')
    await runner.prints('ready')
    await home.start('--', 'true') // refused if it had to wait for long
    expect(await home.record('free')).toMatchObject({ state: 'running' })
    expect(JSON.parse(await home.stdoutOf('doctor', '--json')).lock_holder).toBe(null)
    await home.stdoutOf('cancel', 'free')
    expect((await runner.answer).code).toBe(143)
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('on %s cancels the process', async (signal) => {
    const runner = home.begin('run', '--', 'sh', '-c', 'echo $$; exec sleep 1000')
    await runner.prints('\n')
    runner.child.kill(signal)
    expect((await runner.answer).code).toBe(143)
    expect(isUp(Number(runner.stdout))).toBe(false)
  })

  it('on a second Ctrl-C kills it', async () => {
    const runner = home.begin('run', '--id', 'deaf', '--stop-timeout', '1h', '--', ...DEAF)
    await runner.prints('ready')
    runner.child.kill('SIGINT')
    await vi.waitFor(async () => expect(await home.record('deaf')).toMatchObject({ state: 'stopping' }), { timeout: 15_000, interval: 50 })
    runner.child.kill('SIGINT')
    expect((await runner.answer).code).toBe(137)
    expect(await home.record('deaf')).toMatchObject({ state: 'exited', status: 'cancelled', signal: 'SIGKILL' })
  })

  it('on SIGHUP leaves it running', async () => {
    const runner = home.begin('run', '--id', 'hung-up', '--', 'sh', '-c', 'echo ready; sleep 1000')
    await runner.prints('ready')
    runner.child.kill('SIGHUP')
    expect((await runner.answer).code).toBe(129)
    expect(await home.record('hung-up')).toMatchObject({ state: 'running' })
  })

  it('when killed leaves it running', async () => {
    const runner = home.begin('run', '--id', 'bereft', '--restart', 'always', '--', 'sh', '-c', 'echo ready; sleep 1000')
    await runner.prints('ready')
    runner.child.kill('SIGKILL')
    await runner.answer
    expect(await home.record('bereft')).toMatchObject({ state: 'running' })
    await home.stdoutOf('cancel', 'bereft')
  })

  it('goes on waiting when the reader of its output goes away', async () => {
    const go = join(home.dir, 'go-on')
    const runner = home.begin('run', '--', 'sh', '-c', `while [ ! -e ${go} ]; do echo line; sleep 0.01; done; exit 6`)
    await runner.prints('line')
    runner.child.stdout?.destroy()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(runner.child.exitCode).toBe(null)
    writeFileSync(go, '')
    expect(await runner.answer).toMatchObject({ code: 6, stderr: '' })
  })

  it('--stdin forwards stdin and its end', async () => {
    const runner = home.begin('run', '--stdin', '--', 'sh', '-c', 'cat; echo end')
    runner.child.stdin?.write('one\n')
    await runner.prints('one\n')
    const more = `${'x'.repeat(500_000)}\n`
    runner.child.stdin?.end(more)
    expect(await runner.answer).toMatchObject({ code: 0, stdout: `one\n${more}end\n` })
  })

  it('--stdin ends with the process although its own stdin stays open', async () => {
    expect(await home.begin('run', '--stdin', '--', 'sh', '-c', 'exit 4').answer).toMatchObject({ code: 4, stderr: '' })
  })

  it('without --stdin gives an empty one', async () => {
    expect(await home.begin('run', '--', 'cat').answer).toMatchObject({ code: 0, stdout: '' })
  })
})

describe('run with a restart policy', () => {
  it('is the manager that restarts, until the policy is used up', async () => {
    const { code, stdout } = await home.procman(
      'run',
      '--id',
      'tries',
      '--restart',
      'on-failure',
      '--restart-delay',
      '10ms',
      '--max-attempts',
      '2',
      '--',
      'sh',
      '-c',
      'echo try; exit 3',
    )
    expect({ code, stdout }).toEqual({ code: 3, stdout: 'try\ntry\ntry\n' })
    expect(await home.record('tries')).toMatchObject({ run: 3, restarts: 2, status: 'failed' })
  })

  it('holds the directory, serves other commands, and is cancelled by Ctrl-C', async () => {
    const runner = home.begin('run', '--id', 'held', '--restart', 'always', '--', 'sh', '-c', 'echo ready; exec sleep 1000')
    await runner.prints('ready')
    expect(JSON.parse(await home.stdoutOf('doctor', '--json')).lock_holder).toEqual({ pid: runner.child.pid })
    expect((await home.list()).find(({ id }) => id === 'held')).toMatchObject({ state: 'running' })
    expect(await home.procman('start', '--id', 'beside', '--', 'sleep', '1000')).toEqual(expect.objectContaining({ code: 0, stdout: 'beside\n', stderr: '' }))
    expect(await home.procman('cancel', 'beside')).toMatchObject({ code: 0, stderr: '' })
    expect(runner.stderr).toBe('')
    runner.child.kill('SIGINT')
    expect((await runner.answer).code).toBe(143)
    expect(await home.record('held')).toMatchObject({ state: 'exited', status: 'cancelled' })
  })

  it('on SIGHUP lets go and leaves it running', async () => {
    const runner = home.begin('run', '--id', 'let-go', '--restart', 'always', '--', 'sh', '-c', 'echo ready; exec sleep 1000')
    await runner.prints('ready')
    runner.child.kill('SIGHUP')
    expect((await runner.answer).code).toBe(129)
    expect(await home.record('let-go')).toMatchObject({ state: 'running' })
    await home.stdoutOf('cancel', 'let-go')
  })
})

describe('commands at the same time', () => {
  it('all succeed', async () => {
    const crowd = new Home()
    try {
      const count = 6
      const started = await Promise.all(
        Array.from({ length: count }, (_, index) => [
          crowd.procman('start', '--id', `p${index}`, '--', 'sleep', '1000'),
          crowd.procman('list', '--json'),
        ]).flat(),
      )
      expect(started.map(({ code, stderr }) => ({ code, stderr }))).toEqual(started.map(() => ({ code: 0, stderr: '' })))
      const records = await crowd.list()
      expect(records.map(({ id, state }) => [id, state]).sort()).toEqual(Array.from({ length: count }, (_, index) => [`p${index}`, 'running']))
      expect(records.every(({ pid }) => isUp(pid))).toBe(true)
      const stopped = await Promise.all(records.map(({ id }) => crowd.procman('cancel', id)))
      expect(stopped.map(({ code }) => code)).toEqual(records.map(() => 0))
      expect(records.some(({ pid }) => isUp(pid))).toBe(false)
    } finally {
      await crowd.remove()
    }
  })
})
