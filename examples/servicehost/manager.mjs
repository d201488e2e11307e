/**
 * node manager.mjs [--state-dir DIR] [--instances FILE]: runs the service hosts of a list, each on a port of its own, and prints what becomes of them.
 * What the state directory knows already is left as it is: killed with SIGKILL and started again, this program goes on where it was.
 * SIGINT and SIGTERM stop everything; SIGHUP leaves everything running.
 */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createReconciler, createSupervisor, fromInstances } from 'procman'

const beside = (name) => fileURLToPath(new URL(name, import.meta.url))
const { values } = parseArgs({ options: { 'state-dir': { type: 'string' }, instances: { type: 'string', default: beside('instances.json') } } })

const PROBE = { http: { path: '/api/status' }, intervalMs: 1_000 }

const template = ({ wasmPath, dbName, env = {} }) => ({
  command: beside('servicehost'),
  args: ['-wasm', '${meta.wasmPath}', '-dbPath', '${meta.dbName}', '-port', '${port.http}', '-chaos'],
  env,
  ports: { http: { range: [30_000, 31_000], host: '127.0.0.1' } },
  labels: { app: 'servicehost' },
  meta: { wasmPath: resolve(dirname(values.instances), wasmPath), dbName },
  health: { readiness: PROBE, liveness: { ...PROBE, timeoutMs: 1_000, failureThreshold: 2 } },
  restart: { strategy: 'always', maxAttempts: 0, delayMs: 200, maxDelayMs: 2_000 },
  breaker: { failures: 4, windowMs: 30_000, cooldownMs: 8_000 },
})

const supervisor = await createSupervisor({ stateDir: values['state-dir'] })
supervisor.actor.on('*', ({ type, id, ...facts }) => say(id, type, facts))

const provider = fromInstances({ source: async () => JSON.parse(await readFile(values.instances, 'utf8')), template, name: values.instances })
const reconciler = createReconciler({ supervisor, provider })

// A supervisor alone keeps no program alive, for example when all of its processes have ended.
const alive = setInterval(() => {}, 2 ** 31 - 1)
process.once('SIGINT', () => leave('shutdown'))
process.once('SIGTERM', () => leave('shutdown'))
process.once('SIGHUP', () => leave('close'))

for (const { id, state, run, pid } of supervisor.list()) say(id, 'taken over', { state, run, pid })
// One that cannot be started is told of and harms none of the others.
reconciler.actor.on('reconciler.failed', ({ id, code, message }) => say(id, 'failed', { code, message }))
try {
  await reconciler.apply()
} catch (error) {
  if (error.code !== 'PROCMAN_CLOSED') throw error // It was left meanwhile.
}

async function leave(how) {
  clearInterval(alive)
  reconciler.close()
  await supervisor[how]()
}

function say(id, what, facts) {
  const words = Object.entries(facts).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  process.stdout.write(`${[new Date().toISOString(), id ?? '-', what, ...words].join(' ')}\n`)
}
