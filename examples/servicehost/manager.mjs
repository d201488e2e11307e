/**
 * node manager.mjs [--state-dir DIR] [--instances FILE]: runs the service hosts of a list, each on a port of its own, and prints what becomes of them.
 * What the state directory knows already is left as it is: killed with SIGKILL and started again, this program goes on where it was.
 * SIGINT and SIGTERM stop everything; SIGHUP leaves everything running.
 */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createSupervisor } from 'procman'

const beside = (name) => fileURLToPath(new URL(name, import.meta.url))
const { values } = parseArgs({ options: { 'state-dir': { type: 'string' }, instances: { type: 'string', default: beside('instances.json') } } })

const PROBE = { http: { path: '/api/status' }, intervalMs: 1_000 }

const specOf = ({ instanceId, wasmPath, dbName, env = {} }) => ({
  id: instanceId,
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

const instances = JSON.parse(await readFile(values.instances, 'utf8'))
const supervisor = await createSupervisor({ stateDir: values['state-dir'] })
supervisor.actor.on('*', ({ type, id, ...facts }) => say(id, type, facts))

// A supervisor alone keeps no program alive, for example when all of its processes have ended.
const alive = setInterval(() => {}, 2 ** 31 - 1)
let isLeaving = false
process.once('SIGINT', () => leave('shutdown'))
process.once('SIGTERM', () => leave('shutdown'))
process.once('SIGHUP', () => leave('close'))

await Promise.all(instances.map(ensure))

/** One that cannot be started, or is not ready, is told of and harms none of the others. */
async function ensure(instance) {
  const id = instance.instanceId
  const known = supervisor.list().find((record) => record.id === id)
  if (known !== undefined) return say(id, 'taken over', { state: known.state, run: known.run, pid: known.pid })
  try {
    await supervisor.start(specOf(instance))
    await supervisor.waitFor(id, 'ready', { timeoutMs: 30_000 })
  } catch (error) {
    if (!isLeaving) say(id, 'not ready', { code: error.code, message: error.message })
  }
}

async function leave(how) {
  isLeaving = true
  clearInterval(alive)
  await supervisor[how]()
}

function say(id, what, facts) {
  const words = Object.entries(facts).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  process.stdout.write(`${[new Date().toISOString(), id ?? '-', what, ...words].join(' ')}\n`)
}
