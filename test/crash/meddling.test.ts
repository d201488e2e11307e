/** Commands that meddle with what is procman's: their run files, their logs, their stdin. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Supervisor } from '../../src/api.ts'
import type { ProcessRecord } from '../../src/machines/process/record.ts'
import { createReader } from '../../src/reader.ts'
import { type Home, kill, lives, obedient, pause, rejection, until } from '../e2e/harness.ts'
import { hasNativeKeeper, spawnerOf } from './spawner.ts'
import { aHostileHome, inhabitants, workDir } from './tree.ts'

const EVERY_FILE = ['intent', 'claim', 'ctl', 'alive', 'child'] as const
const variants = ['its own manager', 'the next manager'] as const

/** Once it has been started: does what the script says in the directory of its own run files, says so, and goes on for long. */
async function meddled(home: Home, script: string, by: (typeof variants)[number]): Promise<{ supervisor: Supervisor; record: ProcessRecord }> {
  const dir = workDir(home)
  const job = join(home.stateDir, 'jobs', 'meddler')
  const whole = `until [ -e "$1/go" ]; do sleep 0.01; done; cd "$2" && { ${script}; }; cd "$1" && echo done > done; sleep 600 & exec sleep 600`
  const input = { id: 'meddler', command: 'sh', args: ['-c', whole, 'sh', dir, job], cwd: dir, stop: { timeoutMs: 300 } }
  const isDone = () => home.text('work/done') === 'done\n' && inhabitants(home).length === 2
  if (by === 'its own manager') {
    const supervisor = await home.supervisor()
    await supervisor.start(input)
    writeFileSync(join(dir, 'go'), '')
    await until('it has meddled', isDone)
    return { supervisor, record: supervisor.get('meddler') }
  }
  const manager = await home.manager()
  const record = await manager.start(input)
  writeFileSync(join(dir, 'go'), '')
  await until('it has meddled', isDone)
  await manager.kill()
  return { supervisor: await home.supervisor(), record }
}

const each = <T>(all: readonly T[]) => all.flatMap((one) => variants.map((by) => [one, by] as const))

describe('a command that takes away its own run file', () => {
  it.each(each(EVERY_FILE))('%s is stopped with its tree by %s', async (file, by) => {
    const home = aHostileHome()
    const { supervisor, record } = await meddled(home, `rm run-1.${file}`, by)
    const stopped = await supervisor.stop('meddler')
    expect(inhabitants(home)).toEqual([])
    expect(stopped).toMatchObject({ status: expect.stringMatching(/^(cancelled|orphaned)$/), run: 1, pid: null })
    expect(lives(record.pid)).toBe(false)
    await until('the keeper has left', () => home.keepers().length === 0)
    expect(await supervisor.restart('meddler')).toMatchObject({ state: 'running', run: 2 })
  })

  // The manager is stopped from before the keeper is started until the file is gone.
  it.skipIf(!hasNativeKeeper).each(['intent', 'claim', 'ctl', 'alive', 'child', '*'])(
    '%s before its manager has seen it: its start settles, it is executed once, and stopped',
    async (file) => {
      const home = aHostileHome()
      const dir = workDir(home)
      const job = join(home.stateDir, 'jobs', 'hasty')
      const manager = await home.manager({ keeper: 'native' })
      await manager.start({ id: 'first', command: 'true' })
      const spawner = await until('there is a spawner', () => spawnerOf(manager))
      kill(spawner, 'SIGSTOP')
      const script = `echo $$ >> trace; rm -f "$1"/run-1.${file}; echo > done; exec sleep 600`
      const starting = manager
        .start({ id: 'hasty', command: 'sh', args: ['-c', script, 'sh', job], cwd: dir, stop: { timeoutMs: 300 } })
        .catch((error) => error)
      await until('it is intended', () => existsSync(join(job, 'run-1.intent')))
      await manager.call('list') // the turn in which the spawner was asked is over
      kill(manager.child.pid, 'SIGSTOP')
      kill(spawner, 'SIGCONT')
      await until('it has meddled', () => existsSync(join(dir, 'done')))
      kill(manager.child.pid, 'SIGCONT')
      const result: unknown = await starting
      if (!(result instanceof Error)) await manager.call('stop', 'hasty')
      await until('nothing of it is left', () => inhabitants(home).length === 0)
      expect(home.text('work/trace').split('\n').filter(Boolean)).toHaveLength(1)
    },
  )

  it('all of them, and its snapshot, is stopped with its tree by its own manager', async () => {
    const home = aHostileHome()
    const { supervisor, record } = await meddled(home, 'rm -f run-1.* state.json', 'its own manager')
    await supervisor.refresh()
    expect(lives(record.pid)).toBe(true)
    expect(await supervisor.stop('meddler')).toMatchObject({ status: expect.stringMatching(/^(cancelled|orphaned)$/), run: 1, pid: null })
    await until('nothing of it is left', () => inhabitants(home).length === 0)
  })

  it('all of them is known to the next manager by its snapshot, and stopped', async () => {
    const home = aHostileHome()
    const { supervisor, record } = await meddled(home, 'rm -f run-1.*', 'the next manager')
    await supervisor.refresh()
    expect(lives(record.pid)).toBe(true)
    expect(supervisor.get('meddler')).toMatchObject({ pid: record.pid, run: 1 })
    expect(await supervisor.stop('meddler')).toMatchObject({ status: expect.stringMatching(/^(cancelled|orphaned)$/), run: 1, pid: null })
    await until('nothing of it is left', () => inhabitants(home).length === 0)
  })
})

describe('a command that forges', () => {
  it.each(variants)('its own end is not believed while it lives, and is stopped by %s', async (by) => {
    const home = aHostileHome()
    const lie = `echo '{"v":1,"kind":"code","code":0,"at":1}' > run-1.exit`
    const { supervisor, record } = await meddled(home, lie, by)
    await supervisor.refresh()
    expect(lives(record.pid)).toBe(true)
    const stopped = await supervisor.stop('meddler')
    expect(inhabitants(home)).toEqual([])
    expect(stopped).toMatchObject({ state: 'exited', status: 'cancelled', exit_code: null, signal: 'SIGTERM' })
  })

  it.each(variants)('the commands to its keeper is stopped all the same by %s', async (by) => {
    const home = aHostileHome()
    const { supervisor } = await meddled(home, `printf 'x\\ns0\\ns999\\np-1\\n%0500d\\n\\n\\ns' 0 > run-1.ctl`, by)
    expect(await supervisor.stop('meddler')).toMatchObject({ state: 'exited', status: 'cancelled', signal: expect.stringMatching(/^SIG(TERM|KILL)$/) })
    expect(inhabitants(home)).toEqual([])
  })

  it.each(variants)('its own snapshot is stopped by %s', async (by) => {
    const home = aHostileHome()
    const { supervisor, record } = await meddled(home, `until [ -s state.json ]; do sleep 0.01; done; echo '{"format":1' > state.json`, by)
    await until('it is known again', () => supervisor.list()[0]?.state === 'running')
    expect(await supervisor.stop('meddler')).toMatchObject({ state: 'exited', status: 'cancelled', signal: 'SIGTERM' })
    expect(lives(record.pid)).toBe(false)
    expect(inhabitants(home)).toEqual([])
  })
})

describe('a command that meddles with its logs', () => {
  it.each([
    'rm stdout.log stderr.log',
    ': > stdout.log',
    'rm stdout.log; mkdir stdout.log',
    'rm stdout.log; mkfifo stdout.log',
    'rm stdout.log; ln -s /etc/passwd stdout.log',
  ])('(%s) is watched without harm, and stopped', async (script) => {
    const home = aHostileHome()
    const { supervisor } = await meddled(home, script, 'its own manager')
    const watching = supervisor.watch('meddler', () => {}).catch((error: Error) => error)
    expect(await supervisor.stop('meddler')).toMatchObject({ state: 'exited', status: 'cancelled', signal: 'SIGTERM' })
    await watching
    expect(inhabitants(home)).toEqual([])
  })
})

/** Here time itself is the fact: the processor time that this program takes in 300 ms, in ms, when it polls no more. One that spins takes all of them. */
async function spent(): Promise<number> {
  await pause(1_200)
  const before = process.cpuUsage()
  await pause(300)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

describe('somebody who takes away a log under its readers', () => {
  const ways = [
    ['removes it', (home: Home) => rmSync(home.jobFile('job', 'stdout.log'))],
    ['moves it away', (home: Home) => renameSync(home.jobFile('job', 'stdout.log'), home.path('moved'))],
  ] as const

  it.each(ways)('and %s: they get what its run still writes, then what the next run writes to a new one, and never spin', async (_, takeAway) => {
    const home = aHostileHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(obedient({ id: 'job', cwd: workDir(home), restart: { strategy: 'always', delayMs: 0 } }))
    const seen = new Map([supervisor, createReader({ stateDir: home.stateDir })].map((source) => [source, [] as string[]]))
    const readers = [...seen].map(async ([source, lines]) => {
      for await (const { run, text } of source.watch(id)) lines.push(`${run} ${text}`)
    })
    const allSee = (line: string) => until(`everybody has read ${line}`, () => [...seen.values()].every((lines) => lines.at(-1) === line))
    await supervisor.write(id, 'echo first\n')
    await allSee('1 first')
    takeAway(home)
    expect(await spent()).toBeLessThan(100)
    await supervisor.write(id, 'echo second\n')
    await allSee('1 second')
    await supervisor.write(id, 'exit 1\n')
    await until('the next run is up', () => supervisor.get(id).run === 2 && supervisor.get(id).state === 'running')
    await supervisor.write(id, 'echo third\n')
    await allSee('2 third')
    expect(await spent()).toBeLessThan(100)
    await supervisor.stop(id)
    await Promise.all(readers)
    for (const lines of seen.values()) expect(lines).toEqual(['1 first', '1 second', '2 third'])
  })
})

describe('a log that is no regular file', () => {
  it.each([
    ['a link to a foreign file', (path: string, foreign: string) => symlinkSync(foreign, path), 'it is a symbolic link'],
    ['a directory', (path: string) => mkdirSync(path), 'it is not a regular file'],
  ] as const)('but %s is not shown to anybody, and they are told why', async (_, put, reason) => {
    const home = aHostileHome()
    const [dir, supervisor] = [workDir(home), await home.supervisor()]
    writeFileSync(join(dir, 'secret'), 'a secret')
    await supervisor.start({ id: 'job', command: 'true', cwd: dir })
    await supervisor.wait('job')
    const path = home.jobFile('job', 'stdout.log')
    rmSync(path)
    put(path, join(dir, 'secret'))
    for (const source of [supervisor, createReader({ stateDir: home.stateDir })]) {
      for (const follow of [true, false]) {
        const reading = (async () => {
          for await (const { text } of source.watch('job', { follow })) throw new Error(`it was shown: ${text}`)
        })()
        expect(await rejection(reading)).toMatchObject({ code: 'PROCMAN_LOG_UNREADABLE', message: `the log ${path} cannot be read: ${reason}` })
      }
    }
  })
})

describe('a command that never reads its stdin', () => {
  it('does not hold up a stop, and those who write are told', async () => {
    const home = aHostileHome()
    const dir = workDir(home)
    const supervisor = await home.supervisor()
    await supervisor.start({ id: 'full', command: 'sleep', args: ['600'], cwd: dir, stdin: 'pipe', stop: { timeoutMs: 300 } })
    const writes = [1, 2, 3].map(() => rejection(supervisor.write('full', Buffer.alloc(1 << 20, 'x'))))
    expect(await supervisor.stop('full')).toMatchObject({ state: 'exited', status: 'cancelled', signal: 'SIGTERM' })
    for (const error of await Promise.all(writes)) expect(error.code).toBe('PROCMAN_STDIN_CLOSED')
    expect(inhabitants(home)).toEqual([])
  })

  it('is stopped by the next manager when one was killed in the middle of a write', async () => {
    const home = aHostileHome()
    const manager = await home.manager()
    await manager.start({ id: 'full', command: 'sleep', args: ['600'], cwd: workDir(home), stdin: 'pipe', stop: { timeoutMs: 300 } })
    manager.call('write', 'full', 'x'.repeat(1 << 20)).catch(() => {})
    manager.call('closeStdin', 'full').catch(() => {})
    await manager.call('refresh')
    await manager.kill()
    const next = await home.supervisor()
    expect(await next.stop('full')).toMatchObject({ state: 'exited', status: 'cancelled', signal: 'SIGTERM' })
    expect(inhabitants(home)).toEqual([])
  })
})

describe('a command that kills its own manager', () => {
  it('goes on, and the next manager has it', async () => {
    const home = aHostileHome()
    const manager = await home.manager()
    const script = `until [ -s go ]; do sleep 0.01; done; kill -9 "$(cat go)"; exec sleep 600`
    const { pid } = await manager.start({ id: 'ungrateful', command: 'sh', args: ['-c', script], cwd: workDir(home) })
    writeFileSync(home.path('work/go'), String(manager.child.pid))
    await manager.exited
    expect(manager.child.signalCode).toBe('SIGKILL')
    const next = await home.supervisor()
    expect(next.get('ungrateful')).toMatchObject({ state: 'running', pid, run: 1 })
    expect(existsSync(home.jobFile('ungrateful', 'run-1.exit'))).toBe(false)
    expect(readFileSync(home.jobFile('ungrateful', 'stderr.log'), 'utf8')).toBe('')
  })
})
