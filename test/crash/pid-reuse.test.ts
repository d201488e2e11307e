/** The record names a living stranger: it is never signalled, whatever is asked for, and the record says what happened. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Home, lives, rejection, sleeper } from '../e2e/harness.ts'
import { aStranger, forge, forgeIdentity, type Stranger, vanish } from './stranger.ts'
import { aHostileHome, hasPerl, workDir } from './tree.ts'

type Forgery = (home: Home, stranger: Stranger) => void

const ID = 'liar'
const later = ({ start }: Stranger) => String(Number(start) + 1)
const boot = () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

const forgeries: readonly (readonly [string, Forgery])[] = [
  [
    'the pid of the stranger, another start time',
    (home, stranger) => {
      forge(home, ID, 'child', { pid: stranger.pid, start: later(stranger) })
      forgeIdentity(home, ID, { pid: stranger.pid, start: later(stranger) })
    },
  ],
  ['the pid of the stranger, no start time', (home, { pid }) => forge(home, ID, 'child', { pid, start: '' })],
  [
    'the pid of the stranger as that of the keeper, another start time',
    (home, stranger) => forge(home, ID, 'claim', { pid: stranger.pid, start: later(stranger) }),
  ],
  ['the stranger as the keeper, with its start time and this boot', (home, { pid, start }) => forge(home, ID, 'claim', { pid, start, boot: boot() })],
  [
    'the stranger as the keeper, and its pid as the command',
    (home, stranger) => {
      forge(home, ID, 'claim', { pid: stranger.pid, start: stranger.start, boot: boot() })
      forge(home, ID, 'child', { pid: stranger.pid, start: later(stranger) })
    },
  ],
  ['the stranger in the snapshot alone', (home, { pid, start }) => forgeIdentity(home, ID, { pid, start, boot: boot() })],
  [
    'the stranger, with its start time, of another boot',
    (home, { pid, start }) => {
      for (const file of ['claim', 'child'] as const) forge(home, ID, file, { boot: '11111111-2222-4333-8444-555555555555' })
      forge(home, ID, 'child', { pid, start })
    },
  ],
]

/** A process whose keeper and command are gone without a trace, and whose files name the stranger. */
async function forged(home: Home, stranger: Stranger, forgery: Forgery, restart: 'never' | 'always'): Promise<void> {
  const manager = await home.manager()
  const { pid } = await manager.start(sleeper({ id: ID, cwd: workDir(home), stop: { timeoutMs: 50 }, restart: { strategy: restart, delayMs: 3_600_000 } }))
  await manager.kill()
  await vanish(home, ID, pid)
  forgery(home, stranger)
}

describe.skipIf(!hasPerl)('a record that names a living stranger (needs perl)', () => {
  it.each(forgeries)('%s: never signalled, and orphaned', async (_, forgery) => {
    const home = aHostileHome()
    const stranger = await aStranger(home)
    await forged(home, stranger, forgery, 'never')
    const supervisor = await home.supervisor()
    const stopping = supervisor.stop(ID, { timeoutMs: 0 })
    await supervisor.refresh()
    const record = await stopping
    expect(record).toMatchObject({ state: 'orphaned', status: 'orphaned', pid: null, exit_code: null, signal: null })
    expect(record.error).toMatch(/keeper was killed|rebooted/)
    expect(await rejection(supervisor.signal(ID, 'SIGTERM'))).toMatchObject({ code: 'PROCMAN_WRONG_STATE' })
    expect(await supervisor.restart(ID)).toMatchObject({ state: 'running', run: 2 })
    await supervisor.stop(ID)
    await supervisor.remove(ID)
    stranger.mustBeUnharmed()
  })

  it.each(forgeries)('%s: left alone by a shutdown, and by a restart policy', async (_, forgery) => {
    const home = aHostileHome()
    const stranger = await aStranger(home)
    await forged(home, stranger, forgery, 'always')
    const supervisor = await home.supervisor()
    await supervisor.signal(ID, 'SIGTERM').catch(() => {})
    await supervisor.cancel(ID, { timeoutMs: 0 })
    expect(supervisor.get(ID)).toMatchObject({ run: 1, pid: null, retry_at: null })
    await supervisor.shutdown({ timeoutMs: 0 })
    stranger.mustBeUnharmed()
  })

  it.each(['stop', 'shutdown'] as const)('the stranger as the keeper, while the true one lives: never signalled by %s', async (how) => {
    const home = aHostileHome()
    const stranger = await aStranger(home)
    const supervisor = await home.supervisor()
    const { pid } = supervisor.get((await supervisor.start(sleeper({ id: ID, cwd: workDir(home) }))).id)
    forge(home, ID, 'claim', { pid: stranger.pid, start: stranger.start })
    await supervisor.refresh()
    if (how === 'stop') expect(await supervisor.stop(ID, { timeoutMs: 0 })).toMatchObject({ state: 'exited', status: 'cancelled', signal: 'SIGKILL' })
    else await supervisor.shutdown({ timeoutMs: 0 })
    expect(lives(pid)).toBe(false)
    stranger.mustBeUnharmed()
  })

  it('the stranger, with its start time, though it leads no session as every command does: never signalled, and orphaned', async () => {
    const home = aHostileHome()
    const stranger = await aStranger(home, 'follower')
    await forged(home, stranger, (_, { pid, start }) => forge(home, ID, 'child', { pid, start }), 'never')
    const supervisor = await home.supervisor()
    await supervisor.signal(ID, 'SIGUSR1', { target: 'command' }).catch(() => {})
    stranger.mustBeUnharmed()
    expect(await supervisor.stop(ID, { timeoutMs: 100 })).toMatchObject({ state: 'orphaned' })
    stranger.mustBeUnharmed()
  })
})
