/**
 * What must hold while nothing can be written to the state directory, whatever the reason, and once it can be again: nothing is lost by it, and nobody has to ask
 * for the recovery. The commands close their logs, which would keep a disk from being made read-only.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import type { ProcessInput } from '../../src/api.ts'
import { lives, type Manager, type ManagerProgram, obedient, pause, rejection, sh, startOf, stateOf, until } from '../e2e/harness.ts'
import { aDisk, type DiskHome, type DiskOptions } from './disk.ts'
import { aManager, ask, filesBelow, isSettled, isSound, names, problemsOf, recordWhere, savedWhere, settles } from './hostile.ts'

const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface Hostility {
  readonly what: string
  readonly errno: string
  readonly options: DiskOptions
  readonly how?: ManagerProgram
  readonly prepare?: (home: DiskHome) => void
  readonly begin: (home: DiskHome) => void
  readonly end: (home: DiskHome) => void
}

/** The keeper asks the kernel, Node has a clock of its own: they differ by so much. */
const CLOCK_MS = 2

const QUIET = 'exec > /dev/null 2>&1;'

/** Does what is written to its stdin. */
function mute(more: Partial<ProcessInput> = {}): ProcessInput {
  return { ...obedient(more), args: ['-c', `${QUIET} while read -r line; do eval "$line"; done`] }
}

function deaf(script: string, more: Partial<ProcessInput> = {}): ProcessInput {
  return sh(`${QUIET} ${script}`, more)
}

/** The keeper reaps its command last of all: until the end is on disk, the command is a zombie. */
const isDead = (pid: number | null) => until(`${pid} has ended`, () => !lives(pid))

/**
 * From when the last command has died to when there is room: long enough to tell the two apart, and for a keeper that has to wait for a processor to look
 * at its clock. Here time itself is the fact.
 */
const isDeadLong = async (pids: Iterable<number>) => {
  for (const pid of pids) await isDead(pid)
  await pause(1_000)
}

/** Each ends in its own way when it is told to. */
const ENDS = [
  { id: 'zero', line: 'exit 0', ends: { exit_code: 0, signal: null, status: 'completed' } },
  { id: 'seven', line: 'exit 7', ends: { exit_code: 7, signal: null, status: 'failed' } },
  { id: 'code-137', line: 'exit 137', ends: { exit_code: 137, signal: null, status: 'failed' } },
  { id: 'killed', line: 'kill -9 $$', ends: { exit_code: null, signal: 'SIGKILL', status: 'failed' } },
  { id: 'aborted', line: 'ulimit -c 0; kill -ABRT $$', ends: { exit_code: null, signal: 'SIGABRT', status: 'failed' } },
] as const

async function startAll(manager: Manager): Promise<Map<string, number>> {
  const pids = new Map<string, number>()
  for (const { id } of ENDS) pids.set(id, (await manager.start(mute({ id }))).pid ?? 0)
  return pids
}

/** The tests themselves, to be called within a `describe`. */
export function itSurvives({ errno, options, how, prepare, begin, end }: Hostility): void {
  const aHostileDisk = () => {
    const home = aDisk(options)
    prepare?.(home)
    onTestFinished(() => end(home))
    return home
  }

  it('refuses a start with path and cause, leaves nothing behind, and takes it when there is room', async () => {
    const home = aHostileDisk()
    const manager = await aManager(home, {}, how)
    const { pid } = await manager.start(deaf('exec sleep 600', { id: 'old' }))
    const before = filesBelow(home.stateDir)
    begin(home)
    const error = await rejection(manager.start(deaf('exec sleep 600', { id: 'new' })))
    names(error, home.jobFile('new', ''), errno)
    expect(['PROCMAN_LAUNCH_FAILED', 'PROCMAN_STATE_NOT_SAVED']).toContain(error.code)
    expect(error.details).toMatchObject({ errno: errno })
    expect(await manager.call<readonly { id: string }[]>('list')).toMatchObject([{ id: 'old', state: 'running', pid }])
    await isSound(manager)
    end(home)
    await until('nothing is left of it', () => filesBelow(home.stateDir).filter((name) => !before.includes(name)).length === 0)
    const record = await manager.start(deaf('exec sleep 600', { id: 'new' }))
    expect(record).toMatchObject({ state: 'running', run: 1 })
    expect(lives(record.pid)).toBe(true)
    expect(lives(pid)).toBe(true)
  })

  it('lets what runs go on: it is listed, signalled, written to', async () => {
    const home = aHostileDisk()
    const manager = await aManager(home, {}, how)
    const { pid } = await manager.start(mute({ id: 'a' }))
    const at = startOf(pid)
    begin(home)
    await manager.call('write', 'a', `echo read > "${home.path('read')}"\n`)
    await until('what was written was read', () => home.text('read') === 'read\n')
    await manager.call('signal', 'a', 'SIGSTOP')
    await until('the signal came', () => stateOf(pid) === 'T')
    await manager.call('signal', 'a', 'SIGCONT')
    await until('the signal came', () => stateOf(pid) === 'S')
    expect(await manager.call('get', 'a')).toMatchObject({ state: 'running', pid })
    expect(startOf(pid)).toBe(at)
    await isSound(manager)
  })

  it('delays the news of an end, but not one is lost or late: the code, the signal and the time of the end, by itself', async () => {
    const home = aHostileDisk()
    const manager = await aManager(home, {}, how)
    const pids = await startAll(manager)
    begin(home)
    const fullAtMs = Date.now()
    for (const { id, line } of ENDS) await manager.call('write', id, `${line}\n`)
    await isDeadLong(pids.values())
    await isSound(manager)
    const roomAtMs = Date.now()
    end(home)
    for (const { id, ends } of ENDS) {
      const record = await recordWhere(manager, id, 'settled', isSettled)
      expect(record).toMatchObject(ends)
      expect(Date.parse(record.completed_at ?? '')).toBeGreaterThanOrEqual(fullAtMs - CLOCK_MS)
      expect(Date.parse(record.completed_at ?? '')).toBeLessThan(roomAtMs)
      await savedWhere(home, id, 'that it has ended', (value) => value === 'exited')
    }
    await isSound(manager)
  })

  it('and its manager killed over it: the next one knows every end', async () => {
    const home = aHostileDisk()
    const first = await aManager(home, {}, how)
    const pids = await startAll(first)
    const { pid: kept } = await first.start(deaf('exec sleep 600', { id: 'kept' }))
    begin(home)
    for (const { id, line } of ENDS) await first.call('write', id, `${line}\n`)
    await isDeadLong(pids.values())
    await first.kill()
    const roomAtMs = Date.now()
    end(home)
    const next = await aManager(home, {}, how)
    for (const { id, ends } of ENDS) {
      const record = await recordWhere(next, id, 'settled', isSettled)
      expect(record).toMatchObject(ends)
      expect(Date.parse(record.completed_at ?? '')).toBeLessThan(roomAtMs)
    }
    expect(await next.call('get', 'kept')).toMatchObject({ state: 'running', pid: kept, run: 1 })
  })

  it('does not hinder a stop: the tree is gone while it is full, the call settles, and it stays stopped', async () => {
    const home = aHostileDisk()
    const first = await aManager(home, {}, how)
    const child = `sh -c 'trap "" TERM; echo $$ > "${home.path('child')}"; while :; do sleep 1; done' &`
    const { pid } = await first.start(deaf(`trap "" TERM; ${child} while :; do sleep 1; done`, { id: 'a', restart: 'always', stop: { timeoutMs: 100 } }))
    await until('the child is up', () => home.text('child').endsWith('\n'))
    begin(home)
    const stopped = first.call('stop', 'a').then(
      (record) => ({ record, error: null }),
      (error: Error & { code?: string }) => ({ record: null, error }),
    )
    await isDead(pid)
    await until('its child is gone', () => !lives(Number(home.text('child'))))
    await isSound(first)
    const { record, error } = await settles('the stop', stopped)
    if (error === null) expect(record).toMatchObject({ status: 'cancelled' })
    else {
      expect(error.code).toBe('PROCMAN_STATE_NOT_SAVED')
      names(error, home.jobFile('a', ''), errno)
    }
    end(home)
    await savedWhere(home, 'a', 'that it was stopped', (value, context) => value === 'exited' && context.cancelled === true)
    await first.kill()
    const next = await aManager(home, {}, how)
    expect(await next.call('get', 'a')).toMatchObject({ state: 'exited', status: 'cancelled', run: 1 })
    expect(home.strays()).toEqual([])
  })

  it('and its manager killed over a stop: the tree is gone all the same, and the next manager does not start it again', async () => {
    const home = aHostileDisk()
    const first = await aManager(home, {}, how)
    const { pid } = await first.start(deaf('trap "" TERM; while :; do sleep 1; done', { id: 'a', restart: 'always', stop: { timeoutMs: 60_000 } }))
    begin(home)
    first.call('stop', 'a', { timeoutMs: 0 }).catch(() => {})
    await isDead(pid)
    end(home)
    await savedWhere(home, 'a', 'that it was stopped', (_, context) => context.cancelled === true)
    await first.kill()
    const next = await aManager(home, {}, how)
    expect(await recordWhere(next, 'a', 'settled', isSettled)).toMatchObject({ status: 'cancelled', run: 1 })
  })

  it('delays a restart by the policy until there is room, and costs none of those that the policy allows', async () => {
    const home = aHostileDisk()
    const manager = await aManager(home, {}, how)
    const restart = { strategy: 'always', delayMs: 10, maxDelayMs: 200, maxAttempts: 1 } as const
    const { pid } = await manager.start(mute({ id: 'a', restart }))
    await manager.start(mute({ id: 'b', restart, autostart: false }))
    begin(home)
    await manager.call('write', 'a', 'exit 3\n')
    await isDead(pid)
    const launched = manager.call('launch', 'b').then(
      () => null,
      (refusal: Error & { code?: string }) => refusal,
    )
    await isSound(manager)
    await pause(1_500) // both are tried again meanwhile
    end(home)
    // Refused; or, where a file that went away had left just enough room for the intent, waiting with its keeper for more.
    const error = await settles('the launch', launched)
    if (error !== null) names(error, home.jobFile('b', ''), errno)
    const again = await recordWhere(manager, 'a', 'up again', (record) => record.state === 'running' && record.pid !== pid)
    expect(lives(again.pid)).toBe(true)
    const late = await recordWhere(manager, 'b', 'up', (record) => record.state === 'running')
    expect(lives(late.pid)).toBe(true)
    expect(home.strays()).toHaveLength(2)
  })

  it('and its manager killed when there is room again: what the policy started since is known to the next one, and started once', async () => {
    const home = aHostileDisk()
    const first = await aManager(home, {}, how)
    await first.start(mute({ id: 'a', restart: { strategy: 'always', delayMs: 1, maxDelayMs: 1 }, autostart: false }))
    begin(home)
    await rejection(first.call('launch', 'a'))
    await recordWhere(first, 'a', 'tried again and again', ({ run }) => run > 2)
    end(home)
    const started = await until('the command is executed', () => home.strays().find(({ token }) => token.includes('.a.')))
    await first.kill()
    const next = await aManager(home, {}, how)
    const record = await recordWhere(next, 'a', 'up', ({ state }) => state === 'running')
    expect(record.pid).toBe(started.pid)
    expect(home.strays()).toEqual([started])
  })

  it('is a problem with path and cause, and does not crowd out what else is wrong', async () => {
    const home = aHostileDisk()
    await (await aManager(home, {}, how)).kill()
    mkdirSync(home.jobFile('junk', ''))
    chmodSync(home.jobFile('junk', ''), 0o777)
    writeFileSync(home.jobFile('junk', 'state.json'), 'junk')
    const manager = await aManager(home, {}, how)
    await manager.start(mute({ id: 'a' }))
    expect(await problemsOf(manager)).toMatchObject([{ id: 'junk' }])
    begin(home)
    await Promise.all(Array.from({ length: 120 }, (_, n) => rejection(manager.start(deaf('exec sleep 600', { id: `refused-${n}` })))))
    const [damage, ...more] = await problemsOf(manager)
    expect(damage).toMatchObject({ id: 'junk' })
    for (const problem of more) names(problem, home.stateDir, errno)
  })

  it('can be looked at: by a reader and by the command line', async () => {
    const home = aHostileDisk()
    const manager = await aManager(home, {}, how)
    await manager.start(sh('echo written; exit 4', { id: 'done' }))
    const { pid } = await manager.start(mute({ id: 'up' }))
    await manager.call('wait', 'done')
    await manager.kill()
    begin(home)
    const cli = (...args: string[]) => execFileSync(process.execPath, [CLI, '--state-dir', home.stateDir, ...args], { encoding: 'utf8' })
    expect(JSON.parse(cli('list', '--json'))).toMatchObject([
      { id: 'done', exit_code: 4 },
      { id: 'up', state: 'running', pid },
    ])
    expect(JSON.parse(cli('show', 'up', '--json'))).toMatchObject({ pid })
    expect(cli('logs', 'done')).toContain('written')
  })

  it('refuses a manager with path and cause, or serves it; what runs is untouched and taken over when there is room', async () => {
    const home = aHostileDisk()
    const first = await aManager(home, {}, how)
    const { pid } = await first.start(mute({ id: 'up' }))
    await first.kill()
    begin(home)
    const next = await aManager(home, { isClosedAtFirst: true }, how)
    const error = await ask(next, 'open').then(
      () => null,
      (refusal: Error & { code?: string }) => refusal,
    )
    if (error !== null) {
      expect(error.code).toBe('PROCMAN_STATE_DIR_UNUSABLE')
      names(error, home.stateDir, errno)
    }
    await isSound(next)
    end(home)
    if (error !== null) await ask(next, 'open')
    expect(await next.call('get', 'up')).toMatchObject({ state: 'running', pid, run: 1 })
    expect(filesBelow(home.stateDir).filter((name) => name.startsWith('manager.lock'))).toEqual(['manager.lock'])
  })

  it('does not keep a removal from being one: it is refused, or nothing comes back', async () => {
    const home = aHostileDisk()
    const manager = await aManager(home, {}, how)
    await manager.start(sh('exit 0', { id: 'a' }))
    await manager.call('wait', 'a')
    begin(home)
    const error = await manager.call('remove', 'a').then(
      () => null,
      (refusal: Error) => refusal,
    )
    end(home)
    if (error === null) expect(home.ids()).toEqual([])
    else {
      names(error, home.stateDir, errno)
      expect((error as { code?: string }).code).toBe('PROCMAN_STATE_NOT_SAVED')
      expect(await manager.call('get', 'a')).toMatchObject({ state: 'exited' })
      await manager.call('remove', 'a')
    }
    await manager.kill()
    const next = await aManager(home, {}, how)
    expect(await next.call('list')).toEqual([])
  })
}
