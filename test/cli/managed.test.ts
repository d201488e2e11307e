/** Where a manager serves the directory, commands act through it, and the user sees no difference. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Answer } from './harness.ts'
import { Home, isUp, type Running } from './harness.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

let alone: Home
let managed: Home
let manager: Running
beforeAll(async () => {
  alone = new Home()
  managed = new Home()
  manager = await managed.serve()
})
afterAll(() => Promise.all([alone.remove(), managed.remove()]))

/** Without what differs from one home to the other, and from one moment to the next. */
function seen(home: Home, { code, stdout, stderr }: Answer): object {
  const plain = (text: string) =>
    text
      .replaceAll(home.dir, '<home>')
      .replace(/\d{4}-\d\d-\d\dT[\d:.+Z-]+/g, '<time>')
      .replace(/"(pid|latency_ms)": \d+|\bpid +\d+|\b\d+(\.\d+)? ?(ms|s|min)\b( ago)?|\bnow\b/g, '<n>')
      // Its environment is that of who has started it: what the manager's does not have is given to it.
      .replace(/"env": \{[^}]*\}|^env .*$/gm, '<env>')
      .replace(/^(\S+ +\S+( \([^)]*\))? +)\d+ /gm, '$1<n> ')
      .replace(/ {2,}/g, '  ')
  return { code, stdout: plain(stdout), stderr: plain(stderr) }
}

const PRINTS_WHERE = ['sh', '-c', 'echo "$CALLER:$PWD"; exit 3']

const LINES: readonly (readonly string[])[] = [
  ['start', '--id', 'up', '--label', 'a=1', '--', 'sleep', '1000'],
  ['start', '--id', 'up', '--', 'true'],
  ['start', '--id', '../x', '--', 'true'],
  ['start', '--', 'no-such-command-xyz'],
  ['start', '--json', '--id', 'job', '--env', 'A=1', '--', 'sleep', '1'],
  ['wait', 'job'],
  ['run', '--id', 'ran', '--', ...PRINTS_WHERE],
  ['run', '--', 'no-such-command-xyz'],
  ['run', '--id', 'tries', '--restart', 'on-failure', '--restart-delay', '10ms', '--max-attempts', '1', '--', 'sh', '-c', 'echo try; exit 3'],
  ['start', '--id', 'cat', '--stdin', '--', 'cat'],
  ['send', 'cat', 'hello', '--eof'],
  ['wait', 'cat'],
  ['logs', 'cat'],
  ['signal', 'up', 'NOPE'],
  ['signal', 'job', 'TERM'],
  ['restart', 'up', 'job', 'nobody'],
  ['wait', 'job', '--for', 'settled'],
  ['reset', 'up', 'nobody'],
  ['why', 'up'],
  ['list'],
  ['refresh'],
  ['remove', 'up'],
  ['cancel', 'up', 'ran', 'nobody'],
  ['show', 'up'],
  ['remove', 'up', 'cat', '--force'],
  ['cleanup', '--older-than', '1h'],
  ['cleanup'],
  ['list'],
]

describe('a command beside a manager', () => {
  it.each(LINES.map((line) => [line.join(' '), line] as const))('answers as without one: %s', async (_text, line) => {
    for (const home of [alone, managed]) Object.assign(home.env, { CALLER: 'me' })
    const [without, beside] = await Promise.all([alone.procman(...line), managed.procman(...line)])
    expect(seen(managed, beside)).toEqual(seen(alone, without))
    expect(manager.child.exitCode).toBe(null)
  })

  it('forwards stdin and passes on Ctrl-C', async () => {
    const forwarding = managed.begin('run', '--stdin', '--restart', 'on-failure', '--', 'sh', '-c', 'cat; echo end')
    forwarding.child.stdin?.end('one\n')
    expect(await forwarding.answer).toMatchObject({ code: 0, stdout: 'one\nend\n', stderr: '' })
    const deaf = managed.begin('run', '--id', 'deaf', '--stop-timeout', '1h', '--', 'sh', '-c', 'trap "" TERM INT; echo $$; while :; do sleep 0.05; done')
    await deaf.prints('\n')
    deaf.child.kill('SIGINT')
    await vi.waitFor(async () => expect(await managed.record('deaf')).toMatchObject({ state: 'stopping' }), { timeout: 30_000, interval: 50 })
    deaf.child.kill('SIGINT')
    expect(await deaf.answer).toMatchObject({ code: 137, stderr: '' })
    expect(isUp(Number(deaf.stdout))).toBe(false)
  })

  it('says of no service that nobody keeps it', async () => {
    const line = ['start', '--id', 'kept', '--restart', 'always', '--', 'sleep', '1000']
    expect(await managed.procman(...line)).toMatchObject({ code: 0, stdout: 'kept\n', stderr: '' })
    expect(await managed.procman('restart', 'kept')).toMatchObject({ code: 0, stderr: '' })
    await managed.stdoutOf('cancel', 'kept')
  })

  it('follows its events', async () => {
    const following = managed.begin('events', '-f', '--json')
    await managed.start('--id', 'told', '--', 'true')
    await following.prints('"id":"told","what":"completed"')
    await managed.stdoutOf('remove', 'told')
    await following.prints('"id":"told","what":"removed"')
    following.child.kill('SIGINT')
    await following.answer
  })

  it('that is lost has a run go on, which is the manager then, and serves', async () => {
    const sign = join(managed.dir, 'go')
    const runner = managed.begin(
      'run',
      '--id',
      'heir',
      '--restart',
      'on-failure',
      '--restart-delay',
      '10ms',
      '--',
      'sh',
      '-c',
      `echo up; test -e ${sign} || exec sleep 1000`,
    )
    await runner.prints('up\n')
    manager.child.kill('SIGKILL')
    await manager.answer
    writeFileSync(sign, '')
    const holder = async () => JSON.parse(await managed.stdoutOf('doctor', '--json')).lock_holder
    await vi.waitFor(async () => expect(await holder()).toEqual({ pid: runner.child.pid }), { timeout: 30_000, interval: 100 })
    expect(await managed.procman('signal', 'heir', 'KILL')).toMatchObject({ code: 0, stderr: '' })
    expect(await runner.answer).toMatchObject({ code: 0, stdout: 'up\nup\n' })
    expect(await holder()).toBe(null)
  })
})
