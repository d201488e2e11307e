// 1000 idle processes: what managing them costs in memory and CPU, and how long stopping all of them takes.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { keepersOf, kill, median, ms, scratch, sleep, spawnWithFiles, text, times, worker } from './harness.mjs'

const PROCESSES = 1_000
const STOP_ROUNDS = 3
const SETTLE_MS = 15_000
const IDLE_MS = 10_000

export async function run() {
  const rows = []
  const ours = []
  const bare = []
  for (let round = 0; round < STOP_ROUNDS; round++) {
    const dir = scratch()
    const side = worker('./memory.mjs')
    const { helpers } = await side.ask('ours', { dir })
    if (round === 0) rows.push(...(await atRest(side.pid, helpers, dir)))
    ours.push(await side.ask('oursStop'))
    await side.end()
    const other = worker('./memory.mjs')
    await other.ask('bare', { dir: scratch() })
    bare.push(await other.ask('bareStop'))
    await other.end()
  }
  const [a, b] = [median(ours), median(bare)]
  rows.push({
    name: `all ${PROCESSES} polite ones stopped`,
    ours: ms(a),
    reference: `${ms(b)} (loop of kill, all 'exit's)`,
    ratio: times(a / b),
    aim: '≤ 1.5×',
  })
  return rows
}

async function atRest(manager, helpers, dir) {
  // V8 gives back what the starts needed after some idle seconds.
  await sleep(SETTLE_MS)
  const keepers = keepersOf(dir)
  if (keepers.length !== PROCESSES) throw new Error(`${keepers.length} keepers of ${PROCESSES}`)
  const own = [manager, ...helpers]
  const before = cpuMs([...own, ...keepers])
  await sleep(IDLE_MS)
  const percent = ((cpuMs([...own, ...keepers]) - before) / IDLE_MS) * 100
  const [managerKb, keeperKb] = [sum(own.map(privateKb)), sum(keepers.map(privateKb))]
  const each = (managerKb + keeperKb) / PROCESSES
  return [
    {
      name: `private memory per process, ${PROCESSES} processes`,
      ours: `${each.toFixed(0)} KB (manager ${(managerKb / PROCESSES).toFixed(0)}, keeper ${(keeperKb / PROCESSES).toFixed(0)})`,
      reference: '122 KB (s6)',
      ratio: times(each / 122),
      aim: '< 122 KB',
    },
    { name: `CPU at rest, manager and ${PROCESSES} keepers`, ours: `${percent.toFixed(3)} % of a core`, aim: '< 0.1 %' },
  ]
}

const sum = (values) => values.reduce((total, value) => total + value, 0)

function privateKb(pid) {
  return sum([...text(`/proc/${pid}/smaps_rollup`).matchAll(/^Private_\w+:\s+(\d+) kB/gm)].map((match) => Number(match[1])))
}

/** schedstat counts in ns, where stat counts in ticks of 10 ms. */
function cpuMs(pids) {
  return sum(pids.map((pid) => sum(readdirSync(`/proc/${pid}/task`).map((task) => Number(text(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0]) / 1e6))))
}

let supervisor
let children

export const ops = {
  async ours({ dir }) {
    const { createSupervisor } = await import('../../dist/index.js')
    supervisor = await createSupervisor({ stateDir: dir })
    await Promise.all(Array.from({ length: PROCESSES }, () => supervisor.start({ command: 'sleep', args: ['600'] })))
    // The spawner is the only child of this process.
    return { helpers: text(`/proc/self/task/${process.pid}/children`).trim().split(' ').filter(Boolean).map(Number) }
  },
  async oursStop() {
    const startedAt = performance.now()
    await Promise.all(supervisor.list().map(({ id }) => supervisor.stop(id)))
    const took = performance.now() - startedAt
    await supervisor.close()
    return took
  },
  bare({ dir }) {
    children = Array.from({ length: PROCESSES }, (_, index) => spawnWithFiles(spawn, dir, index, 'sleep', ['600']))
  },
  async bareStop() {
    const ends = children.map((child) => new Promise((resolve) => child.once('exit', resolve)))
    const startedAt = performance.now()
    for (const { pid } of children) kill(pid, 'SIGTERM')
    await Promise.all(ends)
    return performance.now() - startedAt
  },
}
