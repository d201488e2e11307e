/** The disk of the state directory is full, or out of inodes, and then there is room again. */
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createReader } from '../../src/reader.ts'
import { inState, kill, lives, obedient, outputOf, sh, stateOf, until } from '../e2e/harness.ts'
import { some } from '../effort.ts'
import { aDisk, canMount, type DiskHome } from './disk.ts'
import { aManager, isSettled, isSound, recordWhere, refusal } from './hostile.ts'
import { type Hostility, itSurvives } from './unwritable.ts'

const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** Begins when it is told to: its own start needs room, too. */
const FLOOD = 'trap "" PIPE; until [ -e "$GO" ]; do sleep 0.01; done; while :; do head -c 65536 /dev/zero || sleep 0.01; done'

const isDead = (pid: number | null) => until(`${pid} has ended`, () => !lives(pid))
const free = (home: DiskHome) => home.free()

const ROWS: readonly Hostility[] = [
  { what: 'has no room for a byte', errno: 'ENOSPC', options: {}, begin: (home) => home.fill(), end: free },
  { what: 'has no inode left', errno: 'ENOSPC', options: { inodes: 150 }, begin: (home) => home.useUpInodes(), end: free },
]

describe.skipIf(!canMount).each(some(ROWS, 2))('a disk that $what', (row) => itSurvives(row))

describe.skipIf(!canMount)('a start and a restart on a disk that is nearly full', () => {
  it.each(some([1, 2, 3, 4, 5, 6, 7, 8], 3))('with %i pages left: each settles, with what it was asked for or with path and cause', async (pages) => {
    const home = aDisk()
    const supervisor = await home.supervisor()
    await supervisor.start(sh('exec sleep 600', { id: 'old' }))
    home.fillBut(pages)
    const jobs = ['new', 'old']
    const errors = await Promise.all([refusal(supervisor.start(sh('exec sleep 600', { id: 'new' }))), refusal(supervisor.restart('old'))])
    for (const [n, error] of errors.entries()) {
      if (error === null) expect(supervisor.get(jobs[n] ?? '')).toMatchObject({ state: 'running' })
      else expect(error.message).toMatch(new RegExp(`jobs/${jobs[n]}.*ENOSPC`))
    }
    if (errors[0] !== null) expect(home.ids()).toEqual(['old'])
    home.free()
    await until('no keeper waits for what nobody wants any more', () => home.keepers().length === supervisor.list({ status: 'running' }).length)
    await supervisor.restart('old')
  })
})

describe.skipIf(!canMount)('output on a full disk', () => {
  it('is the command’s own to lose: its writes fail, it goes on, and what it writes when there is room is read', async () => {
    const home = aDisk()
    const supervisor = await home.supervisor()
    const script = `n=0; while [ ! -e "${home.path('enough')}" ]; do n=$((n+1)); echo "line $n" || echo $n >> "${home.path('refused')}"; sleep 0.01; done; echo the end`
    const ref = await supervisor.start(sh(script, { id: 'a' }))
    const lines: string[] = []
    const watched = supervisor.watch('a', ({ text }) => lines.push(text))
    await until('lines are read', () => lines.length > 10)
    home.fill()
    await until('a write was refused', () => home.text('refused') !== '')
    const before = lines.length
    home.free()
    await until('lines are read again', () => lines.length > before + 10)
    execFileSync('touch', [home.path('enough')])
    await watched
    await inState(ref, 'exited')
    expect(supervisor.get('a')).toMatchObject({ exit_code: 0 })
    expect(lines.at(-1)).toBe('the end')
    expect(await outputOf(supervisor, 'a')).toBe(readFileSync(home.jobFile('a', 'stdout.log'), 'utf8'))
  })

  it('of a writer at full speed fills it: everybody else is still known exactly', async () => {
    const home = aDisk()
    const manager = await aManager(home)
    const { pid } = await manager.start(obedient({ id: 'quiet' }))
    const flood = await manager.start(sh(FLOOD, { id: 'flood', stop: { timeoutMs: 100 }, env: { GO: home.path('go') } }))
    writeFileSync(home.path('go'), '')
    await until('the log is full', () => statSync(home.jobFile('flood', 'stdout.log')).size > 1_500_000 && errnoOfWrite(home) === 'ENOSPC')
    await manager.call('write', 'quiet', 'exit 9\n')
    await isDead(pid)
    manager.call('stop', 'flood').catch(() => {})
    await isDead(flood.pid)
    truncateSync(home.jobFile('flood', 'stdout.log'))
    expect(await recordWhere(manager, 'quiet', 'settled', isSettled)).toMatchObject({ exit_code: 9 })
    expect(await recordWhere(manager, 'flood', 'settled', isSettled)).toMatchObject({ status: 'cancelled' })
    await isSound(manager)
  })
})

describe.skipIf(!canMount)('the command line on a full disk', () => {
  it('tells what has ended, stops what fills it, so that no later manager undoes it, and makes room by removing it', async () => {
    const home = aDisk()
    const cli = (...args: string[]) => execFileSync(process.execPath, [CLI, '--state-dir', home.stateDir, ...args], { encoding: 'utf8', stdio: 'pipe' })
    const fails = (...args: string[]) => {
      const { status, stderr } = spawnSync(process.execPath, [CLI, '--state-dir', home.stateDir, ...args], { encoding: 'utf8' })
      return { status, stderr }
    }
    cli('start', '--id', 'weak', '--', 'sh', '-c', `until [ -e "${home.path('end')}" ]; do sleep 0.01; done; exit 9`)
    cli('start', '--id', 'flood', '--restart', 'always', '--env', `GO=${home.path('go')}`, '--', 'sh', '-c', FLOOD)
    writeFileSync(home.path('go'), '')
    await until('the disk is full', () => errnoOfWrite(home) === 'ENOSPC')
    writeFileSync(home.path('end'), '')
    await until('its keeper has left', () => home.keepers().length === 1)
    const listed = () => JSON.parse(cli('list', '--json'))
    expect(listed()).toMatchObject([
      { id: 'flood', state: 'running' },
      { id: 'weak', state: 'exited', exit_code: 9 },
    ])
    expect(fails('start', '--id', 'new', '--', 'true')).toMatchObject({ status: 1, stderr: expect.stringMatching(/jobs\/new.*ENOSPC/) })
    cli('cancel', 'flood')
    for (const _ of ['now', 'later']) {
      cli('refresh')
      expect(listed()).toMatchObject([
        { id: 'flood', status: 'cancelled', run: 1 },
        { id: 'weak', state: 'exited', exit_code: 9 },
      ])
    }
    cli('remove', 'flood')
    cli('start', '--id', 'new', '--', 'true')
    cli('wait', 'new')
    expect(listed()).toMatchObject([
      { id: 'new', exit_code: 0 },
      { id: 'weak', exit_code: 9 },
    ])
  })
})

describe.skipIf(!canMount)('a keeper on a full disk', () => {
  it.each(ROWS)('that $what writes down the end in the room that it has: known at once, to readers, and to the next manager', async ({ options, begin }) => {
    const home = aDisk(options)
    const first = await aManager(home)
    for (const id of ['a', 'b']) await first.start(obedient({ id }))
    begin(home)
    await first.call('write', 'a', 'exit 5\n')
    expect(await recordWhere(first, 'a', 'settled', isSettled)).toMatchObject({ state: 'exited', exit_code: 5 })
    await first.kill()
    const stdin = openSync(home.jobFile('b', 'run-1.in'), 'w')
    writeSync(stdin, 'kill -9 $$\n')
    closeSync(stdin)
    await until('their keepers have left', () => home.keepers().length === 0)
    expect(createReader({ stateDir: home.stateDir }).list()).toMatchObject([
      { id: 'a', state: 'exited', exit_code: 5 },
      { id: 'b', state: 'exited', signal: 'SIGKILL' },
    ])
    home.free()
    const next = await aManager(home)
    expect(await next.call('list')).toMatchObject([
      { id: 'a', state: 'exited', exit_code: 5 },
      { id: 'b', state: 'exited', signal: 'SIGKILL' },
    ])
  })

  it('or a read-only one, killed with its command, leaves an unknown end, never a wrong one', async () => {
    const home = aDisk()
    const manager = await aManager(home)
    const quiet = 'exec > /dev/null 2>&1; read -r code; exit $code' // else its logs would keep the disk from being made read-only
    const { pid } = await manager.start(sh(quiet, { id: 'a', stdin: 'pipe' }))
    home.readOnly()
    await manager.call('write', 'a', '5\n')
    await until('the command is dead and unreaped', () => stateOf(pid) === 'Z')
    kill(home.keeperPid('a'))
    home.writable()
    expect(await recordWhere(manager, 'a', 'settled', isSettled)).toMatchObject({ state: 'orphaned', exit_code: null, signal: null })
    expect(existsSync(home.jobFile('a', 'run-1.exit'))).toBe(false)
  })
})

let writes = 0

/** To a new file each time: the page of an old one, which opening it gives back, would still be there for it. */
function errnoOfWrite(home: DiskHome): string | null {
  try {
    execFileSync('sh', ['-c', 'echo x > "$1"', 'sh', `${home.stateDir}/probe-${writes++}`], { stdio: 'ignore' })
    return null
  } catch {
    return 'ENOSPC'
  }
}
