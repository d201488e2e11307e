// npm run storm -- --rounds 1000 [--seed S] [--dir D] [--keep] [--json] [--load] [--kill-keepers]
// A storm of managers that start, stop, restart and remove processes as fast as they can and are killed with SIGKILL at random instants. What was executed tells
// its own story (storm/subject.c), against which everything that procman says is held. Exit code 1 when anything is violated; then the directory is kept.
// --dir: where its directory is made. --keep: keep it in any case. The same seed gives the same plan; when things happen is up to the machine.
// --load: a second storm of the same kind beside it. --kill-keepers: some keepers are killed too; the ends of their runs, and no others, may be unknown.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runStorm } from './storm/run.mjs'

const PROGRESS_MS = 5_000

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    seed: { type: 'string' },
    dir: { type: 'string' },
    keep: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    'kill-keepers': { type: 'boolean', default: false },
    load: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error(`--rounds must be a whole number from 1, not ${values.rounds}`)

const interrupted = new AbortController()
process.on('SIGINT', () => interrupted.abort())
const beside = values.load ? stormBeside() : null
let lastToldMs = 0
const report = await runStorm({
  rounds,
  seed: values.seed,
  dir: values.dir,
  keep: values.keep,
  killKeepers: values['kill-keepers'],
  signal: interrupted.signal,
  onProgress,
})
console.log(values.json ? JSON.stringify(report) : report.text())
if (report.violationCount > 0) {
  for (const detail of report.details) console.error(JSON.stringify(detail))
  console.error(`kept for a look: ${report.dir}`)
}
const isCalm = report.violationCount === 0 && (beside === null || (await beside) === 0)
process.exitCode = isCalm ? 0 : 1

/** A second storm of the same size in a directory of its own, which makes the machine a loaded one. It reports for itself. */
function stormBeside() {
  const args = ['--rounds', String(rounds), ...(values.seed === undefined ? [] : ['--seed', `${values.seed}-beside`])]
  for (const name of ['json', 'kill-keepers']) if (values[name]) args.push(`--${name}`)
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...args], { stdio: ['ignore', 'inherit', 'inherit'] })
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
}

function onProgress(now) {
  if (Date.now() - lastToldMs < PROGRESS_MS) return
  if (lastToldMs === 0) console.error(`seed ${now.seed}, in ${now.dir}`)
  lastToldMs = Date.now()
  console.error(now.progress())
}
