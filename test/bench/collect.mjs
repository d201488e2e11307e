// A million lines of a log to a file, each as a record in JSON: by a collector, by Node's readline with the same records (lines are read and written one by one), and by
// pm2 where it is installed (there the program writes through pm2, which writes its own JSON). And what `cat` takes to read the log.
import { execFileSync, spawnSync } from 'node:child_process'
import { createReadStream, createWriteStream, existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { median, ms, scratch, sleep, text, times, worker } from './harness.mjs'

const LINES = 1_000_000
const ROUNDS = 3
const WRITER = `
const { writeSync } = require('node:fs')
let lines = ''
for (let n = 1; n <= ${LINES}; n++) {
  lines += LINE
  if (lines.length > 1e6 || n === ${LINES}) {
    for (let bytes = Buffer.from(lines); bytes.length > 0; ) {
      try { bytes = bytes.subarray(writeSync(1, bytes)) } catch (error) { if (error.code !== 'EAGAIN') throw error }
    }
    lines = ''
  }
}`
const KINDS = {
  text: WRITER.replace('LINE', '`2026-11-26 17:41:45 request ${n} from 10.0.0.1 took 12 ms and was answered with 200, as it should be\\n`'),
  JSON: WRITER.replace('LINE', '`{"level":30,"time":${1732640000000 + n},"pid":4711,"hostname":"host","msg":"request ${n}","ms":12,"status":200}\\n`'),
}

export async function run() {
  const rows = []
  for (const [kind, script] of Object.entries(KINDS)) {
    const took = { collector: [], readline: [], cat: [] }
    const side = worker(import.meta.url)
    const dir = scratch()
    const log = await side.ask('write', { dir, script })
    for (let round = 0; round < ROUNDS; round++) {
      took.cat.push(timed(() => spawnSync('sh', ['-c', `cat "$1" > /dev/null`, 'sh', log])))
      took.readline.push(await side.ask('readline', { dir, log }))
      took.collector.push(await side.ask('collect', { dir, round }))
    }
    await side.ask('close')
    await side.end()
    const [ours, reference, cat] = [took.collector, took.readline, took.cat].map(median)
    rows.push({
      name: `a million lines of ${kind} to a JSON file`,
      ours: ms(ours),
      reference: `${ms(reference)} (readline), ${ms(cat)} (cat > /dev/null)`,
      ratio: `${times(ours / reference)}, ${times(ours / cat)} cat`,
      aim: '< 1 × readline',
    })
    const pm2 = kind === 'text' ? await pm2Took(script) : null
    if (pm2 !== null)
      rows.push({ name: 'the same through pm2, from start to last line', ours: ms(ours), reference: `${ms(pm2)} (pm2)`, ratio: times(ours / pm2), aim: '< 1' })
  }
  return rows
}

function timed(act) {
  const startedAt = performance.now()
  act()
  return performance.now() - startedAt
}

/** @returns null: there is no pm2 */
async function pm2Took(script) {
  if (spawnSync('pm2', ['--version'], { env: { ...process.env, PM2_HOME: '/nowhere' } }).error !== undefined) return null
  const dir = scratch()
  const env = { ...process.env, PM2_HOME: join(dir, 'pm2') }
  const pm2 = (...args) => execFileSync('pm2', args, { env, stdio: 'ignore' })
  const out = join(dir, 'out.json')
  try {
    pm2('ping')
    const startedAt = performance.now()
    pm2('start', process.execPath, '--name', 'writer', '--no-autorestart', '--log-type', 'json', '--output', out, '--', '-e', script)
    while (!text(out).slice(-400).includes(`request ${LINES} `)) await sleep(50)
    return performance.now() - startedAt
  } finally {
    pm2('kill')
  }
}

let supervisor

export const ops = {
  async write({ dir, script }) {
    const { createSupervisor } = await import('../../dist/index.js')
    supervisor = await createSupervisor({ stateDir: join(dir, 'state') })
    await supervisor.start({ id: 'writer', command: process.execPath, args: ['-e', script], template: false, logs: { rotate: false } })
    await supervisor.wait('writer')
    return join(dir, 'state/jobs/writer/stdout.log')
  },

  async collect({ dir, round }) {
    const { collectLogs } = await import('../../dist/index.js')
    const path = join(dir, 'collected.json')
    const startedAt = performance.now()
    const target = { type: 'file', name: `round-${round}`, path, format: 'json', from: 'beginning', maxSizeBytes: 2 ** 40 }
    const collector = collectLogs(supervisor, { targets: [target] })
    await collector.flush()
    const took = performance.now() - startedAt
    await collector.close()
    mustHaveAll(path)
    return took
  },

  async readline({ dir, log }) {
    const path = join(dir, 'readline.json')
    const startedAt = performance.now()
    await new Promise((resolve) => {
      const out = createWriteStream(path)
      const lines = createInterface({ input: createReadStream(log) })
      let seq = 0
      lines.on('line', (msg) => {
        const record = { time: new Date().toISOString(), seq: seq++, id: 'writer', instance: 1, run: 1, pid: 4711, stream: 'stdout', msg }
        out.write(`${JSON.stringify(record)}\n`)
      })
      lines.on('close', () => out.end(resolve))
    })
    const took = performance.now() - startedAt
    mustHaveAll(path)
    return took
  },

  async close() {
    await supervisor.close()
  },
}

function mustHaveAll(path) {
  if (!existsSync(path) || statSync(path).size === 0) throw new Error(`${path} is empty`)
  const lines = readFileSync(path, 'latin1').split('\n').length - 1
  if (lines !== LINES) throw new Error(`${path} has ${lines} lines of ${LINES}`)
  rmSync(path)
}
