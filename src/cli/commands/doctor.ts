/** `doctor`: what procman works with on this machine, and what is wrong. Changes nothing but that it puts the keeper in place, as a start would. */
import { accessSync, constants, existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import type { ProcessRecord, ProcessSpec } from '../../index.ts'
import { readVersion } from '../../version.ts'
import type { Cli } from '../context.ts'
import { judgeDirectory, modeOf } from '../doctor/directory.ts'
import { type Finding, note, ok, problem } from '../doctor/finding.ts'
import { judgeCgroups, judgeInotify, judgeLimits, judgeMount, judgePorts } from '../doctor/machine.ts'
import { askManager, judgeManager } from '../doctor/manager.ts'
import { EXIT } from '../exit-codes.ts'
import { write } from '../io.ts'
import { type Colors, colorsFor } from '../render/colors.ts'
import { renderJson } from '../render/json.ts'
import { escapeControls } from '../render/text.ts'

const OLDEST_NODE = [20, 18] as const
const PLATFORMS = ['linux', 'darwin']

export interface Diagnosis {
  readonly procman: string
  readonly node: string
  readonly platform: string
  readonly keeper: { readonly kind: string; readonly path: string; readonly version: string; readonly reason: string } | null
  readonly state_dir: StateDirFacts
  /** Who holds the directory now; null: nobody. */
  readonly lock_holder: { readonly pid: number } | null
  readonly findings: readonly Finding[]
  /** Those of the findings that are wrong, one sentence each; none: all is well. */
  readonly problems: readonly string[]
}

interface StateDirFacts {
  readonly path: string
  readonly exists: boolean
  /** Permission bits in octal, as 0700. */
  readonly mode: string | null
  readonly processes: number | null
}

type Known = readonly { readonly record: ProcessRecord; readonly spec: ProcessSpec }[]

/** Exits with 1 when something is wrong. That another manager holds the directory is not. */
export async function doctor(cli: Cli, options: { readonly json?: boolean }): Promise<number> {
  const diagnosis = await diagnose(cli)
  await write(cli.io.stdout, options.json === true ? renderJson(diagnosis) : renderDiagnosis(diagnosis, await colorsFor(cli.io)))
  return diagnosis.problems.length === 0 ? EXIT.done : EXIT.failed
}

async function diagnose(cli: Cli): Promise<Diagnosis> {
  const findings: Finding[] = []
  /** What fails to be found out is a finding of its own and leaves the rest of the diagnosis alone. */
  const attempt = async <T>(topic: string, what: string, look: () => T | Promise<T>): Promise<T | null> => {
    try {
      return await look()
    } catch (error) {
      findings.push(problem(topic, `${what}: ${error instanceof Error ? error.message : String(error)}`))
      return null
    }
  }
  const path = await cli.stateDir()
  const stats = statSync(path, { throwIfNoEntry: false })
  const isDirectory = stats?.isDirectory() === true
  findings.push(judgeNode(process.versions.node), ...judgePlatform(process.platform))
  const keeper = await attempt('keeper', 'no keeper can serve', () => findKeeper(path))
  if (keeper !== null)
    findings.push(
      keeper.kind === 'node'
        ? note('keeper', `the one in Node serves, which takes 40 MB for each run: ${keeper.reason}`)
        : ok('keeper', `${keeper.kind} (${keeper.version}): ${keeper.reason}`),
    )
  findings.push(...judgeDirectory(path, stats))
  const known = isDirectory ? await attempt('processes', 'the processes cannot be read', () => readProcesses(cli, findings)) : null
  const lock = isDirectory ? await attempt('manager', 'the lock cannot be read', async () => (await import('../../state-dir.ts')).lockOf(path)) : null
  const records = (known ?? []).map(({ record }) => record)
  if (lock !== null) findings.push(...judgeManager(lock, await askManager(cli, path), records))
  findings.push(...judgeMachine(path, isDirectory, known ?? []))
  return {
    procman: readVersion(),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch} ${release()}`,
    keeper,
    state_dir: { path, exists: stats !== undefined, mode: stats === undefined ? null : modeOf(stats.mode), processes: known?.length ?? null },
    lock_holder: lock?.holder ?? null,
    findings,
    problems: findings.filter(({ level }) => level === 'problem').map(({ text, advice }) => (advice === null ? text : `${text}: ${advice}`)),
  }
}

async function readProcesses(cli: Cli, findings: Finding[]): Promise<Known> {
  const reader = await cli.reader()
  for (const { message } of reader.survey().problems) findings.push(problem('processes', message, 'procman refresh moves what is damaged out of the way'))
  return reader.specs()
}

async function findKeeper(stateDir: string): Promise<NonNullable<Diagnosis['keeper']>> {
  const { describeKeeper } = await import('../../keeper.ts')
  const { kind, path, version, reason } = describeKeeper(stateDir)
  return { kind, path, version, reason }
}

function judgeNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isNewEnough = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])
  return isNewEnough ? ok('node', version) : problem('node', `Node ${version} is too old: ${OLDEST_NODE.join('.')} or newer is needed`)
}

function judgePlatform(platform: string): readonly Finding[] {
  return PLATFORMS.includes(platform) ? [] : [problem('platform', `procman does not run on ${platform}: it needs Linux or macOS`)]
}

/** What Linux tells in files; elsewhere nothing is told. */
function judgeMachine(path: string, isDirectory: boolean, known: Known): readonly Finding[] {
  const up = known.filter(({ record }) => record.pid !== null).length
  const ports = known.flatMap(({ spec }) => Object.entries(spec.ports).map(([name, { from, to }]) => ({ id: spec.id, name, from, to })))
  const limits = textOf('/proc/self/limits')
  const watches = textOf('/proc/sys/fs/inotify/max_user_watches')
  const instances = textOf('/proc/sys/fs/inotify/max_user_instances')
  const cgroup = textOf('/proc/self/cgroup')
  const range = textOf('/proc/sys/net/ipv4/ip_local_port_range')
  const mounts = textOf('/proc/self/mounts')
  const mount = mounts === null || !isDirectory ? null : judgeMount(mounts, realpathSync(path))
  return [
    ...(mount === null ? [] : [mount]),
    ...(limits === null ? [] : judgeLimits(limits, up)),
    ...(watches === null || instances === null ? [] : [judgeInotify(watches, instances)]),
    ...(cgroup === null ? [] : [lookAtCgroups(cgroup)]),
    ...(range === null ? [] : judgePorts(range, ports)),
  ]
}

function lookAtCgroups(own: string): Finding {
  const root = '/sys/fs/cgroup'
  const isUnified = existsSync(join(root, 'cgroup.controllers'))
  const place = isUnified ? join(root, /^0::(.*)$/m.exec(own)?.[1] ?? '') : join(root, 'memory', /^\d+:memory:(.*)$/m.exec(own)?.[1] ?? '')
  try {
    accessSync(place, constants.W_OK)
    return judgeCgroups(own, isUnified, true)
  } catch {
    return judgeCgroups(own, isUnified, false)
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

function renderDiagnosis({ procman, node, platform, keeper, state_dir: dir, lock_holder: holder, findings }: Diagnosis, colors: Colors): string {
  const rows: readonly (readonly [string, string])[] = [
    ['procman', procman],
    ['node', node],
    ['platform', platform],
    ['keeper', keeper === null ? 'none' : `${keeper.kind} (${keeper.version}): ${keeper.reason}`],
    ['keeper path', keeper?.path ?? '-'],
    ['state directory', dir.exists ? `${dir.path} (${dir.mode ?? ''})` : `${dir.path} (not there yet)`],
    ['processes', dir.processes === null ? '-' : String(dir.processes)],
    ['held by', holder === null ? 'nobody' : `pid ${holder.pid}`],
  ]
  const paint = { ok: colors.green, note: colors.yellow, problem: colors.red }
  const lines = findings.map(({ level, topic, text, advice }) => {
    const further = advice === null ? '' : `${' '.repeat(9)}→ ${escapeControls(advice)}\n`
    return `${paint[level](level.padEnd(8))} ${topic}: ${escapeControls(text)}\n${further}`
  })
  const wrong = findings.filter(({ level }) => level === 'problem').length
  return [
    ...rows.map(([name, value]) => `${name.padEnd(16)} ${escapeControls(value)}\n`),
    '\n',
    ...lines,
    `\n${'problems'.padEnd(16)} ${wrong === 0 ? 'none' : wrong}\n`,
  ].join('')
}
