/** A project from a config file, by the command line: as its users see it. */
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { isUp } from '../cli/harness.ts'
import { HAS_TERMINAL, inTerminal } from '../cli/terminal.ts'
import { aProject } from './project-home.ts'

const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

const TWO = `
processes:
  db: { command: [sleep, "1000"], labels: { tier: data } }
  api: { command: [sleep, "1001"], depends_on: { db: { condition: started } } }
`

describe('up -d', () => {
  it('starts what is declared, tells it, and twice is once', async () => {
    const home = aProject(TWO)
    const first = await home.procman('up', '-d')
    expect(first).toMatchObject({ code: 0, stderr: '', stdout: '+ db   start  is not there\n+ api  start  is not there\n2 started\n' })
    const pids = await home.pids()
    expect([isUp(pids.db ?? null), isUp(pids.api ?? null)]).toEqual([true, true])
    expect(await home.procman('up', '-d')).toMatchObject({ code: 0, stdout: 'nothing to do: 2 as declared\n' })
    expect(await home.pids()).toEqual(pids)
    const [started] = home.events('process.started')
    expect(started).toMatchObject({ id: 'db', run: 1, pid: pids.db, ports: {} })
    expect(statSync(join(home.stateDir, 'daemon.log')).mode & 0o777).toBe(0o600)
  })

  it('does what plan has told, and restarts only what the change touches', async () => {
    const home = aProject(TWO)
    await home.stdoutOf('up', '-d')
    const before = await home.pids()
    home.write(`
processes:
  db: { command: [sleep, "1000"], labels: { tier: storage }, restart: on-failure }
  api: { command: [sleep, "2001"], depends_on: { db: { condition: started } } }
  new: { command: [sleep, "1002"] }
`)
    const planned = JSON.parse(await home.stdoutOf('plan', '--json'))
    expect(planned.lines.map(({ id, action }: { id: string; action: string }) => `${action} ${id}`)).toEqual(['update db', 'restart api', 'start new'])
    expect((await home.procman('plan', '--check')).code).toBe(1)
    expect(await home.pids()).toEqual(before)
    const done = JSON.parse(await home.stdoutOf('up', '-d', '--json'))
    expect(done).toEqual({ ...planned, failures: [] })
    const after = await home.pids()
    expect(after.db).toBe(before.db)
    expect(after.api).not.toBe(before.api)
    home.write('processes:\n  db: { command: [sleep, "1000"], labels: { tier: storage }, restart: on-failure }\n')
    expect(await home.stdoutOf('reload')).toContain('- new  remove  is not declared any more')
    expect(Object.keys(await home.pids())).toEqual(['db'])
    expect((await home.procman('plan', '--check')).code).toBe(0)
  })

  it('goes on with the others when one cannot be started, names it, and ends with 1', async () => {
    const home = aProject('processes:\n  bad: { command: [no-such-command-xyz] }\n  good: { command: [sleep, "1000"] }\n')
    const { code, stderr } = await home.procman('up', '-d')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^procman: bad: .*no-such-command-xyz.* \(PROCMAN_LAUNCH_FAILED\)\n$/)
    expect(isUp((await home.pids()).good ?? null)).toBe(true)
  })

  it('leaves nothing behind when the file is wrong: no daemon, no process', async () => {
    const home = aProject('processes:\n  api: { comand: x }\n')
    const { code, stderr } = await home.procman('up', '-d')
    expect(code).toBe(2)
    expect(stderr).toContain('did you mean "command"?')
    expect(await home.status()).toBeNull()
    expect(await home.list()).toEqual([])
  })

  it('--wait waits until all are ready, and says which one cannot be and why', async () => {
    const home = aProject(`
processes:
  slow: { command: "sh -c 'sleep 0.3; echo ready; sleep 1000'", ready: { log_line: ready } }
  job: { command: "true" }
`)
    expect((await home.procman('up', '-d', '--wait', '--timeout', '30s')).code).toBe(0)
    expect((await home.record('slow')).ready).toBe(true)
    home.write(
      'processes:\n  broken: { command: "sh -c \'exit 3\'" }\n  after: { command: sleep 9, depends_on: { broken: { condition: completed_successfully } } }\n',
    )
    const { code, stderr } = await home.procman('up', '-d', '--wait')
    expect(code).toBe(1)
    expect(stderr).toMatch(/broken has not come up: .*code 3/)
    expect(stderr).toMatch(/after has not come up: waits for broken to complete: broken has failed/)
  })

  it('is refused for another directory, unless it is to replace what is there', async () => {
    const home = aProject(TWO)
    await home.stdoutOf('up', '-d')
    const other = aProject('processes:\n  web: { command: [sleep, "1003"] }\n')
    const args = ['up', '-d', '-c', other.file]
    expect(await home.procman(...args)).toMatchObject({ code: 4, stderr: expect.stringContaining(home.dir) })
    expect(Object.keys(await home.pids())).toEqual(['api', 'db'])
    expect((await home.procman(...args, '--replace')).code).toBe(0)
    expect(Object.keys(await home.pids())).toEqual(['web'])
  })
})

describe('a file that has become wrong', () => {
  it('changes nothing, by reload, SIGHUP and watch alike; it is told, and forgotten once it is right again', async () => {
    const home = aProject(TWO)
    await home.stdoutOf('up', '-d', '--watch')
    const before = await home.pids()
    home.write('processes:\n  db: { command: [sleep, "1000"], helth: 3 }\n')
    await home.comesTrue(() => expect(home.events('config.invalid')).toHaveLength(1))
    const { code, stderr } = await home.procman('reload')
    expect([code, stderr]).toEqual([2, expect.stringContaining('did you mean "health"?')])
    expect((await home.status())?.config_error).toContain('helth')
    expect(await home.pids()).toEqual(before)
    home.write(`${TWO}  more: { command: [sleep, "1004"] }\n`)
    await home.comesTrue(async () => expect(Object.keys(await home.pids())).toContain('more'))
    expect((await home.status())?.config_error).toBeNull()
    home.write(TWO)
    process.kill(Number((await home.status())?.pid), 'SIGHUP')
    await home.comesTrue(async () => expect(await home.pids()).toEqual(before))
  })
})

describe('down', () => {
  it('stops and removes dependents first, also without the file, and the daemon ends; twice is nothing to do', async () => {
    const home = aProject(TWO)
    await home.stdoutOf('up', '-d')
    await home.start('--id', 'by-hand', '--', 'sleep', '1005')
    rmSync(home.file)
    expect(await home.procman('down')).toMatchObject({ code: 0, stdout: expect.stringContaining('2 removed') })
    const stopped = home.events('process.stopped').map(({ id }) => id)
    expect(stopped).toEqual(['api', 'db'])
    expect(Object.keys(await home.pids())).toEqual(['by-hand'])
    expect(await home.status()).toBeNull()
    expect(await home.procman('down')).toMatchObject({ code: 0, stdout: 'nothing to do\n' })
  })

  it('works where no manager lives', async () => {
    const home = aProject(TWO)
    await home.stdoutOf('up', '-d')
    await home.stdoutOf('daemon', 'stop')
    expect((await home.procman('down')).code).toBe(0)
    expect(await home.list()).toEqual([])
    expect(existsSync(join(home.stateDir, 'manager.json'))).toBe(false)
  })
})

describe('up in the foreground', () => {
  it('shows every line after the name of its process, and Ctrl-C stops all, dependents first', async () => {
    const home = aProject(`
processes:
  db: { command: "sh -c 'echo db is up; echo problem >&2; sleep 1000'" }
  api: { command: "sh -c 'echo api is up; sleep 1000'", depends_on: { db: { condition: started } } }
`)
    const up = home.begin('up')
    await up.prints('api | api is up')
    await up.prints('db')
    up.child.kill('SIGINT')
    const { code, stdout, stderr } = await up.answer
    expect(code).toBe(130)
    expect(stdout.split('\n').sort()).toEqual(['', 'api | api is up', expect.stringMatching(/^db +\| db is up$/)])
    expect(stderr).toMatch(/^db +\| problem$/m)
    const stopped = stderr.split('\n').flatMap((line) => (line.includes('"process.stopped"') ? [JSON.parse(line).id] : []))
    expect(stopped).toEqual(['api', 'db'])
    expect((await home.list()).map(({ status }) => status)).toEqual(['cancelled', 'cancelled'])
  })

  it.skipIf(!HAS_TERMINAL)('shows on a terminal, too, what they print first', async () => {
    const home = aProject('processes:\n  a: echo first words\n')
    delete home.env.NO_COLOR
    const up = inTerminal(`cd ${home.dir} && ${process.execPath} ${CLI} up`, home.env)
    const shown = text(up.stdout as Readable)
    await once(up, 'close')
    expect(stripVTControlCharacters(await shown)).toContain('a | first words')
  })

  it('ends by itself when everything has: 0 when all is well, else 1', async () => {
    const home = aProject('processes:\n  a: { command: echo one }\n  b: { command: echo two, depends_on: { a: { condition: completed_successfully } } }\n')
    const first = await home.procman('up')
    expect([first.code, first.stdout]).toEqual([0, 'a | one\nb | two\n'])
    home.write('processes:\n  a: { command: "sh -c \'exit 4\'" }\n')
    expect((await home.procman('up')).code).toBe(1)
  })

  it('--exit-code-from ends all with the code of that one, each time', async () => {
    const home = aProject(
      'processes:\n  db: { command: sleep 1000 }\n  test: { command: "sh -c \'echo tested; exit 7\'", depends_on: { db: { condition: started } } }\n',
    )
    for (let nth = 1; nth <= 2; nth++) {
      expect(await home.procman('up', '--exit-code-from', 'test')).toMatchObject({ code: 7, stdout: 'test | tested\n' })
      expect((await home.pids()).db).toBeNull()
    }
    expect(await home.procman('up', '--exit-code-from', 'tset')).toMatchObject({ code: 2, stderr: expect.stringContaining('it declares db, test') })
  })

  it('goes through the daemon where there is one, which stays when it ends', async () => {
    const home = aProject(TWO)
    await home.stdoutOf('daemon', 'start')
    const up = home.begin('up')
    await home.comesTrue(async () => expect(Object.values(await home.pids()).filter(isUp)).toHaveLength(2))
    up.child.kill('SIGTERM')
    expect((await up.answer).code).toBe(143)
    expect((await home.list()).map(({ status }) => status)).toEqual(['cancelled', 'cancelled'])
    expect((await home.status())?.kind).toBe('daemon')
  })

  it('takes over what a killed one has left', async () => {
    const home = aProject(TWO)
    const up = home.begin('up')
    await home.comesTrue(async () => expect(Object.values(await home.pids()).filter(isUp)).toHaveLength(2))
    const before = await home.pids()
    up.child.kill('SIGKILL')
    await up.answer
    expect(await home.stdoutOf('up', '-d')).toBe('nothing to do: 2 as declared\n')
    expect(await home.pids()).toEqual(before)
  })
})

describe('the long form of a config file', () => {
  it('runs as it stands, with warnings for what has no effect yet', async () => {
    const home = aProject('')
    writeFileSync(join(home.dir, 'my-service'), '#!/bin/sh\necho "$SERVICE_ENV $*"\nexec sleep 1000\n', { mode: 0o755 })
    home.write(`
process_manager: { log_level: "debug", force_shutdown_timeout: "30s" }
managed_processes:
  - id: "my-service"
    type: "standard_managed"
    profile_type: "long_running_service"
    enabled: true
    management:
      control:
        executable: "./my-service"
        arguments: ["--port", "8080"]
        working_directory: "${home.dir}"
        environment: { SERVICE_ENV: "production" }
        startup_timeout: "60s"
        shutdown_timeout: "10s"
      resource_limits: { max_memory_mb: 512 }
      restart_policy: { strategy: "on_failure", max_attempts: 3, restart_delay: "5s", backoff_multiplier: 1.5 }
`)
    const { code, stderr } = await home.procman('up', '-d')
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^procman: warning: .*resource_limits|limits/)])
    await home.logged('my-service', 'production --port 8080')
    expect(await home.status()).toMatchObject({ log_level: 'debug', config: home.file })
    expect(readFileSync(join(home.stateDir, 'daemon.log'), 'utf8')).toContain('"config.warning"')
  })
})
