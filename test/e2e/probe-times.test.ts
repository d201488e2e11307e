/** When a process is asked, over which connection, and what is kept of the answers. */
import { describe, expect, it } from 'vitest'
import { aHome, pause, sleeper, until } from './harness.ts'
import { aPeer, at, http, recordWhen, Service } from './services.ts'

describe('what is kept', () => {
  it('the last 20 results, each with its time, how long it took, and why it failed', async () => {
    const peer = await aPeer({ '/': { afterMs: 15 } })
    const supervisor = await aHome().supervisor()
    const beganAtMs = Date.now()
    const { id } = await supervisor.start(sleeper({ health: { liveness: http(peer.url('/'), { intervalMs: 25, onFailure: 'report' }) } }))
    await until('it was asked often', () => peer.asked.length > 8)
    peer.rules['/'] = { status: 500 }
    const record = await recordWhen(supervisor, id, 'fails', ({ health }) => (health?.liveness?.failures ?? 0) >= 14)
    const results = record.health?.liveness?.results ?? []
    expect(results).toHaveLength(20)
    expect(results.slice(-14).every(({ cause }) => cause === 'status 500')).toBe(true)
    expect(results[0]?.cause).toBe(null)
    expect(results[0]?.latency_ms).toBeGreaterThanOrEqual(14)
    const times = results.map(({ at }) => Date.parse(at))
    expect(times).toEqual([...times].sort((a, b) => a - b))
    expect(times[0]).toBeGreaterThanOrEqual(beganAtMs)
    expect(times.at(-1)).toBeLessThanOrEqual(Date.now())
  })

  it('outlives the manager', async () => {
    const peer = await aPeer({ '/': { body: '{"n":1}' } })
    const home = aHome()
    const first = await home.supervisor()
    const { id } = await first.start(
      sleeper({ health: { liveness: http(peer.url('/'), { intervalMs: 3_600_000, startIntervalMs: 20, initialDelayMs: 0 }), startup: http(peer.url('/')) } }),
    )
    await first.waitFor(id, 'ready')
    const { health } = first.get(id)
    await first.close()
    expect((await home.supervisor()).get(id).health).toEqual(health)
  })
})

describe('times', () => {
  it('do not drift: they are counted from the beginning of one probe to that of the next', async () => {
    const peer = await aPeer({ '/': { afterMs: 100 } })
    const supervisor = await aHome().supervisor()
    await supervisor.start(sleeper({ health: { liveness: http(peer.url('/'), { intervalMs: 250 }) } }))
    await until('it was asked nine times', () => peer.asked.length >= 9)
    const times = peer.asked.map(({ atMs }) => atMs)
    // Counted from the end of each, the ninth would come 800 ms too late.
    expect(Math.abs((times[8] ?? 0) - (times[0] ?? 0) - 8 * 250)).toBeLessThan(400)
  })

  it('never have two of one kind at once: a server that is slower than the interval is asked when it has answered', async () => {
    const home = aHome()
    const service = new Service(home)
    service.steer({ '/live': { afterMs: 90 }, '/ready': { afterMs: 70 } })
    const supervisor = await home.supervisor()
    const fast = { intervalMs: 20, startIntervalMs: 20 }
    await supervisor.start(service.input({ health: { startup: at('/startup'), liveness: at('/live', fast), readiness: at('/ready', fast) } }))
    await until('it was asked often', () => service.asked('/live').length > 8 && service.asked('/ready').length > 8)
    expect(Math.max(...service.asked().map(({ active }) => active))).toBe(2) // one of each
    const connections = (path: string) => new Set(service.asked(path).map(({ connection }) => connection)).size
    expect([connections('/live'), connections('/ready')]).toEqual([1, 1])
  })

  it('of the first probes of thirty processes are spread over the interval', async () => {
    const peer = await aPeer()
    const supervisor = await aHome().supervisor()
    const ids = Array.from({ length: 30 }, (_, n) => `worker-${n}`)
    await Promise.all(ids.map((id) => supervisor.start(sleeper({ id, health: { liveness: http(peer.url(`/${id}`), { intervalMs: 2_000 }) } }))))
    await until('all were asked', () => ids.every((id) => peer.asked.some(({ path }) => path === `/${id}`)))
    const times = ids.map((id) => peer.asked.find(({ path }) => path === `/${id}`)?.atMs ?? 0).sort((one, other) => one - other)
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(1_000)
    const atOnce = times.map((first) => times.filter((time) => time >= first && time < first + 200).length)
    expect(Math.max(...atOnce)).toBeLessThan(20)
  })

  it('begin after initialDelayMs', async () => {
    const peer = await aPeer()
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper({ health: { readiness: http(peer.url('/'), { initialDelayMs: 500 }) } }))
    const { started_at } = await supervisor.waitFor(id, 'ready')
    expect((peer.asked[0]?.atMs ?? 0) - Date.parse(started_at ?? '')).toBeGreaterThanOrEqual(495)
  })

  it('are those of startIntervalMs until it is ready, then of intervalMs', async () => {
    const peer = await aPeer({ '/': { status: 503 } })
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper({ health: { readiness: http(peer.url('/'), { startIntervalMs: 30, intervalMs: 3_600_000 }) } }))
    await until('it was asked often', () => peer.asked.length > 5)
    peer.rules['/'] = {}
    await supervisor.waitFor(id, 'ready')
    const asked = peer.asked.length
    await pause(300)
    expect(peer.asked).toHaveLength(asked)
  })
})

describe('a connection', () => {
  it('is kept: all probes of a run come over one, those of the next run over another', async () => {
    const peer = await aPeer()
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper({ health: { liveness: http(peer.url('/')) }, restart: 'always' }))
    await until('it was asked often', () => peer.asked.length >= 10)
    expect(new Set(peer.asked.map(({ connection }) => connection))).toEqual(new Set([1]))
    await supervisor.restart(id)
    await until('it is asked again', () => peer.asked.some(({ connection }) => connection === 2))
    const more = peer.asked.length + 5
    await until('it is asked on', () => peer.asked.length >= more)
    expect(peer.connections).toHaveLength(2)
    await supervisor.stop(id)
    await until('none is left', () => peer.connections.every(({ destroyed }) => destroyed))
  })

  it('that the server has closed costs no failure', async () => {
    const peer = await aPeer({ '/': { headers: { connection: 'close' } } })
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start(sleeper({ health: { liveness: http(peer.url('/'), { failureThreshold: 1, onFailure: 'report' }) } }))
    await until('it was asked often', () => peer.asked.length >= 10)
    expect(supervisor.get(id).health?.liveness?.results.every(({ cause }) => cause === null)).toBe(true)
  })
})
