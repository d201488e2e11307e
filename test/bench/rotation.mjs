// What a writer at full speed feels of rotation: the time of each write(), and how many bytes a second, with rotation and without, in turn.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { median, ms, quantile, scratch, times, worker } from './harness.mjs'

const MAX_BYTES = 10 * 2 ** 20
const LINE_BYTES = 200
const BYTES = 30 * MAX_BYTES
const ROUNDS = 3
const MIB = 2 ** 20

/** Writes a line at a time, and then into the file named by its argument: the time of one write() at some quantiles, and the longest in each 10 MB, in ms. */
const WRITER = `
const { writeSync, writeFileSync } = require('node:fs')
const line = Buffer.from('x'.repeat(${LINE_BYTES - 1}) + '\\n')
const counts = new Map(), longest = []
const startedAt = performance.now()
for (let n = 0; n < ${BYTES / LINE_BYTES}; n++) {
  const from = performance.now()
  writeSync(1, line)
  const took = performance.now() - from
  const bucket = took < 1 ? Math.round(took * 1000) : 1000 * Math.round(took)
  counts.set(bucket, (counts.get(bucket) ?? 0) + 1)
  const window = Math.floor((n * ${LINE_BYTES}) / ${MAX_BYTES})
  if (!(longest[window] >= took)) longest[window] = took
}
const seconds = (performance.now() - startedAt) / 1000
const sorted = [...counts].sort((a, b) => a[0] - b[0])
const at = (q) => { let left = (q * ${BYTES / LINE_BYTES}) ; for (const [us, count] of sorted) if ((left -= count) <= 0) return us / 1000; return sorted.at(-1)[0] / 1000 }
writeFileSync(process.argv[1], JSON.stringify({ p50: at(0.5), p99: at(0.99), p9999: at(0.9999), max: Math.max(...longest), longest, rate: ${BYTES} / seconds }))
`

export async function run() {
  const with_ = []
  const without = []
  for (let round = 0; round < ROUNDS; round++) {
    without.push(await measured({ rotate: false }))
    with_.push(await measured({ maxSizeBytes: MAX_BYTES, maxFiles: 3 }))
  }
  const row = (name, of, aim = 'as without') => {
    const [ours, reference] = [with_, without].map((all) => of(all))
    return { name, ours: short(ours), reference: `${short(reference)} (not rotated)`, ratio: `${short(Math.max(0, ours - reference))} more`, aim }
  }
  const longest = (q) => (all) =>
    quantile(
      all.flatMap((each) => each.longest),
      q,
    )
  const [rate, bare] = [with_, without].map((all) => median(all.map((each) => each.rate)))
  return [
    row('a write() while its log is rotated, p50', (all) => median(all.map((each) => each.p50))),
    row('the same, p99', (all) => median(all.map((each) => each.p99)), '< 2 ms'),
    row('the same, p99.99', (all) => median(all.map((each) => each.p9999))),
    row('the longest write() of each 10 MB, p50', longest(0.5), '< 2 ms more'),
    row('the same, p99', longest(0.99)),
    row('the same, max', longest(1)),
    {
      name: 'throughput of a writer of 200-byte lines, rotated at 10 MB',
      ours: `${(rate / MIB).toFixed(0)} MB/s`,
      reference: `${(bare / MIB).toFixed(0)} MB/s (not rotated)`,
      ratio: times(rate / bare),
      aim: '≥ 0.7×',
    },
  ]
}

const short = (value) => (value < 1 ? `${(value * 1000).toFixed(0)} µs` : ms(value))

async function measured(logs) {
  const own = worker(import.meta.url)
  const result = await own.ask('write', { logs })
  await own.end()
  return result
}

export const ops = {
  async write({ logs }) {
    const { createSupervisor } = await import('../../dist/index.js')
    const dir = scratch()
    const supervisor = await createSupervisor({ stateDir: join(dir, 'state') })
    const result = join(dir, 'result')
    const { id } = await supervisor.start({ command: process.execPath, args: ['-e', WRITER, result], id: 'writer', logs })
    await supervisor.wait(id)
    await supervisor.remove(id)
    await supervisor.close()
    return JSON.parse(readFileSync(result, 'utf8'))
  },
}
