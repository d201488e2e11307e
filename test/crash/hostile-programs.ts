/** The table of hostile programs: how each is started, when it has become what it is meant to be, and what the record of its stop has to say. */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProcessInput } from '../../src/api.ts'
import type { ProcessRecord } from '../../src/machines/process/record.ts'
import { type Home, lives, stateOf } from '../e2e/harness.ts'
import { hostile, inhabitants, signed, workDir } from './tree.ts'

export interface HostileProgram {
  readonly name: string
  input(home: Home): ProcessInput
  /** A fact that comes true before it is stopped. */
  ready(home: Home, record: ProcessRecord): boolean
  /** Beside being cancelled. */
  readonly ends: Partial<ProcessRecord>
}

const hasSigned = (count: number) => (home: Home) => signed(home).length >= count
const byTerm = { signal: 'SIGTERM', exit_code: null }
const byKill = { signal: 'SIGKILL', exit_code: null }

const shell = (script: string) => (home: Home) => {
  const dir = workDir(home)
  return { command: 'sh', args: ['-c', script, 'sh', dir], cwd: dir, stop: { timeoutMs: 300 } }
}

const perl = (name: string, kind: string, args: readonly (string | number)[], count: number, ends: Partial<ProcessRecord>): HostileProgram => ({
  name,
  input: (home) => hostile(home, kind, args),
  ready: hasSigned(count),
  ends,
})

export const perlPrograms: readonly HostileProgram[] = [
  perl('200 descendants in sessions of their own', 'brood', [200], 201, byTerm),
  perl('one that ignores every signal that can be ignored', 'deaf', [], 1, byKill),
  {
    ...perl('one that stops itself with its whole tree', 'frozen', [5], 11, byTerm),
    ready: (home) => signed(home).length === 11 && signed(home).every((pid) => stateOf(pid) === 'T'),
  },
  perl('one that closes its stdio', 'silent', [], 1, byTerm),
  {
    ...perl('one with children that are zombies', 'zombies', [20], 1, byTerm),
    ready: (home, { pid }) => signed(home).length === 1 && zombiesOf(pid).length === 20,
  },
  {
    ...perl('one whose child runs away by forking and leaving', 'hopper', [], 2, byTerm),
    ready: (home) => home.text('work/hops').length > 100,
  },
  perl('a fork bomb of 63', 'bomb', [5], 32, byTerm),
  perl('one that sends its keeper all signals that can be ignored', 'parricide', ['HUP', 'INT', 'QUIT', 'USR1', 'USR2', 'PIPE', 'ALRM', 'TERM'], 1, byTerm),
  perl('one that stops its keeper', 'parricide', ['STOP'], 1, byTerm),
  perl('one under another name', 'disguise', ['innocent'], 1, byTerm),
  perl('one whose name is made to confuse', 'disguise', [') Z 1 2 3 (x) '], 1, byTerm),
  perl('one that writes over its arguments and environment', 'disguise', ['x'.repeat(8_000)], 1, byTerm),
  perl('one that has replaced itself 50 times', 'changeling', [50], 1, byTerm),
]

export const shellPrograms: readonly HostileProgram[] = [
  { name: 'a shell that waits for its first command', input: shell('sleep 600; echo b'), ready: (home) => inhabitants(home).length === 2, ends: byTerm },
  {
    name: 'a shell with a trap that goes on',
    input: shell('trap "echo heard" TERM INT HUP; while :; do sleep 600 & wait; done'),
    ready: (home) => inhabitants(home).length === 2,
    ends: byKill,
  },
  {
    name: 'a shell with a trap that ends well',
    input: shell('trap "exit 0" TERM; echo $$ > pids; while :; do sleep 0.02; done'),
    ready: hasSigned(1),
    ends: { signal: null, exit_code: 0 },
  },
  { name: 'npm start', input: npmStart, ready: (home) => existsSync(home.path('work/up')), ends: {} },
  { name: 'one that removed its working directory', input: shell('rm -rf "$1"; exec sleep 600'), ready: isHomeless, ends: byTerm },
  { name: 'one that made its working directory a file', input: shell('rm -rf "$1"; echo > "$1"; exec sleep 600'), ready: isHomeless, ends: byTerm },
]

function npmStart(home: Home): ProcessInput {
  const dir = workDir(home)
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ name: 'small', version: '1.0.0', scripts: { start: 'node server.mjs && echo after' } }))
  writeFileSync(join(dir, 'server.mjs'), `import { writeFileSync } from 'node:fs'\nwriteFileSync('up', '')\nsetInterval(() => {}, 1_000)\n`)
  const cache = home.path('npm')
  mkdirSync(cache, { recursive: true })
  chmodSync(cache, 0o700)
  return { command: 'npm', args: ['start'], cwd: dir, stop: { timeoutMs: 2_000 }, env: { npm_config_cache: cache, npm_config_update_notifier: 'false' } }
}

function isHomeless(home: Home, { pid }: ProcessRecord): boolean {
  const isGone = statSync(home.path('work'), { throwIfNoEntry: false })?.isDirectory() !== true
  return isGone && lives(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('sleep\0')
}

function zombiesOf(pid: number | null): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').map(Number)
  return children.filter((child) => stateOf(child) === 'Z')
}
