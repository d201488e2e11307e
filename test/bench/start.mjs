// 500 processes started, at a small heap and beside 500 MB of objects; and how long the event loop was blocked at most meanwhile.
import { spawn } from 'node:child_process'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { kill, median, ms, scratch, spawnWithFiles, times, worker } from './harness.mjs'

const PROCESSES = 500
const ROUNDS = 5
const HEAPS = [
  { name: 'small heap', megabytes: 0, aim: '≥ 1× (aim 2×)' },
  { name: '500 MB heap', megabytes: 500, aim: '≥ 5×' },
]

export async function run() {
  const rows = []
  let blocked = { histogram: 0, gap: 0 }
  const bareBlocked = []
  for (const { name, megabytes, aim } of HEAPS) {
    const ours = []
    const bare = []
    for (let round = 0; round < ROUNDS; round++) {
      bare.push((await once('bare', megabytes, false)).ms)
      ours.push((await once('ours', megabytes, false)).ms)
    }
    for (let round = 0; round < 3; round++) {
      const seen = await once('ours', megabytes, true)
      if (seen.gap > blocked.gap) blocked = seen
    }
    bareBlocked.push((await once('bare', megabytes, true)).gap)
    const label = `${PROCESSES} processes started, ${name}`
    rows.push({
      name: label,
      ours: ms(median(ours)),
      reference: `${ms(median(bare))} (spawn loop)`,
      ratio: `${times(median(bare) / median(ours))} as fast`,
      aim,
    })
  }
  const reference = `${ms(Math.max(...bareBlocked))} (spawn loop with a turn of the loop after each)`
  rows.push({ name: 'longest block of the event loop in it', ours: `${ms(blocked.gap)} (histogram: ${ms(blocked.histogram)})`, reference, aim: '≤ 20 ms' })
  return rows
}

async function once(op, megabytes, isWatched) {
  const side = worker('./start.mjs', { execArgv: ['--max-old-space-size=3000'] })
  try {
    return await side.ask(op, { dir: scratch(), megabytes, isWatched })
  } finally {
    await side.end()
  }
}

export const ops = {
  async ours({ dir, megabytes, isWatched }) {
    const { createSupervisor } = await import('../../dist/index.js')
    const supervisor = await createSupervisor({ stateDir: dir })
    await supervisor.start({ command: 'true' })
    const result = await measured(megabytes, isWatched, () =>
      Promise.all(Array.from({ length: PROCESSES }, () => supervisor.start({ command: 'sleep', args: ['600'] }))),
    )
    await supervisor.shutdown({ timeoutMs: 0 })
    return result
  },
  async bare({ dir, megabytes, isWatched }) {
    const children = []
    await new Promise((resolve) => spawnWithFiles(spawn, dir, 'first', 'true', []).once('exit', resolve))
    const result = await measured(megabytes, isWatched, async () => {
      for (let index = 0; index < PROCESSES; index++) {
        children.push(spawnWithFiles(spawn, dir, index, 'sleep', ['600']))
        if (isWatched) await new Promise(setImmediate)
      }
    })
    const ends = children.map((child) => new Promise((resolve) => child.once('exit', resolve)))
    for (const { pid } of children) kill(pid, 'SIGKILL')
    await Promise.all(ends)
    return result
  },
}

async function measured(megabytes, isWatched, work) {
  const ballast = Array.from({ length: megabytes * 6_000 }, (_, index) => ({ index, name: `object ${index}`, next: [index] }))
  global.gc()
  await new Promise((resolve) => setTimeout(resolve, 500))
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  let gap = 0
  let isOver = false
  if (isWatched) {
    histogram.enable()
    let last = performance.now()
    const look = () => {
      const now = performance.now()
      gap = Math.max(gap, now - last)
      last = now
      if (!isOver) setImmediate(look)
    }
    look()
  }
  const startedAt = performance.now()
  await work()
  const took = performance.now() - startedAt
  isOver = true
  histogram.disable()
  await new Promise(setImmediate)
  return { ms: took, gap, histogram: isWatched ? histogram.max / 1e6 : 0, heapMB: process.memoryUsage().heapUsed / 2 ** 20, kept: ballast.length }
}
