// 500 HTTP targets asked once a second for a while, by our checkers and by bare undici: CPU of the process that asks, as a share of a core.
import { createServer } from 'node:http'
import { median, sleep, times, worker } from './harness.mjs'

const TARGETS = 500
const PORTS = 10
const INTERVAL_MS = 1_000
const WARM_MS = 3_000
const MEASURED_MS = 8_000
const ROUNDS = 3
const BODY = JSON.stringify({ status: 'ok', uptime: 12_345, checks: { db: 'up', queue: 'up' } })

export async function run() {
  const server = worker(import.meta.url)
  const ports = await server.ask('serve')
  const shares = { checkers: [], undici: [] }
  for (let round = 0; round < ROUNDS; round++) for (const [kind, all] of Object.entries(shares)) all.push(await shareOf(kind, ports))
  await server.end()
  const [ours, reference] = [median(shares.checkers), median(shares.undici)]
  return [
    {
      name: `CPU of ${TARGETS} HTTP probes a second`,
      ours: percent(ours),
      reference: `${percent(reference)} (bare undici)`,
      ratio: `${times(ours / reference)}, ${percent(ours - reference)} more`,
      aim: '< 10 % of a core more',
    },
  ]
}

const percent = (share) => `${(share * 100).toFixed(1)} %`

async function shareOf(kind, ports) {
  const asker = worker(import.meta.url)
  const share = await asker.ask('measure', { kind, ports })
  await asker.end()
  return share
}

export const ops = {
  async serve() {
    const servers = Array.from({ length: PORTS }, () => createServer((_, response) => response.end(BODY)).listen(0, '127.0.0.1'))
    for (const server of servers) server.keepAliveTimeout = 60_000
    await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))))
    return servers.map((server) => server.address().port)
  },

  async measure({ kind, ports }) {
    const urls = Array.from({ length: TARGETS }, (_, index) => `http://127.0.0.1:${ports[index % PORTS]}/health/${index}`)
    const asks = await Promise.all(urls.map(kind === 'checkers' ? checker : bare))
    let answers = 0
    const probe = async (ask) => {
      if ((await ask()) === BODY.length) answers++
    }
    for (const [index, ask] of asks.entries()) setTimeout(() => setInterval(probe, INTERVAL_MS, ask), (index * INTERVAL_MS) / TARGETS)
    await sleep(WARM_MS)
    const [before, startedAt] = [process.cpuUsage(), performance.now()]
    answers = 0
    await sleep(MEASURED_MS)
    const { user, system } = process.cpuUsage(before)
    const tookMs = performance.now() - startedAt
    const wanted = (TARGETS * tookMs) / INTERVAL_MS
    if (answers < wanted * 0.95) throw new Error(`${kind}: ${answers} answers of ${Math.round(wanted)}`)
    return (user + system) / 1000 / tookMs
  },
}

async function checker(url) {
  const { createChecker } = await import('../../dist/effects/probe/checker.js')
  const check = { kind: 'http', url, method: 'GET', headers: {}, status: [[200, 200]], tls: {} }
  const own = createChecker(check, { cwd: '/', env: () => ({}), probeFunction: () => undefined, about: { id: 'web', run: 1 } })
  const { signal } = new AbortController()
  return async () => (await own.check(5_000, signal)).body?.length
}

async function bare(url) {
  const { Client } = await import('undici')
  const { origin, pathname: path } = new URL(url)
  const client = new Client(origin, { keepAliveTimeout: 60_000 })
  return async () => (await (await client.request({ path, method: 'GET' })).body.text()).length
}
