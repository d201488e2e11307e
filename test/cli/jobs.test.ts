/** The commands for jobs, through the built binary and with real processes. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { BIN, Home, isUp } from './harness.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let home: Home
beforeAll(() => {
  home = new Home()
})
afterAll(() => home.remove())

/** Prints each argument as JSON. */
const ECHO = ['node', '-e', 'console.log(JSON.stringify(process.argv.slice(1)))', '--']
const NASTY = ['', ' ', "it's", '"', 'a\nb', '$HOME', '*', '-x', '--', '--help', 'é日本🙂', '\\', '=']

describe('start', () => {
  it('prints the id alone; list, show, wait and logs tell the rest', async () => {
    const { code, stdout, stderr } = await home.procman(
      'start',
      '--id',
      'first',
      '--label',
      'a=1',
      '--label',
      'b=x,y',
      '--',
      'sh',
      '-c',
      'echo out; echo err >&2; exit 3',
    )
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'first\n', stderr: '' })
    expect(await home.procman('wait', 'first')).toMatchObject({ code: 3, stdout: '' })
    expect(await home.procman('logs', 'first')).toMatchObject({ code: 0, stdout: 'out\n', stderr: 'err\n' })
    expect(await home.record('first')).toMatchObject({
      id: 'first',
      command: 'sh',
      args: ['-c', 'echo out; echo err >&2; exit 3'],
      work_dir: home.dir,
      labels: { a: '1', b: 'x,y' },
      state: 'exited',
      status: 'failed',
      pid: null,
      run: 1,
      restarts: 0,
      exit_code: 3,
      signal: null,
      error: 'exited with code 3',
      started_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      completed_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    })
    expect(await home.stdoutOf('show', 'first')).toMatch(/^outcome +exited with code 3$/m)
    expect(await home.stdoutOf('list')).toMatch(/^ID +STATUS .*\nfirst +failed \(3\) /)
  })

  it('generates an id of 8 characters', async () => {
    expect(await home.stdoutOf('start', '--', 'true')).toMatch(/^[\w.-]{8}\n$/)
  })

  it('passes arguments byte for byte, also without --', async () => {
    for (const before of [['start', '--'], ['start']]) {
      const id = (await home.stdoutOf(...before, ...ECHO, ...NASTY)).trim()
      expect(await home.stdoutOf('wait', id)).toBe('')
      expect(JSON.parse(await home.stdoutOf('logs', id))).toEqual(NASTY)
      expect((await home.record(id)).args.slice(-NASTY.length)).toEqual(NASTY)
    }
  })

  it('gives environment and working directory as asked, and hides secrets', async () => {
    mkdirSync(join(home.dir, 'sub'), { recursive: true })
    const show = 'console.log(JSON.stringify([process.env.A, process.env.EMPTY, process.env.NO_COLOR, process.env.API_TOKEN, process.cwd()]))'
    const id = await home.start('--env', 'A=x=y', '--env', 'EMPTY=', '--env', 'API_TOKEN=hunter2', '--cwd', 'sub', '--', 'node', '-e', show)
    await home.stdoutOf('wait', id)
    expect(JSON.parse(await home.stdoutOf('logs', id))).toEqual(['x=y', '', '1', 'hunter2', join(home.dir, 'sub')])
    expect((await home.record(id)).env).toEqual({ A: 'x=y', EMPTY: '', API_TOKEN: '***' })
    for (const shown of [
      ['show', id],
      ['show', id, '--json'],
      ['list', '--json'],
    ])
      expect(await home.stdoutOf(...shown)).not.toContain('hunter2')

    const bare = await home.start(
      '--no-inherit-env',
      '--env',
      'PATH',
      '--env',
      'B=1',
      '--',
      process.execPath,
      '-e',
      'console.log(Object.keys(process.env).sort().join())',
    )
    await home.stdoutOf('wait', bare)
    expect(
      (await home.stdoutOf('logs', bare))
        .trim()
        .split(',')
        .filter((name) => !name.startsWith('PROCMAN_')),
    ).toEqual(['B', 'PATH'])
  })

  it.each([
    [['no-such-command-xyz'], /not found/],
    [['--cwd', '/no/such/dir', '--', 'true'], /working directory/],
    [['--', '/etc/passwd'], /not executable/],
  ])('%j fails with its cause and leaves nothing behind', async (args, pattern) => {
    const before = await home.list()
    const { code, stdout, stderr } = await home.procman('start', ...args)
    expect(stderr).toMatch(pattern)
    expect(stderr).toMatch(/^procman: .* \(PROCMAN_LAUNCH_FAILED\)\n$/)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(await home.list()).toEqual(before)
  })

  it('--json prints the record', async () => {
    expect(JSON.parse(await home.stdoutOf('start', '--json', '--', 'sleep', '1000'))).toMatchObject({
      command: 'sleep',
      status: 'running',
      pid: expect.any(Number),
    })
  })

  it('refuses a taken id (4) and a bad one (2)', async () => {
    await home.start('--id', 'taken', '--', 'true')
    expect(await home.procman('start', '--id', 'taken', '--', 'true')).toMatchObject({ code: 4, stderr: expect.stringContaining('PROCMAN_PROCESS_EXISTS') })
    expect(await home.procman('start', '--id', '../x', '--', 'true')).toMatchObject({ code: 2, stderr: expect.stringContaining('PROCMAN_INVALID_SPEC') })
  })

  it('says on stderr that a restart policy needs a living manager', async () => {
    const { code, stdout, stderr } = await home.procman(
      'start',
      '--id',
      'service',
      '--restart',
      'always',
      '--restart-delay',
      '5s',
      '--max-attempts',
      '2',
      '--',
      'sleep',
      '1000',
    )
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'service\n' })
    expect(stderr).toMatch(/^procman: service .*only while a manager lives/)
    expect((await home.record('service')).restart).toMatchObject({ strategy: 'always', delayMs: 5_000, maxAttempts: 2 })
    expect((await home.procman('restart', 'service')).stderr).toMatch(/only while a manager lives/)
    expect(await home.procman('cancel', 'service')).toMatchObject({ code: 0 })
  })
})

describe('the state directory', () => {
  it('is given before or after the command, and wins over PROCMAN_HOME', async () => {
    const other = join(home.dir, 'other')
    expect(await home.stdoutOf('--state-dir', other, 'start', '--id', 'here', '--', 'true')).toBe('here\n')
    expect(JSON.parse(await home.stdoutOf('list', '--json', '--state-dir', 'other'))).toMatchObject([{ id: 'here' }])
    expect((await home.list()).map(({ id }) => id)).not.toContain('here')
  })

  it('that cannot be used is said to be so', async () => {
    writeFileSync(join(home.dir, 'file'), '')
    const { code, stderr } = await home.procman('--state-dir', 'file', 'start', '--', 'true')
    expect(stderr).toMatch(/^procman: .* \(PROCMAN_STATE_DIR_UNUSABLE\)\n$/)
    expect(code).toBe(1)
  })

  it('that is not there yet has no processes, and is not made by looking', async () => {
    const none = join(home.dir, 'none')
    expect(await home.stdoutOf('list', '--json', '--state-dir', none)).toBe('[]\n')
    expect(await home.procman('show', 'x', '--state-dir', none)).toMatchObject({ code: 3, stderr: expect.stringContaining('PROCMAN_PROCESS_UNKNOWN') })
  })
})

describe('list', () => {
  it('filters by status and labels', async () => {
    const filtered = new Home()
    try {
      await filtered.start('--id', 'up', '--label', 'app=shop', '--label', 'tier=web', '--', 'sleep', '1000')
      await filtered.start('--id', 'done', '--label', 'app=shop', '--', 'true')
      await filtered.start('--id', 'bad', '--', 'false')
      await filtered.procman('wait', 'done', 'bad')
      const idsOf = async (...args: readonly string[]) => (await filtered.list(...args)).map(({ id }) => id).sort()
      expect(await idsOf('--status', 'running')).toEqual(['up'])
      expect(await idsOf('--status', 'completed,failed')).toEqual(['bad', 'done'])
      expect(await idsOf('--label', 'app=shop')).toEqual(['done', 'up'])
      expect(await idsOf('--label', 'app=shop,tier=web')).toEqual(['up'])
      expect(await idsOf('--label', 'tier')).toEqual(['up'])
      expect(await idsOf('--status', 'failed', '--label', 'app')).toEqual([])
      expect((await filtered.stdoutOf('ps')).trim().split('\n')).toHaveLength(4)
    } finally {
      await filtered.remove()
    }
  })
})

/** The processor time that a process has taken, in ticks of 10 ms. */
function ticksOf(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
  return Number(user) + Number(system)
}

/** How many files and directories a process watches. */
function watchesOf(pid: number | undefined): number {
  return readdirSync(`/proc/${pid}/fdinfo`).reduce(
    (sum, fd) => sum + (readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1').match(/^inotify wd/gm)?.length ?? 0),
    0,
  )
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

describe('logs', () => {
  it('of several, or of all, are told line by line with their names', async () => {
    const mine = new Home()
    try {
      for (const [id, script] of [
        ['one', 'echo 1; echo 2; echo e >&2'],
        ['other', 'echo 3'],
      ] as const)
        await mine.procman('run', '--id', id, '--', 'sh', '-c', script)
      const all = { code: 0, stdout: 'one   | 1\none   | 2\nother | 3\n', stderr: 'one   | e\n' }
      expect(await mine.procman('logs')).toMatchObject(all)
      const followed = await mine.procman('logs', '-f', 'other', 'one', '--tail', '1')
      expect([followed.stdout.split('\n').sort(), followed.stderr]).toEqual([['', 'one   | 2', 'other | 3'], 'one   | e\n'])
      expect(await mine.procman('logs', 'one', 'none')).toMatchObject({ code: 3, stdout: '' })
      expect(await mine.procman('start', 'one')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("to start the process one again: 'procman restart one'"),
      })
    } finally {
      mine.remove()
    }
  })

  it('selects streams and the tail, and follows to the end', async () => {
    const go = join(home.dir, 'go')
    const id = await home.start('--', 'sh', '-c', `echo 1; echo 2; echo 3; echo e >&2; until [ -e ${go} ]; do sleep 0.05; done; printf last`)
    await home.logged(id, '3\n')
    expect(await home.procman('logs', id, '--tail', '1', '--stdout')).toMatchObject({ code: 0, stdout: '3\n', stderr: '' })
    expect(await home.procman('logs', id, '--stderr')).toMatchObject({ code: 0, stdout: '', stderr: 'e\n' })
    const follower = home.begin('logs', '-f', id, '--tail', '2')
    await follower.prints('2\n3\n')
    writeFileSync(go, '')
    expect(await follower.answer).toMatchObject({ code: 0, stdout: '2\n3\nlast', stderr: 'e\n' })
  })

  it('goes on without a busy loop when the log is removed', async () => {
    const go = join(home.dir, 'go-on')
    const id = await home.start('--', 'sh', '-c', `echo 1; until [ -e ${go} ]; do sleep 0.05; done; echo 2`)
    const follower = home.begin('logs', '-f', id)
    await follower.prints('1\n')
    rmSync(join(home.stateDir, 'jobs', id, 'stdout.log'))
    // Here time itself is the fact: a log with news is polled for a second; then one that spins takes 100 ticks in a second.
    await pause(1_500)
    const before = ticksOf(follower.child.pid)
    await pause(1_000)
    expect(ticksOf(follower.child.pid) - before).toBeLessThan(50)
    writeFileSync(go, '')
    expect(await follower.answer).toMatchObject({ code: 0, stdout: '1\n2\n', stderr: '' })
  })

  it.each(['job', 'job-2'])('and wait end when the process is removed, also when they see only later that another one is called %s', async (another) => {
    await home.start('--id', 'job', '--', 'sh', '-c', 'echo 1; exec sleep 600')
    const [follower, waiter] = [home.begin('logs', '-f', 'job'), home.begin('wait', 'job')]
    await follower.prints('1\n')
    await vi.waitFor(() => expect(watchesOf(waiter.child.pid)).toBeGreaterThan(0), { timeout: 15_000 })
    for (const { child } of [follower, waiter]) child.kill('SIGSTOP')
    await home.procman('remove', 'job', '--force')
    await home.start('--id', another, '--', 'sh', '-c', 'echo of another one; exec sleep 600')
    await home.logged(another, 'of another one\n')
    for (const { child } of [follower, waiter]) child.kill('SIGCONT')
    expect(await follower.answer).toMatchObject({ code: 0, stdout: '1\n', stderr: '' })
    expect(await waiter.answer).toMatchObject({ code: 3, stderr: expect.stringContaining('there is no process "job"') })
    await home.procman('remove', another, '--force')
  })

  it('fails when it cannot be told any more whether the process has ended', async () => {
    const id = await home.start('--', 'sh', '-c', 'echo 1; exec sleep 600')
    const pid = JSON.parse(await home.stdoutOf('show', id, '--json')).pid
    const follower = home.begin('logs', '-f', id)
    await follower.prints('1\n')
    rmSync(join(home.stateDir, 'jobs', id, 'run-1.intent'))
    writeFileSync(join(home.stateDir, 'jobs', id, 'state.json'), '{')
    expect(await follower.answer).toMatchObject({ code: 1, stdout: '1\n', stderr: expect.stringContaining('PROCMAN_PROCESS_DAMAGED') })
    process.kill(pid, 'SIGKILL')
  })

  it('shows nothing of a file that a log is a link to', async () => {
    const id = await home.start('--', 'true')
    await home.procman('wait', id)
    const path = join(home.stateDir, 'jobs', id, 'stdout.log')
    rmSync(path)
    writeFileSync(join(home.dir, 'secret'), 'a secret')
    symlinkSync(join(home.dir, 'secret'), path)
    const why = `the log ${path} cannot be read: it is a symbolic link (PROCMAN_LOG_UNREADABLE)`
    for (const args of [[id], ['-f', id]]) expect(await home.procman('logs', ...args)).toMatchObject({ code: 1, stdout: '', stderr: `procman: ${why}\n` })
  })

  it('ends quietly when its reader goes away', async () => {
    const id = await home.start('--', 'sh', '-c', 'while :; do echo line; done')
    const follower = home.begin('logs', '-f', id)
    await follower.prints('line')
    follower.child.stdout?.destroy()
    expect(await follower.answer).toMatchObject({ code: 0, stderr: '' })
    await home.procman('cancel', id, '--timeout', '0')
  })
})

describe('wait', () => {
  it('answers with the first code that is not 0, in the order given, and 128+n after a signal', async () => {
    await home.start('--id', 'w0', '--', 'true')
    await home.start('--id', 'w7', '--', 'sh', '-c', 'sleep 0.3; exit 7')
    await home.start('--id', 'w9', '--', 'sh', '-c', 'kill -9 $$')
    const { code, stdout } = await home.procman('wait', 'w0', 'w7', 'w9', '--json')
    expect(code).toBe(7)
    expect(JSON.parse(stdout)).toMatchObject([
      { id: 'w0', exit_code: 0 },
      { id: 'w7', exit_code: 7 },
      { id: 'w9', signal: 'SIGKILL', exit_code: null },
    ])
    expect((await home.procman('wait', 'w9', 'w7')).code).toBe(137)
    expect((await home.procman('wait', 'w0')).code).toBe(0)
  })

  it('gives up after its timeout', async () => {
    const id = await home.start('--', 'sleep', '1000')
    const { code, stderr } = await home.procman('wait', id, '--timeout', '100ms')
    expect(stderr).toMatch(/^procman: .* \(PROCMAN_TIMEOUT\)\n$/)
    expect(code).toBe(1)
  })

  it('reports an unknown id and still waits for the others', async () => {
    await home.start('--id', 'known', '--', 'true')
    const { code, stdout, stderr } = await home.procman('wait', 'nobody', 'known', '--json')
    expect(stderr).toMatch(/^procman: .*nobody.* \(PROCMAN_PROCESS_UNKNOWN\)\n$/)
    expect(code).toBe(3)
    expect(JSON.parse(stdout)).toMatchObject([{ id: 'known' }])
  })
})

/** What a process has open now. */
function openFiles(pid: number | undefined): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
}

describe('send', () => {
  it('writes lines and closes stdin', async () => {
    const id = await home.start('--stdin', '--', 'cat')
    await home.stdoutOf('send', id, 'hello  world')
    await home.stdoutOf('send', id, '')
    await home.logged(id, 'hello  world\n\n')
    await home.stdoutOf('send', id, '--eof', '--', '-last')
    expect(await home.procman('wait', id)).toMatchObject({ code: 0 })
    expect(await home.stdoutOf('logs', id)).toBe('hello  world\n\n-last\n')
    expect((await home.procman('send', id, 'x')).code).toBe(4)
  })

  it('holds nobody up: what does not read is cancelled all the same, and who sends is told', async () => {
    const id = await home.start('--stdin', '--', 'sleep', '1000')
    const sending = home.begin('send', id, 'x'.repeat(120_000))
    await vi.waitFor(() => expect(openFiles(sending.child.pid)).toContain(join(home.stateDir, 'jobs', id, 'run-1.in')), { timeout: 15_000, interval: 10 })
    expect(await home.procman('cancel', id)).toMatchObject({ code: 0 })
    expect((await sending.answer).code).toBe(4)
  })

  it('to a process without stdin is refused with 4', async () => {
    const id = await home.start('--', 'sleep', '1000')
    expect(await home.procman('send', id, 'x')).toMatchObject({ code: 4, stderr: expect.stringMatching(/\(PROCMAN_STDIN_CLOSED\)\n$/) })
  })
})

describe('signal', () => {
  it.each(['USR1', 'sigusr1', '10'])('%s reaches the process', async (name) => {
    const id = await home.start('--', 'sh', '-c', 'trap "echo got; exit 5" USR1; echo ready; while :; do sleep 0.05; done')
    await home.logged(id, 'ready')
    await home.stdoutOf('signal', id, process.platform === 'linux' || name !== '10' ? name : '30')
    expect((await home.procman('wait', id)).code).toBe(5)
    expect(await home.procman('signal', id, name)).toMatchObject({ code: 4, stderr: expect.stringContaining('PROCMAN_WRONG_STATE') })
  })
})

describe('cancel', () => {
  it('stops the whole tree, and is content with what has already ended', async () => {
    const id = await home.start('--', 'sh', '-c', 'sleep 1000 & echo $!; wait')
    await home.logged(id, '\n')
    const childPid = Number(await home.stdoutOf('logs', id))
    const { pid } = await home.record(id)
    expect(isUp(pid) && isUp(childPid)).toBe(true)
    expect(await home.procman('cancel', id)).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(isUp(pid) || isUp(childPid)).toBe(false)
    expect(await home.record(id)).toMatchObject({ state: 'exited', status: 'cancelled', signal: 'SIGTERM' })
    expect(await home.procman('stop', id)).toMatchObject({ code: 0, stdout: '', stderr: `procman: ${id} has already ended (cancelled); nothing to cancel\n` })
  })

  it('--timeout 0 kills at once; several are stopped and the unknown is reported', async () => {
    const deaf = ['--', 'sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.05; done']
    const a = await home.start('--id', 'deaf-a', ...deaf)
    const b = await home.start('--id', 'deaf-b', ...deaf)
    await home.logged(a, 'ready')
    await home.logged(b, 'ready')
    expect((await home.procman('cancel', '--timeout', '0', a, 'nobody', b)).code).toBe(3)
    expect(await home.record(a)).toMatchObject({ status: 'cancelled', signal: 'SIGKILL' })
    expect(await home.record(b)).toMatchObject({ status: 'cancelled', signal: 'SIGKILL' })
  })

  it('uses the stop signal and grace that the process was started with', async () => {
    const id = await home.start(
      '--stop-signal',
      'INT',
      '--',
      'node',
      '-e',
      'process.on("SIGINT", () => process.exit(9)); console.log("ready"); setInterval(() => {}, 1000)',
    )
    await home.logged(id, 'ready')
    await home.stdoutOf('cancel', id)
    expect(await home.record(id)).toMatchObject({ status: 'cancelled', exit_code: 9 })
  })
})

describe('restart', () => {
  it('replaces what is up and starts what is down', async () => {
    const id = await home.start('--', 'sleep', '1000')
    const { pid } = await home.record(id)
    await home.stdoutOf('restart', id)
    const second = await home.record(id)
    expect(second).toMatchObject({ run: 2, state: 'running' })
    expect(isUp(pid)).toBe(false)
    await home.stdoutOf('cancel', id)
    await home.stdoutOf('restart', id)
    expect(await home.record(id)).toMatchObject({ run: 3, state: 'running' })
  })
})

describe('remove and cleanup', () => {
  it('refuse and keep what lives, unless forced', async () => {
    const id = await home.start('--', 'sleep', '1000')
    const { pid } = await home.record(id)
    expect(await home.procman('remove', id)).toMatchObject({ code: 4, stderr: expect.stringContaining('PROCMAN_WRONG_STATE') })
    expect(isUp(pid)).toBe(true)
    await home.stdoutOf('rm', '--force', id)
    expect(isUp(pid)).toBe(false)
    expect((await home.procman('show', id)).code).toBe(3)
  })

  it('never reach a second process by an id given twice', async () => {
    await home.start('--id', 'twin', '--', 'true')
    await home.start('--id', 'twin-2', '--', 'true')
    await home.procman('wait', 'twin', 'twin-2')
    expect((await home.procman('remove', 'twin', 'twin')).code).toBe(0)
    expect((await home.record('twin-2')).id).toBe('twin-2')
  })

  it('take unique prefixes and refuse ambiguous ones with 2', async () => {
    await home.start('--id', 'prefix-a', '--', 'true')
    await home.start('--id', 'prefix-b', '--', 'true')
    await home.procman('wait', 'prefix-a', 'prefix-b')
    expect(await home.procman('show', 'prefix')).toMatchObject({ code: 2, stderr: expect.stringContaining('PROCMAN_PROCESS_AMBIGUOUS') })
    expect(await home.procman('remove', 'prefix')).toMatchObject({ code: 2 })
    expect((await home.procman('remove', 'prefix-a')).code).toBe(0)
    expect((await home.record('prefix')).id).toBe('prefix-b')
  })

  it('cleanup removes what has ended long enough ago and prints the ids', async () => {
    const cleaned = new Home()
    try {
      await cleaned.start('--id', 'over', '--', 'true')
      await cleaned.start('--id', 'up', '--', 'sleep', '1000')
      await cleaned.procman('wait', 'over')
      expect(await cleaned.stdoutOf('cleanup', '--older-than', '1h')).toBe('')
      expect(await cleaned.stdoutOf('cleanup', '--older-than', '1h', '--json')).toBe('[]\n')
      expect(await cleaned.stdoutOf('cleanup')).toBe('over\n')
      expect((await cleaned.list()).map(({ id }) => id)).toEqual(['up'])
    } finally {
      await cleaned.remove()
    }
  })
})

describe('refresh, diagram and doctor', () => {
  it('refresh prints what is', async () => {
    expect((await home.stdoutOf('refresh')).startsWith('ID ')).toBe(true)
    expect(JSON.parse(await home.stdoutOf('refresh', '--json')).length).toBeGreaterThan(3)
  })

  it.each([
    [[], 'stateDiagram-v2'],
    [['supervisor'], 'stateDiagram-v2'],
    [['process', '--format', 'svg'], '<svg'],
  ])('diagram %j prints the chart', async (args, text) => {
    expect(await home.stdoutOf('diagram', ...args)).toContain(text)
  })

  it('doctor says which keeper serves, and finds no problem', async () => {
    const { code, stdout } = await home.procman('doctor', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      node: process.versions.node,
      platform: expect.stringContaining(process.platform),
      keeper: { kind: expect.stringMatching(/^(native|node)$/), path: expect.any(String), reason: expect.any(String), version: 'procman-keeper 1' },
      state_dir: { path: home.stateDir, exists: true, mode: '0700', processes: expect.any(Number) },
      lock_holder: null,
      problems: [],
    })
    expect(code).toBe(0)
    expect(await home.stdoutOf('doctor')).toMatch(/^held by +nobody$/m)
  })

  it('doctor says what is wrong with the directory', async () => {
    const { code, stdout } = await home.procman('doctor', '--state-dir', '/etc/passwd')
    expect(stdout).toContain('/etc/passwd is not a directory')
    expect(code).toBe(1)
  })
})

describe('what went wrong', () => {
  it('with one process is said on stderr and hides no other', async () => {
    const damaged = new Home()
    try {
      await damaged.start('--id', 'good', '--', 'sleep', '1000')
      const dir = join(damaged.stateDir, 'jobs', 'bad')
      mkdirSync(dir, { mode: 0o700 })
      writeFileSync(join(dir, 'state.json'), '{"format":')
      const listed = await damaged.procman('list', '--json')
      expect(JSON.parse(listed.stdout)).toMatchObject([{ id: 'good', state: 'running' }])
      expect(listed).toMatchObject({ code: 0, stderr: expect.stringMatching(/^procman: warning: .*bad.*damaged.*\n$/) })
      expect(await damaged.procman('start', '--id', 'next', '--', 'sleep', '1000')).toMatchObject({
        code: 0,
        stdout: 'next\n',
        stderr: expect.stringMatching(/^procman: warning: .*bad.*\n$/),
      })
      expect(await damaged.procman('list')).toMatchObject({ code: 0, stderr: '' })
    } finally {
      await damaged.remove()
    }
  })

  it('when a keeper was killed ends a wait with 1', async () => {
    const id = await home.start('--', 'sleep', '1000')
    const { pid } = await home.record(id)
    const waiting = home.begin('wait', id, '--json')
    process.kill(Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' })), 'SIGKILL')
    process.kill(Number(pid), 'SIGKILL')
    const { code, stdout } = await waiting.answer
    expect(JSON.parse(stdout)).toMatchObject([{ id, state: 'orphaned', status: 'orphaned', exit_code: null, signal: null }])
    expect(code).toBe(1)
    expect(await home.procman('cancel', id)).toMatchObject({ code: 0, stderr: expect.stringContaining('already ended (orphaned)') })
  })
})

describe('the program', () => {
  it('runs through a symlink, as npm installs it', async () => {
    const link = join(home.dir, 'procman')
    symlinkSync(BIN, link)
    expect(execFileSync(process.execPath, [link, '--version'], { encoding: 'utf8' })).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(readFileSync(BIN, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  })
})
