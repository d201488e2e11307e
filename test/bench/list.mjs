// `procman list` of 100 processes, whole process, beside a Node that only imports XState.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { median, ms, scratch, times } from './harness.mjs'

const PROCESSES = 100
const ROUNDS = 15
const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export async function run() {
  const { createSupervisor } = await import('../../dist/index.js')
  const dir = scratch()
  const supervisor = await createSupervisor({ stateDir: dir })
  await Promise.all(Array.from({ length: PROCESSES }, () => supervisor.start({ command: 'sleep', args: ['600'] })))
  const kinds = { ours: [CLI, 'list', '--state-dir', dir], bare: ['-e', '0'], xstate: ['--input-type=module', '-e', "import 'xstate'"] }
  const took = { ours: [], bare: [], xstate: [] }
  for (let round = 0; round < ROUNDS; round++) for (const [kind, args] of Object.entries(kinds)) took[kind].push(timed(args))
  await supervisor.shutdown({ timeoutMs: 0 })
  const [ours, reference] = [median(took.ours), median(took.xstate)]
  const name = `procman list, ${PROCESSES} processes`
  return [
    {
      name,
      ours: ms(ours),
      reference: `${ms(reference)} (node + import of xstate; node -e 0: ${ms(median(took.bare))})`,
      ratio: times(ours / reference),
      aim: '< 2×',
    },
  ]
}

function timed(args) {
  const startedAt = performance.now()
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' })
  const took = performance.now() - startedAt
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}: ${stderr}`)
  if (args.includes('list') && stdout.trim().split('\n').length !== PROCESSES + 1) throw new Error(`list printed ${stdout}`)
  return took
}
