// npm run storm -- --rounds 1000: managers that start, stop, restart and remove processes as fast as they can and are killed with SIGKILL at random instants. What was
// executed tells its own story (storm/subject.c), against which everything that procman says is held. Exit code 1 when anything is violated.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { whole } from '../options.mjs'
import { runStorm } from './storm/run.mjs'

const PROGRESS_MS = 5_000

const values = new Command('npm run storm --')
  .description('Kills managers at random instants and looks for anything lost. Exits with 1 when something is; then its directory is kept.')
  .option('--rounds <n>', 'managers, one after the other', whole(1), 100)
  .option('--seed <seed>', 'the same seed gives the same plan; when things happen is up to the machine')
  .option('--dir <dir>', 'where its directory is made')
  .option('--keep', 'keep the directory in any case')
  .option('--load', 'a second storm of the same kind beside it')
  .option('--kill-keepers', 'some keepers are killed too; the ends of their runs, and no others, may be unknown')
  .option('--json', 'print the report as JSON')
  .showHelpAfterError('(--help tells more)')
  .parse()
  .opts()
const { rounds } = values

const interrupted = new AbortController()
process.on('SIGINT', () => interrupted.abort())
const beside = values.load ? stormBeside() : null
let lastToldMs = 0
const report = await runStorm({
  rounds,
  seed: values.seed,
  dir: values.dir,
  keep: values.keep === true,
  killKeepers: values.killKeepers === true,
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
  if (values.json) args.push('--json')
  if (values.killKeepers) args.push('--kill-keepers')
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...args], { stdio: ['ignore', 'inherit', 'inherit'] })
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
}

function onProgress(now) {
  if (Date.now() - lastToldMs < PROGRESS_MS) return
  if (lastToldMs === 0) console.error(`seed ${now.seed}, in ${now.dir}`)
  lastToldMs = Date.now()
  console.error(now.progress())
}
