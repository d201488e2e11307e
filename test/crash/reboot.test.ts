/** The machine reboots: what was up has ended, nobody knows how; whoever has its pid now is a stranger, even with the same start time. */
import { readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decodeHolder, encodeHolder } from '../../src/persistence/lock-holder.ts'
import { fixture, type Home, lives, type Manager, rejection, sh, sleeper, until } from '../e2e/harness.ts'
import { local, type Remote, remote, seen } from './remote.ts'
import { aStranger, forge, forgeIdentity, vanish } from './stranger.ts'
import { aHostileHome, canRun, hasPerl, hostile, inhabitants, signed, workDir } from './tree.ts'

const BOOT_ID = '/proc/sys/kernel/random/boot_id'
const OTHER_BOOT = '11111111-2222-4333-8444-555555555555'
const WITH_OTHER_BOOT = ['unshare', '-m', 'sh', '-c', `mount --bind "$0" ${BOOT_ID} && exec "$@"`]

const canMount = canRun('unshare', ['-m', 'sh', '-c', `mount --bind /dev/null ${BOOT_ID}`])

/** The next manager sees another boot: for real, in a mount namespace of its own, or because the files say so. */
async function afterReboot(home: Home, how: 'mounted' | 'forged', ids: readonly string[]): Promise<Remote> {
  if (how === 'mounted') {
    writeFileSync(home.path('boot'), `${OTHER_BOOT}\n`)
    const [command = '', ...args] = WITH_OTHER_BOOT
    return remote(await home.manager({}, { node: [command, ...args, home.path('boot'), process.execPath] }))
  }
  for (const id of ids) {
    forgeIdentity(home, id, { boot: OTHER_BOOT })
    for (const file of ['claim', 'child'] as const) forge(home, id, file, { boot: OTHER_BOOT })
  }
  const lock = home.path('state/manager.lock')
  const holder = decodeHolder(readlinkSync(lock))
  if (holder === null) throw new Error(`${lock} is no lock`)
  rmSync(lock)
  symlinkSync(encodeHolder({ ...holder, identity: { ...holder.identity, boot: OTHER_BOOT } }), lock)
  return local(await home.supervisor())
}

const stateOnDisk = (home: Home, id: string) => JSON.parse(readFileSync(home.jobFile(id, 'state.json'), 'utf8')).snapshot.value
const orphaned = { state: 'orphaned', status: 'orphaned', pid: null, exit_code: null, signal: null, error: expect.stringContaining('rebooted') }

describe.each(['mounted', 'forged'] as const)('a reboot (%s)', (how) => {
  describe.skipIf(how === 'mounted' && !canMount)('needs unshare and mount where it is real', () => {
    it('leaves what was up orphaned, starts again what always runs, and changes nothing else', async () => {
      const home = aHostileHome()
      const manager = await home.manager()
      const cwd = workDir(home)
      const up = [
        await manager.start(sleeper({ id: 'job', cwd })),
        await manager.start(sleeper({ id: 'service', cwd, restart: { strategy: 'always', delayMs: 0 } })),
        await manager.start(sleeper({ id: 'retried', cwd, restart: { strategy: 'on-failure', delayMs: 0 } })),
      ]
      await manager.start(sh('exit 4', { id: 'failed' }))
      await manager.start(sleeper({ id: 'cancelled', restart: 'always' }))
      await manager.start(sleeper({ id: 'pending', autostart: false }))
      const before = [await manager.call('wait', 'failed'), await manager.call('stop', 'cancelled')]
      await manager.kill()
      for (const { id, pid } of up) await vanish(home, id, pid)
      const next = await afterReboot(home, how, ['job', 'service', 'retried'])
      expect(await next.wait('job')).toMatchObject({ ...orphaned, run: 1 })
      for (const id of ['service', 'retried']) {
        const record = await seen(next, id, `run 2 of ${id} is up`, ({ run, state }) => run === 2 && state === 'running')
        expect(record).toMatchObject({ restarts: 1, keeper_lost: false, error: null })
        expect(lives(record.pid)).toBe(true)
      }
      expect(inhabitants(home)).toHaveLength(2)
      expect(await Promise.all(['failed', 'cancelled'].map((id) => next.get(id)))).toEqual(before)
      expect(await next.get('pending')).toMatchObject({ state: 'pending', run: 0 })
      expect(await next.restart('job')).toMatchObject({ state: 'running', run: 2 })
      for (const id of ['job', 'service', 'retried']) expect(await next.stop(id)).toMatchObject({ state: 'exited', status: 'cancelled', signal: 'SIGTERM' })
      expect(inhabitants(home)).toEqual([])
    })

    it('in the middle of a wait before a restart: the restart comes', async () => {
      const home = aHostileHome()
      const manager = await home.manager()
      await manager.start(sh('[ $PROCMAN_RUN = 2 ] && exec sleep 600; exit 1', { id: 'job', restart: { strategy: 'always', delayMs: 500 } }))
      await until('it waits', () => stateOnDisk(home, 'job') === 'backoff')
      await manager.kill()
      const next = await afterReboot(home, how, ['job'])
      await seen(next, 'job', 'run 2 is up', ({ run, state }) => run === 2 && state === 'running')
      expect(await next.stop('job')).toMatchObject({ state: 'exited', status: 'cancelled', run: 2 })
    })

    it.skipIf(!hasPerl)('in the middle of a stop: it stays stopped', async () => {
      const home = aHostileHome()
      const manager = await home.manager()
      const { pid } = await manager.start(
        hostile(home, 'deaf', [], { id: 'deaf', restart: { strategy: 'always', delayMs: 0 }, stop: { timeoutMs: 3_600_000 } }),
      )
      await until('it is deaf', () => signed(home).length === 1)
      manager.call('stop', 'deaf').catch(() => {})
      await until('the stop is on record', () => stateOnDisk(home, 'deaf') === 'stopping')
      await manager.kill()
      await vanish(home, 'deaf', pid)
      const next = await afterReboot(home, how, ['deaf'])
      const record = await next.wait('deaf')
      expect(record).toMatchObject({ ...orphaned, run: 1, retry_at: null })
      expect(record.reasons.map(({ text }) => text)).toEqual(expect.arrayContaining(['stopped by the user', expect.stringContaining('rebooted')]))
      expect(inhabitants(home)).toEqual([])
    })

    it('in the middle of stopping what a command left behind: its end is known', async () => {
      const home = aHostileHome()
      const manager = await home.manager()
      const left = home.path('left')
      const script = `${fixture('escape.sh')} ${left}; until [ -s ${left} ]; do sleep 0.01; done; exit 3`
      await manager.start(sh(script, { id: 'leaver', stop: { timeoutMs: 3_600_000 } }))
      await until('it is on record', () => stateOnDisk(home, 'leaver') === 'stopping')
      await manager.kill()
      process.kill(home.keeperPid('leaver'), 'SIGKILL')
      process.kill(Number(home.text('left')), 'SIGKILL')
      const next = await afterReboot(home, how, ['leaver'])
      expect(await next.wait('leaver')).toMatchObject({ state: 'exited', status: 'failed', exit_code: 3, run: 1 })
    })

    it.skipIf(!hasPerl)('does not make a stranger with the same pid and start time ours: it never gets a signal', async () => {
      const home = aHostileHome()
      const stranger = await aStranger(home)
      const { pid, start } = stranger
      const manager = await home.manager()
      const input = { cwd: workDir(home), stop: { timeoutMs: 50 } }
      const ids = ['stopped', 'restarted', 'removed', 'service', 'stopping', 'left']
      for (const id of ids.slice(0, 3)) await manager.start(sleeper({ ...input, id }))
      await manager.start(sleeper({ ...input, id: 'service', restart: { strategy: 'always', delayMs: 0 } }))
      await manager.start(sh('trap "" TERM; while :; do sleep 1; done', { ...input, id: 'stopping', stop: { timeoutMs: 3_600_000 } }))
      await manager.start(sleeper({ ...input, id: 'left' }))
      manager.call('stop', 'stopping').catch(() => {})
      await until('the stop is on record', () => stateOnDisk(home, 'stopping') === 'stopping')
      const pids = await Promise.all(ids.map(async (id) => [id, (await manager.call('get', id)).pid] as const))
      await end(manager, home, pids)
      for (const id of ids) {
        forge(home, id, 'claim', { pid, start })
        forge(home, id, 'child', { pid, start })
        forgeIdentity(home, id, { pid, start })
      }
      const next = await afterReboot(home, how, ids)
      for (const id of ['stopped', 'restarted', 'removed', 'stopping', 'left']) expect(await next.wait(id)).toMatchObject({ ...orphaned, run: 1 })
      await next.refresh()
      expect(await next.stop('stopped')).toMatchObject(orphaned)
      expect(await rejection(next.signal('left', 'SIGTERM'))).toMatchObject({ code: 'PROCMAN_WRONG_STATE' })
      expect(await next.restart('restarted')).toMatchObject({ state: 'running', run: 2 })
      await next.stop('restarted')
      await next.remove('removed')
      await seen(next, 'service', 'run 2 is up', ({ run, state }) => run === 2 && state === 'running')
      stranger.mustBeUnharmed()
      await next.shutdown({ timeoutMs: 0 })
      stranger.mustBeUnharmed()
    })
  })
})

async function end(manager: Manager, home: Home, pids: readonly (readonly [string, number | null])[]): Promise<void> {
  await manager.kill()
  for (const [id, pid] of pids) await vanish(home, id, pid)
}
