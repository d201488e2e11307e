/** Services through the built binary: health, readiness, restarts and ports of real processes. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { ProcessRecord } from '../../src/machines/process/record.ts'
import { Home, isUp, type Running } from './harness.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const SERVICE = fileURLToPath(new URL('../fixtures/service.mjs', import.meta.url))

let home: Home
beforeAll(() => {
  home = new Home()
})
afterAll(() => home.remove())

/** The service is ready, and stays so, while this file is there. */
const signOf = (id: string) => join(home.dir, `${id}-is-ready`)
const optionsOf = (id: string) => ['--id', id, '--port', 'any', '--readiness', '/ready', '--health-interval', '100ms']
const commandOf = (id: string) => ['--', process.execPath, SERVICE, signOf(id)]

function startService(id: string, ...options: readonly string[]): Promise<string> {
  return home.start(...optionsOf(id), ...options, ...commandOf(id))
}

async function comesTo(id: string, wanted: Partial<ProcessRecord>): Promise<ProcessRecord> {
  return vi.waitFor(
    async () => {
      const record = await home.record(id)
      expect(record).toMatchObject(wanted)
      return record
    },
    { timeout: 30_000, interval: 50 },
  )
}

/** Waits until its readiness probe has failed so. */
function answered(id: string, cause: string): Promise<void> {
  const isSo = async () => expect((await home.record(id)).health?.readiness?.results.at(-1)?.cause).toBe(cause)
  return vi.waitFor(isSo, { timeout: 30_000, interval: 50 })
}

async function manager(): Promise<number | null> {
  return JSON.parse(await home.stdoutOf('doctor', '--json')).lock_holder?.pid ?? null
}

/** Waits until this one is the manager. */
function holds(running: Running): Promise<void> {
  return vi.waitFor(async () => expect(await manager()).toBe(running.child.pid), { timeout: 30_000, interval: 50 })
}

async function kill(running: Running): Promise<void> {
  running.child.kill('SIGKILL')
  await running.answer
}

describe('ports and templates', () => {
  it('give a process a free port of the range, in its environment and where it is asked for', async () => {
    const script = 'console.log(JSON.stringify([process.env.PORT, process.env.PORT_WEB, ...process.argv.slice(1)]))'
    const options = ['--port', 'web=20000-29999@127.0.0.1', '--meta', 'tier=gold', '--label', 'app=shop']
    const words = ['--', '--port=${port}', '${port.web}', '${meta.tier}-${labels.app}-${id}', '$${port}']
    const id = await home.start('--id', 'ported', ...options, '--', process.execPath, '-e', script, ...words)
    await home.procman('wait', id)
    const { ports, meta } = await home.record(id)
    const port = String(ports.web)
    expect(Number(port)).toBeGreaterThanOrEqual(20_000)
    expect(Number(port)).toBeLessThan(30_000)
    expect(meta).toEqual({ tier: 'gold' })
    expect(JSON.parse(await home.stdoutOf('logs', id))).toEqual([port, port, `--port=${port}`, port, 'gold-shop-ported', '${port}'])
  })

  it('leave every dollar sign alone where nobody asks for them', async () => {
    expect(await home.procman('run', '--', 'echo', '${id}', '$$', '${nonsense')).toMatchObject({ code: 0, stdout: '${id} $$ ${nonsense\n' })
    expect(await home.procman('run', '--id', 'filled', '--template', '--', 'echo', '${id}', '$$')).toMatchObject({ code: 0, stdout: 'filled $\n' })
  })

  it.each([
    [['--template', '--', 'echo', '${nonsense}'], 2, 'PROCMAN_INVALID_SPEC'],
    [['--port', '70000', '--', 'true'], 2, 'PROCMAN_INVALID_SPEC'],
    [['--readiness', '{"http":"ftp://x"}', '--', 'true'], 2, 'PROCMAN_INVALID_SPEC'],
  ])('that cannot be meant are refused: %j', async (args, code, error) => {
    expect(await home.procman('start', ...args)).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(error) })
  })

  it('that are taken are a failure that names the port', async () => {
    const service = await startService('holder')
    writeFileSync(signOf(service), '')
    await home.stdoutOf('wait', service, '--for', 'ready')
    const { ports } = await home.record(service)
    const refused = await home.procman('start', '--port', String(ports.http), '--', 'true')
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(new RegExp(`${ports.http}.*\\(PROCMAN_PORT_UNAVAILABLE\\)`)) })
    await home.stdoutOf('cancel', service)
  })
})

describe('start of a service', () => {
  it('says what nobody does for it once it has left', async () => {
    const { code, stdout, stderr } = await home.procman('start', ...optionsOf('lonely'), '--restart', 'always', ...commandOf('lonely'))
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'lonely\n' })
    expect(stderr).toMatch(/^procman: lonely runs, but is restarted \(always\) and probed only while a manager lives, and none does now/)
    expect(await home.stdoutOf('list')).toMatch(/^lonely +running \(starting\) /m)
    expect(await home.procman('why', 'lonely')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^lonely \(run 1, pid \d+\) is up for \S+ and not ready yet: /),
      stderr: 'procman: no manager lives now: until one does, nobody looks whether it is ready\n',
    })
    expect(await home.stdoutOf('show', 'lonely')).toMatch(/^manager +none lives now: until one does, nobody looks whether it is ready$/m)
    await home.stdoutOf('cancel', 'lonely')
  })
})

describe('wait --for ready', () => {
  it('is the manager where there is none, and lets go when it is ready', async () => {
    const id = await startService('awaited')
    const waiting = home.begin('wait', id, '--for', 'ready', '--json')
    await holds(waiting)
    await answered(id, 'status 503')
    expect(await home.stdoutOf('show', id)).toMatch(new RegExp(`^manager +pid ${waiting.child.pid}$`, 'm'))
    expect(waiting.child.exitCode).toBe(null)
    writeFileSync(signOf(id), '')
    const { code, stdout, stderr } = await waiting.answer
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject([{ id, state: 'running', ready: true }])
    expect(await manager()).toBe(null)
    expect(await home.record(id)).toMatchObject({ state: 'running', ready: true, health: { status: 'healthy' } })
  })

  it('of what is ready already succeeds at once, and for healthy as well', async () => {
    const plain = await home.start('--', 'sleep', '1000')
    expect(await home.procman('wait', plain, 'awaited', '--for', 'ready')).toMatchObject({ code: 0, stderr: '' })
    expect(await home.procman('wait', plain, 'awaited', '--for', 'healthy')).toMatchObject({ code: 0, stderr: '' })
    await home.stdoutOf('cancel', 'awaited', plain)
  })

  it('gives up after its timeout with the last reason', async () => {
    const id = await startService('late')
    const first = home.begin('wait', id, '--for', 'ready')
    await answered(id, 'status 503')
    first.child.kill('SIGINT')
    await first.answer
    const { code, stdout, stderr } = await home.procman('wait', id, '--for', 'ready', '--timeout', '100ms')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/late is not ready after 100 ms.*status 503.*\(PROCMAN_TIMEOUT\)\n$/)
    await home.stdoutOf('cancel', id)
  })

  it('fails when the process ends instead', async () => {
    const id = await home.start('--ready-log', 'never', '--', 'sh', '-c', 'sleep 0.5; exit 7')
    const answer = await home.procman('wait', id, '--for', 'ready')
    expect(answer).toMatchObject({ code: 1, stderr: expect.stringMatching(/exited with code 7.*\(PROCMAN_NOT_READY\)\n$/) })
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('on %s lets go of the directory, and the process goes on', async (signal, code) => {
    const id = await startService(`left-by-${signal}`)
    const waiting = home.begin('wait', id, '--for', 'ready')
    await holds(waiting)
    waiting.child.kill(signal)
    expect(await waiting.answer).toMatchObject({ code, stdout: '', stderr: '' })
    expect(await manager()).toBe(null)
    const { pid } = await home.record(id)
    expect(isUp(pid)).toBe(true)
    await home.stdoutOf('cancel', id)
  })

  it('waits beside another manager, and takes its place when that is killed', async () => {
    const runner = home.begin('run', ...optionsOf('taken'), ...commandOf('taken'))
    await runner.prints('listening')
    const waiting = home.begin('wait', 'taken', '--for', 'ready')
    expect(await manager()).toBe(runner.child.pid)
    await kill(runner)
    await holds(waiting)
    writeFileSync(signOf('taken'), '')
    expect(await waiting.answer).toMatchObject({ code: 0, stderr: '' })
    await home.stdoutOf('cancel', 'taken')
  })

  it('is told by another manager, too', async () => {
    const runner = home.begin('run', ...optionsOf('told'), ...commandOf('told'))
    await runner.prints('listening')
    const waiting = home.begin('wait', 'told', '--for', 'ready')
    writeFileSync(signOf('told'), '')
    expect(await waiting.answer).toMatchObject({ code: 0, stderr: '' })
    expect(await manager()).toBe(runner.child.pid)
    runner.child.kill('SIGINT')
    await runner.answer
  })

  it('of an unknown process fails, and makes no directory for it', async () => {
    const other = join(home.dir, 'not-there')
    expect(await home.procman('wait', 'nobody', '--for', 'ready', '--state-dir', other)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('PROCMAN_PROCESS_UNKNOWN'),
    })
    expect(existsSync(other)).toBe(false)
  })
})

describe('run of a service', () => {
  it('asks its probes, and starts it again when it is not well, until that is given up', async () => {
    const liveness = JSON.stringify({ exec: ['test', '-e', signOf('sick')], intervalMs: 50, failureThreshold: 1 })
    const runner = home.begin(
      'run',
      '--id',
      'sick',
      '--restart',
      'always',
      '--restart-delay',
      '0s',
      '--max-attempts',
      '1',
      '--liveness',
      liveness,
      '--',
      'sleep',
      '1000',
    )
    expect((await runner.answer).code).toBe(143)
    const record = await home.record('sick')
    expect(record).toMatchObject({ run: 2, restarts: 1, state: 'exited', status: 'failed', gave_up: true, attempts: { health: { in_a_row: 1 } } })
    expect(await home.stdoutOf('show', 'sick')).toMatch(/^gave up +yes$/m)
    expect(await home.procman('why', 'sick')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('gave up after 1 restart for failed health'),
      stderr: '',
    })
    expect(JSON.parse(await home.stdoutOf('why', 'sick', '--json'))).toMatchObject({ id: 'sick', state: 'exited', lines: expect.any(Array) })
  })

  it('that was not ready in time fails, although it ended with code 0 when it was stopped for that', async () => {
    const polite = ['sh', '-c', 'trap "exit 0" TERM; echo up; while :; do sleep 0.05; done']
    const answer = await home.procman('run', '--id', 'slow', '--ready-log', 'never', '--startup-timeout', '1s', '--', ...polite)
    expect(answer).toMatchObject({ code: 1, stdout: 'up\n' })
    expect(await home.record('slow')).toMatchObject({ status: 'failed', exit_code: 0 })
  })

  it.each([
    ['--ready-log', 'ready \\d+', 'echo starting; echo ready 1; exec sleep 1000'],
    ['--ready-fd', '3', 'echo >&3; exec sleep 1000'],
    ['--ready-delay', '100ms', 'exec sleep 1000'],
  ])('is ready by %s %s', async (option, value, script) => {
    const id = `ready-by${option}`.replace('--', '-')
    const runner = home.begin('run', '--id', id, option, value, '--', 'sh', '-c', script)
    await vi.waitFor(async () => expect((await home.list()).map((record) => record.id)).toContain(id), { timeout: 30_000, interval: 50 })
    expect(await home.procman('wait', id, '--for', 'ready')).toMatchObject({ code: 0, stderr: '' })
    runner.child.kill('SIGINT')
    await runner.answer
  })
})

describe('a service that fails at once', () => {
  /** With its breaker open, and without a manager. */
  async function broken(id: string): Promise<ProcessRecord> {
    rmSync(signOf(id), { force: true })
    const policy = ['--restart', 'on-failure', '--restart-delay', '0s', '--max-attempts', '0']
    const runner = home.begin('run', '--id', id, ...policy, '--', 'sh', '-c', `test -e ${signOf(id)} && exec sleep 1000; exit 3`)
    await vi.waitFor(async () => expect((await home.list()).map((record) => record.id)).toContain(id), { timeout: 30_000, interval: 50 })
    const record = await comesTo(id, { state: 'backoff', breaker: expect.objectContaining({ state: 'open' }) })
    await kill(runner)
    return record
  }

  it('opens its circuit breaker, and everybody is told', async () => {
    const { run } = await broken('broken')
    expect(run).toBe(5)
    expect(await home.stdoutOf('list')).toMatch(/^broken +running \(backoff\) /m)
    const shown = await home.stdoutOf('show', 'broken')
    expect(shown).toMatch(/^breaker +open until /m)
    expect(shown).toMatch(/^next +a trial run at /m)
    expect(shown).toMatch(/^manager +none lives now: until one does, it is not started again$/m)
    expect(await home.procman('why', 'broken')).toMatchObject({
      stdout: expect.stringContaining('Its circuit breaker is open: a trial run in'),
      stderr: 'procman: no manager lives now: until one does, it is not started again\n',
    })
    expect(await home.procman('restart', 'broken')).toMatchObject({ code: 4, stderr: expect.stringContaining('PROCMAN_BREAKER_OPEN') })
  })

  it('is started all the same by restart --force', async () => {
    writeFileSync(signOf('broken'), '')
    expect(await home.procman('restart', 'broken', '--force')).toMatchObject({ code: 0 })
    expect(await home.record('broken')).toMatchObject({ state: 'running', run: 6, breaker: { state: 'closed' } })
    await home.stdoutOf('cancel', 'broken')
  })

  it('is begun again by reset, which has launched it when it returns', async () => {
    await broken('forgiven')
    writeFileSync(signOf('forgiven'), '')
    expect(await home.procman('reset', 'forgiven')).toMatchObject({ code: 0, stdout: '' })
    const record = await home.record('forgiven')
    expect(record).toMatchObject({ state: 'running', run: 6, attempts: {}, breaker: { state: 'closed', failures_at: [] } })
    expect(isUp(record.pid)).toBe(true)
    expect(await home.procman('reset', 'forgiven', 'nobody')).toMatchObject({ code: 3 })
    await home.stdoutOf('cancel', 'forgiven')
  })
})
