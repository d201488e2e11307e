import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { EVENT_LEVELS, type ManagerEvent } from '../../src/manager/log/events.ts'
import { createLog } from '../../src/manager/log/log.ts'
import { prettyLine } from '../../src/manager/log/pretty.ts'
import { fileTarget } from '../../src/manager/log/targets.ts'

const page = readFileSync(new URL('../../docs/daemon.md', import.meta.url), 'utf8')

/** One of each. */
const EVENTS: readonly ManagerEvent[] = [
  { event: 'manager.started', pid: 1, version: '1.0.0', kind: 'daemon', state_dir: '/s', config: null, listen: null, processes: 1 },
  { event: 'manager.stopping', pid: 1, reason: 'SIGTERM' },
  { event: 'manager.stopped', pid: 1 },
  { event: 'manager.log-level', level_now: 'info' },
  { event: 'list.updated', config: '/c', started: ['a'], created: [], restarted: [], updated: [], stopped: [], removed: ['b'], failed: [] },
  { event: 'config.invalid', config: '/c', code: 'PROCMAN_CONFIG_INVALID', reason: 'line 3' },
  { event: 'config.warning', config: '/c', reason: 'has no effect' },
  { event: 'process.started', id: 'a', run: 1, pid: 7, ports: { http: 8080 } },
  { event: 'process.ready', id: 'a', run: 1 },
  { event: 'process.unhealthy', id: 'a', run: 1, reason: 'refused' },
  { event: 'process.exited', id: 'a', run: 1, code: 1, signal: null, reason: null },
  { event: 'process.restarting', id: 'a', run: 1, retry_at: '2026-01-01T00:00:00.000Z', reason: 'code 1' },
  { event: 'process.gave-up', id: 'a', run: 1, reason: '3 restarts' },
  { event: 'process.stopped', id: 'a', run: 1 },
  { event: 'process.orphaned', id: 'a', run: 1 },
  { event: 'process.failed', id: 'a', code: 'PROCMAN_LAUNCH_FAILED', reason: 'not found' },
  { event: 'target.failing', target: 'http-1', reason: 'refused' },
  { event: 'target.recovered', target: 'http-1' },
  { event: 'target.refused', target: 'http-1', records: 2, reason: '400' },
  { event: 'error', id: null, reason: 'disk' },
]

function aFile(): string {
  const dir = mkdtempSync(join(tmpdir(), 'procman-log-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return join(dir, 'daemon.log')
}

const linesOf = (path: string) =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

describe('the log of a manager', () => {
  it('is JSON lines with level, time, event, its fields and a sentence', async () => {
    const path = aFile()
    const log = createLog(fileTarget(path), 'trace')
    for (const event of EVENTS) log.write(event)
    await log.flush()
    const lines = linesOf(path)
    expect(lines.map(({ level, time, msg, ...event }) => event)).toEqual(EVENTS)
    expect(lines.map(({ event, level }) => [event, level])).toEqual(Object.entries(EVENT_LEVELS))
    for (const { time, msg } of lines) expect([new Date(time).toISOString(), msg]).toEqual([time, expect.stringMatching(/^\S.+/)])
  })

  it('has the events, levels and fields that docs/daemon.md tells', () => {
    const rows = [...page.matchAll(/^\| `([a-z.-]+)` \| (trace|debug|info|warn|error) \| (.*?) \|/gm)]
    const told = rows.map(([, event, level, fields = '']) => [event, level, [...fields.matchAll(/`(\w+)`/g)].map(([, field]) => field)])
    expect(told).toEqual(EVENTS.map(({ event, ...fields }) => [event, EVENT_LEVELS[event], Object.keys(fields)]))
  })

  it('writes what its level lets through, and the level can be changed', async () => {
    const path = aFile()
    const log = createLog(fileTarget(path), 'error')
    log.write({ event: 'process.ready', id: 'a', run: 1 })
    log.setLevel('info')
    log.write({ event: 'process.ready', id: 'b', run: 1 })
    log.setLevel('silent')
    log.write({ event: 'error', id: null, reason: 'unheard' })
    await log.flush()
    expect(linesOf(path).map(({ id }) => id)).toEqual(['b'])
  })

  it('is appended to, is its owner’s alone, and is moved aside when it is large', async () => {
    const path = aFile()
    for (const id of ['first', 'second', 'third']) {
      const log = createLog(fileTarget(path, 100), 'info')
      log.write({ event: 'process.ready', id, run: 1 })
      await log.flush()
    }
    expect(readFileSync(`${path}.1`, 'utf8')).toContain('third')
    expect(statSync(`${path}.1`).mode & 0o777).toBe(0o600)
    expect(statSync(path)).toMatchObject({ size: 0, mode: 0o100600 })
  })

  it('drops what cannot be written, and holds up nobody', async () => {
    const log = createLog(fileTarget('/dev/full'), 'info')
    for (let nth = 0; nth < 100; nth++) log.write({ event: 'process.ready', id: 'a', run: nth })
    await log.flush()
  })

  it('is a sentence a line for people', async () => {
    const line = (await prettyLine(false))('{"level":"warn","time":"2026-01-01T00:00:00.000Z","event":"x","pid":3,"msg":"api is unhealthy: refused"}')
    expect(line).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: api is unhealthy: refused\n$/)
  })
})
