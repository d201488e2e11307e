// The manager is killed with SIGKILL: is anything lost, doubled or unknown afterwards; and how long does it take to adopt 1000 processes.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { median, ms, pidsWithArgument, scratch, sleep, text, times, worker } from './harness.mjs'

const WRITERS = 100
const LINES = 3_000
const MANY = 1_000
const ROUNDS = 7

export async function run() {
  return [...(await killed()), ...(await many())]
}

async function killed() {
  const dir = scratch()
  const first = worker('./adopt.mjs')
  const before = await first.ask('startWriters', { dir, count: WRITERS, lines: LINES })
  await sleep(1_000)
  first.kill('SIGKILL')
  await first.gone
  await sleep(300)
  const alive = before.filter(({ pid }) => existsSync(`/proc/${pid}`)).length
  const second = worker('./adopt.mjs')
  const adopted = await second.ask('adopt', { dir })
  const marked = pidsWithArgument(`writer ${dir}`).filter(isLeader).length
  const ends = await second.ask('waitAll')
  await second.end()
  const same = before.filter(({ id, pid }) => adopted.records.some((each) => each.id === id && each.pid === pid && each.run === 1)).length
  const known = ends.filter(({ id, exit_code }) => exit_code === Number(id.slice(1))).length
  const complete = before.filter(({ id }) => readFileSync(join(dir, 'jobs', id, 'stdout.log'), 'utf8') === expected(id)).length
  const ours = `${alive} alive, ${same} adopted, ${Math.max(0, marked - WRITERS) + ends.filter((each) => each.run !== 1).length} duplicated, ${known} exit codes known, ${complete} logs complete`
  return [{ name: `kill -9 of the manager with ${WRITERS} processes writing`, ours, aim: `${WRITERS}, ${WRITERS}, 0, ${WRITERS}, ${WRITERS}` }]
}

/** The subshells that a writer forks are no writers: those lead their group. */
const isLeader = (pid) => text(`/proc/${pid}/stat`).split(') ')[1]?.split(' ')[2] === pid

const expected = (id) => Array.from({ length: LINES }, (_, index) => `${id} line ${index}\n`).join('')

async function many() {
  const dir = scratch()
  const first = worker('./adopt.mjs')
  await first.ask('startMany', { dir, count: MANY })
  await first.end()
  const read = []
  const adopt = []
  for (let round = 0; round < ROUNDS; round++) {
    for (const [op, took] of [
      ['readFiles', read],
      ['adopt', adopt],
    ]) {
      const side = worker('./adopt.mjs')
      const seen = await side.ask(op, { dir })
      if (seen.count !== MANY) throw new Error(`${op} saw ${seen.count} of ${MANY}`)
      took.push(seen.ms)
      await side.ask('close')
      await side.end()
    }
  }
  const last = worker('./adopt.mjs')
  await last.ask('adopt', { dir })
  await last.ask('shutdown')
  await last.end()
  const [ours, reference] = [median(adopt), median(read)]
  return [
    {
      name: `${MANY} living processes adopted`,
      ours: ms(ours),
      reference: `${ms(reference)} (readFileSync of their files)`,
      ratio: times(ours / reference),
      aim: '< 2×',
    },
  ]
}

let supervisor

const open = async (dir) => {
  const { createSupervisor } = await import('../../dist/index.js')
  const startedAt = performance.now()
  supervisor = await createSupervisor({ stateDir: dir })
  return performance.now() - startedAt
}

export const ops = {
  async startWriters({ dir, count, lines }) {
    await open(dir)
    // In bursts with pauses, so that each writes before, during and after the death of its manager.
    const script = 'i=0; while [ $i -lt $3 ]; do echo "$1 line $i"; i=$((i+1)); [ $((i % 150)) = 0 ] && sleep 0.2; done; exit $2'
    await Promise.all(
      Array.from({ length: count }, (_, index) =>
        supervisor.start({ id: `w${index}`, command: 'sh', args: ['-c', script, `writer ${dir}`, `w${index}`, String(index), String(lines)] }),
      ),
    )
    return supervisor.list().map(({ id, pid }) => ({ id, pid }))
  },
  async startMany({ dir, count }) {
    await open(dir)
    await Promise.all(Array.from({ length: count }, () => supervisor.start({ command: 'sleep', args: ['600'] })))
    await supervisor.close()
  },
  async adopt({ dir }) {
    const took = await open(dir)
    const records = supervisor.list().map(({ id, pid, run, state }) => ({ id, pid, run, state }))
    return { ms: took, count: records.filter(({ state, pid }) => state === 'running' && pid !== null).length, records: records.length > WRITERS ? [] : records }
  },
  async waitAll() {
    const records = await Promise.all(supervisor.list().map(({ id }) => supervisor.wait(id)))
    await supervisor.close()
    return records.map(({ id, exit_code, run }) => ({ id, exit_code, run }))
  },
  readFiles({ dir }) {
    const startedAt = performance.now()
    const jobs = join(dir, 'jobs')
    let bytes = 0
    const ids = readdirSync(jobs)
    for (const id of ids) for (const name of ['state.json', 'run-1.intent', 'run-1.claim', 'run-1.child']) bytes += readFileSync(join(jobs, id, name)).length
    return { ms: performance.now() - startedAt, count: ids.length, bytes }
  },
  close: () => supervisor?.close(),
  shutdown: () => supervisor.shutdown({ timeoutMs: 0 }),
}
