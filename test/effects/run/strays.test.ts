/** Hunting what belongs to runs without a keeper: all of it, and nobody else. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { bootId, startTimeOf } from '../../../src/effects/run/identity.ts'
import { isOrphanAlive, signalOrphan } from '../../../src/effects/run/orphan.ts'
import { StrayHunter } from '../../../src/effects/run/strays.ts'
import { lives, until } from '../../e2e/harness.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

const token = () => `test.${process.pid}.${Math.random().toString(36).slice(2)}`
const identityOf = (pid: number) => ({ pid, start: startTimeOf(pid) ?? '', boot: bootId() })
const orphanOf = (pid: number, name: string) => ({ identity: identityOf(pid), token: name, jobDir: '/nowhere' })
const fail = (error: unknown) => {
  throw error
}

/** A shell that leads a session of its own, and says the pids of what it started. */
async function tree(script: string, env: Record<string, string>, size = 1): Promise<{ leader: number; pids: readonly number[] }> {
  const child = spawn('sh', ['-c', `${script}; exec sleep 600`], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...env },
  })
  children.push(child)
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (said += text))
  await until('the tree is there', () => said.trim().split('\n').length === size)
  return { leader: child.pid ?? 0, pids: said.split('\n').map(Number).filter(Boolean) }
}

const hunted = (hunter: StrayHunter, leader: number, name: string) => new Promise<void>((done) => hunter.kill(orphanOf(leader, name), done))

describe.skipIf(process.platform !== 'linux')('a hunt', () => {
  it('finds the group, what left it with the token, and what left it without: the children of these', async () => {
    const name = token()
    const { leader, pids } = await tree(
      'sleep 600 & echo $!; setsid sleep 600 & echo $!; setsid env -i sh -c "sleep 600 & echo \\$!; wait" & echo $!',
      { PROCMAN_TOKEN: name },
      4,
    )
    expect(pids).toHaveLength(4)
    await hunted(new StrayHunter(fail), leader, name)
    expect([leader, ...pids].filter(lives)).toEqual([])
  })

  it('goes on after the leader has gone, by the token', async () => {
    const name = token()
    const { leader, pids } = await tree('setsid sleep 600 & echo $!', { PROCMAN_TOKEN: name })
    const identity = identityOf(leader)
    process.kill(leader, 'SIGKILL')
    await until('the leader is gone', () => !lives(leader))
    await new Promise<void>((done) => new StrayHunter(fail).kill({ identity, token: name, jobDir: '/nowhere' }, done))
    expect(pids.filter(lives)).toEqual([])
  })

  it('touches nobody else: not a stranger with the pid, not a longer token', async () => {
    const name = token()
    const stranger = await tree('sleep 600 & echo $!', { PROCMAN_TOKEN: `${name}0` })
    await new Promise<void>((done) => new StrayHunter(fail).kill(orphanOf(stranger.leader, name), done))
    expect([stranger.leader, ...stranger.pids].filter((pid) => !lives(pid))).toEqual([])
    process.kill(-stranger.leader, 'SIGKILL')
  })

  it('for many at once settles them all', async () => {
    const names = [1, 2, 3, 4, 5].map(token)
    const trees = await Promise.all(names.map(async (name) => ({ name, ...(await tree('setsid sleep 600 & echo $!', { PROCMAN_TOKEN: name })) })))
    const hunter = new StrayHunter(fail)
    await Promise.all(trees.map(({ leader, name }) => hunted(hunter, leader, name)))
    expect(trees.flatMap(({ leader, pids }) => [leader, ...pids]).filter(lives)).toEqual([])
    await hunter.quiet(5_000)
  })
})

describe('a signal by identity', () => {
  it('reaches the group while its leader is who it was and proves it, else nobody', async () => {
    const name = token()
    const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore', env: { PROCMAN_TOKEN: name, PATH: process.env.PATH } })
    children.push(child)
    await until('it runs', () => readFileSync(`/proc/${child.pid}/comm`, 'utf8') === 'sleep\n')
    const orphan = orphanOf(child.pid ?? 0, name)
    const strangers = [{ start: '1' }, { boot: 'another' }, { boot: '' }].map((part) => ({ ...orphan, identity: { ...orphan.identity, ...part } }))
    for (const stranger of [...strangers, { ...orphan, token: 'another' }]) expect(signalOrphan(stranger, 'SIGKILL', 'group')).toBe(false)
    expect(lives(orphan.identity.pid)).toBe(true)
    expect(signalOrphan(orphan, 'SIGTERM', 'group')).toBe(true)
    expect(await once(child, 'exit')).toEqual([null, 'SIGTERM'])
  })

  it('is also believed of one that has the log of its process open', async () => {
    const jobDir = mkdtempSync(join(tmpdir(), 'procman-orphan-'))
    const log = openSync(join(jobDir, 'stdout.log'), 'a')
    const child = spawn('sleep', ['600'], { detached: true, stdio: ['ignore', log, 'ignore'], env: { PATH: process.env.PATH } })
    children.push(child)
    await until('it runs', () => readFileSync(`/proc/${child.pid}/comm`, 'utf8') === 'sleep\n')
    expect(isOrphanAlive({ ...orphanOf(child.pid ?? 0, 'any'), jobDir })).toBe(true)
    expect(isOrphanAlive(orphanOf(child.pid ?? 0, 'any'))).toBe(false)
    closeSync(log)
    rmSync(jobDir, { recursive: true })
  })
})
