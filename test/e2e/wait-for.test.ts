/** Waiting for a process to be ready, healthy or settled, and for an address; and leaving in the middle of anything. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ProcessInput } from '../../src/api.ts'
import type { ProcessState } from '../../src/machines/process/states.ts'
import { createReader } from '../../src/reader.ts'
import { waitForHealth } from '../../src/wait-for-health.ts'
import { freePort, listen, serve } from '../effects/probe/harness.ts'
import { aHome, DIST, fixture, kill, lives, pause, rejection, sh, sleeper, until } from './harness.ts'
import { aPeer, freeRange, http, isFree, isState, often, recordWhen } from './services.ts'

const failing = { status: 503 }

describe('waitFor', () => {
  it.each(['ready', 'healthy'] as const)('%s resolves with the record once it is so', async (condition) => {
    const peer = await aPeer({ '/': failing })
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper({ health: { readiness: http(peer.url('/')), liveness: http(peer.url('/live')) } }))
    let isOver = false
    const waiting = supervisor.waitFor(id, condition).finally(() => {
      isOver = true
    })
    await until('it was asked often', () => peer.asked.length > 6)
    expect(isOver).toBe(false)
    peer.rules['/'] = {}
    expect(await waiting).toMatchObject({ id, state: 'running', ready: true })
    expect(await supervisor.waitFor(id, condition)).toMatchObject({ id, ready: true }) // at once
  })

  it('healthy is more than ready: every probe must have passed', async () => {
    const peer = await aPeer({ '/live': failing })
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper({ health: { liveness: http(peer.url('/live'), { failureThreshold: 1_000 }) } }))
    await supervisor.waitFor(id, 'ready')
    const error = await rejection(supervisor.waitFor(id, 'healthy', { timeoutMs: 200 }))
    expect(error.code).toBe('PROCMAN_TIMEOUT')
    peer.rules['/live'] = {}
    await supervisor.waitFor(id, 'healthy')
  })

  it('without probes and other means, it is ready and healthy once it is launched', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper())
    await supervisor.waitFor(id, 'healthy')
    expect(await supervisor.waitFor(id, 'ready')).toMatchObject({ ready: true, health: null })
  })

  it('settled resolves however it ended, also when it had before', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('exit 3'))
    expect(await supervisor.waitFor(id, 'settled')).toMatchObject({ state: 'exited', exit_code: 3 })
    expect(await supervisor.waitFor(id, 'settled', { timeoutMs: 0 })).toMatchObject({ state: 'exited', exit_code: 3 })
  })

  it('ready goes on over restarts, which are no end', async () => {
    const supervisor = await aHome().supervisor()
    const script = '[ $PROCMAN_RUN -lt 3 ] && exit 1; echo up; exec sleep 600'
    const { id } = await supervisor.start(sh(script, { ready: { logLine: 'up' }, restart: { strategy: 'on-failure', delayMs: 20 } }))
    expect(await supervisor.waitFor(id, 'ready')).toMatchObject({ run: 3 })
  })

  it.each([
    ['ready', /^process web is not ready after 300 ms, it is starting: startup probe failed \d+ times: status 503$/],
    ['healthy', /^process web is not healthy after 300 ms, it is starting: startup probe failed \d+ times: status 503$/],
    ['settled', /^process web is still starting after 300 ms$/],
  ] as const)('%s that does not come in time says why not', async (condition, message) => {
    const peer = await aPeer({ '/': failing })
    const supervisor = await aHome().supervisor()
    await supervisor.start(sleeper({ id: 'web', health: { startup: http(peer.url('/'), { failureThreshold: 2 }) } }))
    await recordWhen(supervisor, 'web', 'has failed twice', ({ health }) => (health?.startup?.failures ?? 0) > 1)
    const error = await rejection(supervisor.waitFor('web', condition, { timeoutMs: 300 }))
    expect(error.code).toBe('PROCMAN_TIMEOUT')
    expect(error.message).toMatch(message)
  })

  it.each(['ready', 'healthy'] as const)('%s of one that is unhealthy says what fails', async (condition) => {
    const peer = await aPeer()
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper({ health: { readiness: http(peer.url('/'), { failureThreshold: 1 }) } }))
    await supervisor.waitFor(id, 'ready')
    peer.rules['/'] = failing
    await isState(supervisor, id, 'unhealthy')
    const error = await rejection(supervisor.waitFor(id, condition, { timeoutMs: 100 }))
    expect(error.message).toMatch(/it is unhealthy: readiness probe failed.*: status 503$/)
  })

  it('of one that waits before a restart says what has ended it', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('exit 7', { restart: { strategy: 'on-failure', delayMs: 60_000 } }))
    await isState(supervisor, id, 'backoff')
    expect((await rejection(supervisor.waitFor(id, 'ready', { timeoutMs: 50 }))).message).toMatch(
      /it is backoff: exited with code 7: restart 1 of 3 in \d+ ms \(on-failure\)$/,
    )
  })

  it.each([
    [
      'gives up',
      { restart: { strategy: 'on-failure', maxAttempts: 1, delayMs: 50 } },
      /is exited, and was not ready: exited with code 1: gave up after 1 restart/,
    ],
    ['ends for good', {}, /is exited, and was not ready: exited with code 1$/],
  ] as const)('ready fails at once when it %s', async (_, more, message) => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sh('sleep 0.1; exit 1', { ready: { logLine: 'never' }, breaker: false, ...more }))
    const error = await rejection(supervisor.waitFor(id, 'ready'))
    expect(error).toMatchObject({ code: 'PROCMAN_NOT_READY', details: { id, state: 'exited', condition: 'ready' } })
    expect(error.message).toMatch(message)
  })

  it('ready fails when the user stops it, and when it is removed', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper({ ready: { logLine: 'never' } }))
    const waiting = rejection(supervisor.waitFor(id, 'ready'))
    await supervisor.stop(id)
    expect((await waiting).code).toBe('PROCMAN_NOT_READY')
    expect((await rejection(supervisor.waitFor(id, 'ready'))).code).toBe('PROCMAN_NOT_READY')
    await supervisor.remove(id)
    expect((await rejection(supervisor.waitFor(id, 'ready'))).code).toBe('PROCMAN_PROCESS_UNKNOWN')
  })

  it('ends when the caller gives up, and when the supervisor is closed', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper({ ready: { logLine: 'never' } }))
    const caller = new AbortController()
    const aborted = rejection(supervisor.waitFor(id, 'ready', { signal: caller.signal }))
    const closed = rejection(supervisor.waitFor(id, 'settled'))
    caller.abort()
    expect((await aborted).code).toBe('PROCMAN_ABORTED')
    expect((await rejection(supervisor.waitFor(id, 'ready', { signal: caller.signal }))).code).toBe('PROCMAN_ABORTED')
    await supervisor.close()
    expect((await closed).code).toBe('PROCMAN_CLOSED')
  })

  it('refuses what cannot be waited for', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper())
    expect((await rejection(supervisor.waitFor(id, 'happy' as 'ready'))).code).toBe('PROCMAN_INVALID_ARGUMENT')
    expect((await rejection(supervisor.waitFor(id, 'ready', { timeoutMs: -1 }))).code).toBe('PROCMAN_INVALID_ARGUMENT')
    expect((await rejection(supervisor.waitFor('nobody', 'ready'))).code).toBe('PROCMAN_PROCESS_UNKNOWN')
  })

  it('of a reader without the lock sees what a manager makes happen', async () => {
    const peer = await aPeer({ '/': failing })
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(sleeper({ health: { readiness: http(peer.url('/')) } }))
    const reader = createReader({ stateDir: home.stateDir })
    expect((await rejection(reader.waitFor(id, 'ready', { timeoutMs: 100 }))).code).toBe('PROCMAN_TIMEOUT')
    const waiting = reader.waitFor(id, 'healthy')
    peer.rules['/'] = {}
    expect(await waiting).toMatchObject({ id, ready: true, health: { status: 'healthy' } })
    const settled = reader.waitFor(id, 'settled')
    const unready = rejection(
      reader
        .waitFor(id, 'ready')
        .then(() => supervisor.stop(id))
        .then(() => reader.waitFor(id, 'ready')),
    )
    expect(await settled).toMatchObject({ state: 'exited' })
    expect((await unready).code).toBe('PROCMAN_NOT_READY')
  })
})

describe('waitForHealth', () => {
  it('resolves when an address becomes well, whoever serves it', async () => {
    const port = await freePort()
    const waits = [
      waitForHealth(`http://127.0.0.1:${port}/`),
      waitForHealth(`localhost:${port}`, 10_000),
      waitForHealth(`127.0.0.1:${port}`, { intervalMs: 20 }),
    ]
    await pause(100)
    await serve((_, response) => response.end('ok'), '127.0.0.1', port)
    await Promise.all(waits)
  })

  it.each([
    ['nobody serves it', async () => `http://127.0.0.1:${await freePort()}/`, 'connection refused'],
    ['it is not well', async () => (await aPeer({ '/': failing })).url('/'), 'status 503'],
    ['it redirects', async () => (await aPeer({ '/': { status: 301, headers: { location: '/ok' } } })).url('/'), 'status 301'],
    ['no port is open', async () => `127.0.0.1:${await freePort()}`, 'connection refused'],
    ['it hangs', async () => (await aPeer({ '/': { hang: true } })).url('/'), 'timeout after \\d+ ms'],
  ])('when %s: the reason is in the error', async (_, address, reason) => {
    const target = await address()
    const error = await rejection(waitForHealth(target, 250))
    expect(error).toMatchObject({ code: 'PROCMAN_TIMEOUT', details: { target, timeoutMs: 250 } })
    expect(error.message).toMatch(new RegExp(`is not healthy after 250 ms: ${reason}$`))
  })

  it('ends when the caller gives up, and refuses what is no address', async () => {
    const caller = new AbortController()
    const waiting = rejection(waitForHealth(`127.0.0.1:${await freePort()}`, { signal: caller.signal }))
    caller.abort()
    expect((await waiting).code).toBe('PROCMAN_ABORTED')
    for (const target of ['', 'web', 'ftp://x/', '127.0.0.1', '127.0.0.1:99999', ':80'])
      expect((await rejection(waitForHealth(target))).code).toBe('PROCMAN_INVALID_ARGUMENT')
  })
})

describe('closing the supervisor in the middle', () => {
  const hangs = async () => (await aPeer({ '/': { hang: true }, '/ok': {}, '/no': failing })).url
  const cases: readonly (readonly [string, ProcessState, (url: (path: string) => string) => Partial<ProcessInput>])[] = [
    ['of an http probe that hangs', 'running', (url) => ({ health: { liveness: http(url('/'), { timeoutMs: 3_600_000 }) } })],
    ['between http probes over a kept connection', 'running', (url) => ({ health: { liveness: http(url('/ok'), { intervalMs: 100 }) } })],
    ['of a tcp probe and a long interval', 'running', (url) => ({ health: { liveness: { tcp: new URL(url('/')).host, intervalMs: 3_600_000 } } })],
    ['of a grpc probe that hangs', 'running', (url) => ({ health: { liveness: { ...often, grpc: new URL(url('/')).host, timeoutMs: 3_600_000 } } })],
    ['of an exec probe', 'running', () => ({ health: { liveness: { ...often, exec: ['sleep', '611'], timeoutMs: 3_600_000 } } })],
    ['of a function probe that never answers', 'running', () => ({ health: { liveness: { ...often, function: 'never', timeoutMs: 3_600_000 } } })],
    ['of a start with a deadline', 'starting', (url) => ({ health: { startup: http(url('/no')) }, startupTimeoutMs: 3_600_000 })],
    ['of a wait for a line', 'starting', () => ({ ready: { logLine: 'never' } })],
    ['of a wait for a descriptor', 'starting', () => ({ ready: { notifyFd: 3 } })],
    ['of a wait for time', 'starting', () => ({ ready: { delayMs: 3_600_000 }, startupTimeoutMs: 7_200_000 })],
    ['of being unhealthy', 'unhealthy', (url) => ({ health: { liveness: http(url('/no'), { failureThreshold: 1, onFailure: 'report' }) } })],
    ['of a stop for failed health', 'stopping', (url) => ({ ...deaf, health: { liveness: http(url('/no'), { failureThreshold: 1 }) }, restart: 'always' })],
    ['of a long backoff', 'backoff', () => ({ command: 'false', args: [], restart: { strategy: 'always', delayMs: 3_600_000 } })],
    ['of an open breaker', 'backoff', () => ({ command: 'false', args: [], restart: { strategy: 'always', delayMs: 0 }, breaker: { failures: 1 } })],
    ['of a launch with a port', 'starting', () => ({ ports: { http: 'any' } })],
    [
      'of waiting to forgive',
      'running',
      () => ({ command: 'sh', args: ['-c', '[ $PROCMAN_RUN = 1 ] && exit 1; exec sleep 600'], restart: { strategy: 'always', delayMs: 0 } }),
    ],
  ]
  const deaf = { command: 'sh', args: ['-c', 'trap "" TERM; while :; do sleep 0.1; done'], stop: { timeoutMs: 3_600_000 } } as const

  it.each(cases)('%s lets the program end', async (_, state, inputOf) => {
    const home = aHome()
    const input = sleeper({ id: 'web', ...inputOf(await hangs()) })
    const child = run([fixture('closes.mjs'), DIST, JSON.stringify({ stateDir: home.stateDir }), JSON.stringify(input), state, '60'])
    let said = ''
    child.stdout?.on('data', (text) => {
      said += text
    })
    const [code] = await once(child, 'close')
    expect({ code, said }).toEqual({ code: 0, said: expect.stringMatching(/^(PROCMAN_CLOSED|\[object Object\])\n$/) })
  })
})

describe('nothing is left', () => {
  it('of services that are shut down: no process, no port, no connection', async () => {
    const peer = await aPeer()
    const home = aHome()
    const supervisor = await home.supervisor()
    const range = await freeRange(10)
    const exec = { ...often, exec: ['sh', '-c', `echo $$ >> ${home.path('probes')}; sleep 613`], timeoutMs: 3_600_000, onFailure: 'report' } as const
    const health = { liveness: exec, readiness: http(peer.url('/')) }
    await Promise.all(Array.from({ length: 10 }, (_, n) => supervisor.start(sleeper({ id: `w-${n}`, ports: { http: { range } }, restart: 'always', health }))))
    await Promise.all(supervisor.list().map(({ id }) => supervisor.waitFor(id, 'ready')))
    await recordWhen(supervisor, 'w-0', 'is ready', ({ ready }) => ready)
    await until('all are probed', () => home.text('probes').split('\n').length > 10)
    await supervisor.shutdown()
    expect(home.strays()).toEqual([])
    await until(
      'the probes are gone',
      () =>
        !home
          .text('probes')
          .split('\n')
          .slice(0, -1)
          .some((pid) => lives(Number(pid))),
    )
    await until('connections are closed', () => peer.connections.every(({ destroyed }) => destroyed))
    for (let port = range[0]; port <= range[1]; port++) expect(await isFree(port)).toBe(true)
    await listen(createServer(), '127.0.0.1', range[0])
  })
})

/** A Node program that is killed at the end of the test if it does not end by itself. */
function run(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) kill(child.pid)
  })
  return child
}
