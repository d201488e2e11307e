// 500 HTTP targets asked once a second for a while, by a supervisor with 500 processes and by bare undici: CPU of the process that asks, as a share of a core.
import { createServer } from 'node:http'
import { median, NONCE, scratch, sleep, times, worker } from './harness.mjs'

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
  const shares = { supervisor: [], undici: [] }
  for (let round = 0; round < ROUNDS; round++) for (const [kind, all] of Object.entries(shares)) all.push(await shareOf(kind, ports))
  await server.end()
  const [ours, reference] = [median(shares.supervisor), median(shares.undici)]
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
    const { count, end } = await KINDS[kind](urls)
    await sleep(WARM_MS)
    const [before, startedAt, counted] = [process.cpuUsage(), performance.now(), count()]
    await sleep(MEASURED_MS)
    const { user, system } = process.cpuUsage(before)
    const tookMs = performance.now() - startedAt
    const [answers, wanted] = [count() - counted, (TARGETS * tookMs) / INTERVAL_MS]
    await end()
    if (answers < wanted * 0.95) throw new Error(`${kind}: ${answers} answers of ${Math.round(wanted)}`)
    return (user + system) / 1000 / tookMs
  },
}

const KINDS = {
  async supervisor(urls) {
    const { createSupervisor } = await import('../../dist/index.js')
    const supervisor = await createSupervisor({ stateDir: scratch() })
    let answers = 0
    for (const [index, url] of urls.entries()) {
      const health = { liveness: { http: url, intervalMs: INTERVAL_MS } }
      const process = await supervisor.start({ id: `p${index}`, command: 'sleep', args: ['600'], env: { PROCMAN_BENCH: NONCE }, restart: 'always', health })
      let last
      process.subscribe(({ context }) => {
        if (context.probes.liveness !== last && context.probes.liveness?.body === BODY) answers++
        last = context.probes.liveness
      })
    }
    return { count: () => answers, end: () => supervisor.shutdown() }
  },

  async undici(urls) {
    const asks = await Promise.all(urls.map(bare))
    let answers = 0
    const probe = async (ask) => {
      if ((await ask()) === BODY.length) answers++
    }
    for (const [index, ask] of asks.entries()) setTimeout(() => setInterval(probe, INTERVAL_MS, ask), (index * INTERVAL_MS) / TARGETS)
    return { count: () => answers, end: async () => {} }
  },
}

async function bare(url) {
  const { Client } = await import('undici')
  const { origin, pathname: path } = new URL(url)
  const client = new Client(origin, { keepAliveTimeout: 60_000 })
  return async () => (await (await client.request({ path, method: 'GET' })).body.text()).length
}
