/** The daemon: exactly one, and nobody's life depends on it. */
import { readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isUp } from '../cli/harness.ts'
import { lives } from './harness.ts'
import { aProject } from './project-home.ts'

const TWO = `
processes:
  db: { command: [sleep, "1000"], restart: always }
  api: { command: [sleep, "1001"], depends_on: { db: { condition: started } } }
`

describe('many first commands at once', () => {
  it('end with one daemon, and success for all, also when one of them is killed', async () => {
    const home = aProject(TWO)
    const commands = Array.from({ length: 20 }, () => home.begin('up', '-d'))
    const victim = home.begin('up', '-d')
    setTimeout(() => victim.child.kill('SIGKILL'), 400)
    const answers = await Promise.all(commands.map(({ answer }) => answer))
    expect(answers.map(({ code, stderr }) => [code, stderr])).toEqual(answers.map(() => [0, '']))
    const started = home.events('manager.started')
    expect(started).toHaveLength(1)
    expect((await home.status())?.pid).toBe(started[0]?.pid)
    expect(home.events('process.started').map(({ id }) => id)).toEqual(['db', 'api'])
  })
})

describe('the daemon', () => {
  it('keeps nothing of the command that started it: session, directory, descriptors', async () => {
    const home = aProject(TWO)
    await home.stdoutOf('up', '-d')
    const pid = (await home.status())?.pid ?? 0
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    expect(Number(session)).toBe(pid)
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/')
    expect([0, 1, 2].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))).toEqual(['/dev/null', '/dev/null', join(home.stateDir, 'daemon.log')])
    for (const name of ['daemon.log', 'manager.json']) expect(statSync(join(home.stateDir, name)).mode & 0o777).toBe(0o600)
  })

  it('is restarted, stopped and killed without any process noticing', async () => {
    const home = aProject(TWO)
    await home.stdoutOf('up', '-d', '--log-level', 'debug', '--watch')
    const [pids, first] = [await home.pids(), await home.status()]
    expect((await home.procman('daemon', 'restart')).code).toBe(0)
    const second = await home.status()
    expect(second?.pid).not.toBe(first?.pid)
    expect(second).toMatchObject({ config: home.file, is_watching: true, log_level: 'debug', kind: 'daemon' })
    expect(lives(first?.pid ?? 0)).toBe(false)
    await home.killManager()
    expect(await home.procman('daemon', 'status')).toMatchObject({ code: 4, stdout: expect.stringContaining('no manager runs') })
    expect((await home.procman('daemon', 'start')).code).toBe(0)
    expect(await home.status()).toMatchObject({ config: home.file })
    expect((await home.procman('daemon', 'stop')).code).toBe(0)
    expect(await home.procman('daemon', 'stop')).toMatchObject({ code: 0, stderr: expect.stringContaining('no manager runs') })
    expect(await home.pids()).toEqual(pids)
    expect(await home.procman('reload')).toMatchObject({ code: 4, stderr: expect.stringContaining('PROCMAN_NO_MANAGER') })
  })

  it('respects what a user has stopped, through restarts; up starts it', async () => {
    const home = aProject(TWO)
    await home.stdoutOf('up', '-d')
    await home.stdoutOf('stop', 'db')
    await home.stdoutOf('reload')
    await home.stdoutOf('daemon', 'restart')
    expect((await home.pids()).db).toBeNull()
    expect(await home.stdoutOf('up', '-d')).toContain('+ db  start  was stopped by the user')
    expect(isUp((await home.pids()).db ?? null)).toBe(true)
  })

  it('manages what is there also when its config is gone, and says so', async () => {
    const home = aProject(TWO)
    await home.stdoutOf('up', '-d')
    const pids = await home.pids()
    rmSync(home.file)
    const { code, stderr } = await home.procman('daemon', 'restart')
    expect([code, stderr]).toEqual([0, expect.stringContaining('what is there is managed all the same')])
    expect((await home.status())?.config_error).toContain(home.file)
    expect(await home.pids()).toEqual(pids)
  })

  it('changes its level, and shows its log', async () => {
    const home = aProject(TWO)
    await home.stdoutOf('daemon', 'start', '--log-level', 'error')
    await home.stdoutOf('daemon', 'log-level', 'info')
    const lines = (await home.stdoutOf('daemon', 'logs', '--tail', '1', '--json')).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ event: 'manager.log-level', level_now: 'info' }])
    expect(await home.procman('daemon', 'log-level', 'loud')).toMatchObject({ code: 2 })
  })

  it('listens on a port with a token, when asked', async () => {
    const home = aProject(TWO)
    await home.stdoutOf('daemon', 'start', '--listen', '0')
    const { listen } = (await home.status()) ?? {}
    const ask = (token: string) => fetch(`http://${listen}/v1/status`, { headers: { authorization: `Bearer ${token}` } })
    expect((await ask(readFileSync(join(home.stateDir, 'control.token'), 'utf8').trim())).status).toBe(200)
    expect((await ask('wrong-token-wrong-token')).status).toBe(401)
    const taken = aProject(TWO)
    const { code, stderr } = await taken.procman('up', '-d', '--listen', String(listen))
    expect([code, stderr]).toEqual([1, expect.stringContaining('PROCMAN_PORT_UNAVAILABLE')])
    expect(await taken.list()).toEqual([])
  })
})

describe('a daemon that is killed at any moment', () => {
  it('is followed by one that brings about the same: nothing lost, nothing twice', async () => {
    const home = aProject(TWO)
    const versions = [TWO, `${TWO}  extra: { command: [sleep, "1002"] }\n`, TWO.replace('1001', '2001')]
    await home.stdoutOf('up', '-d')
    for (let round = 0; round < 2; round++) {
      home.write(versions[round % versions.length] ?? TWO)
      const command = home.begin(...(round % 2 === 0 ? ['reload'] : ['down']))
      setTimeout(() => void home.killManager().catch(() => undefined), 50 + round * 90)
      await command.answer
      await home.stdoutOf('up', '-d')
      const plan = JSON.parse(await home.stdoutOf('plan', '--json'))
      expect(plan.lines.filter(({ action }: { action: string }) => action !== 'keep')).toEqual([])
      const up = Object.values(await home.pids())
      expect(up.filter(lives)).toHaveLength(up.length)
    }
  })
})
