import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { type Due, describeDuties, describeUndone } from '../../src/cli/duties.ts'
import { colorsFor } from '../../src/cli/render/colors.ts'
import { renderRecord as renderRecordWith } from '../../src/cli/render/record.ts'
import { renderStatus } from '../../src/cli/render/status.ts'
import { renderTable as renderTableWith } from '../../src/cli/render/table.ts'
import { escapeControls, renderCommand, truncate } from '../../src/cli/render/text.ts'
import { renderAgo, renderLocal, renderSpan } from '../../src/cli/render/time.ts'
import type { ProbeRecord } from '../../src/machines/process/health-record.ts'
import type { ProcessRecord } from '../../src/machines/process/record.ts'
import { DEFAULT_LOGS } from '../machines/fixtures.ts'

const NOW = Date.parse('2026-01-31T12:00:00.000Z')

function screen(overrides: { isTTY?: boolean; columns?: number; env?: Record<string, string> } = {}) {
  const stdout = Object.assign(new Writable(), { isTTY: overrides.isTTY ?? false, columns: overrides.columns ?? 80 })
  return { stdout, env: overrides.env ?? {}, nowMs: () => NOW }
}

async function renderTable(records: readonly ProcessRecord[], io: ReturnType<typeof screen>): Promise<string> {
  return renderTableWith(records, io, await colorsFor(io))
}

async function renderRecord(record: ProcessRecord, io: ReturnType<typeof screen>, due: Due | null = null): Promise<string> {
  return renderRecordWith(record, due, io, await colorsFor(io))
}

/** What `show` says of it, by the name of the row; what goes on in further rows is joined by ` | `. */
async function rowsOf(overrides: Partial<ProcessRecord>, due: Due | null = null): Promise<Record<string, string>> {
  const rows: [name: string, value: string][] = []
  for (const line of (await renderRecord(aRecord(overrides), screen(), due)).trimEnd().split('\n')) {
    const [, name, value] = /^(\S+(?: \S+)*)? +(.*)$/.exec(line) ?? []
    const above = rows.at(-1)
    if (name === undefined && above !== undefined) above[1] += ` | ${value}`
    else rows.push([name ?? '', value ?? ''])
  }
  return Object.fromEntries(rows)
}

const POLICY: ProcessRecord['restart'] = {
  strategy: 'never',
  maxAttempts: 3,
  delayMs: 5_000,
  multiplier: 1.5,
  maxDelayMs: 300_000,
  jitter: 0.1,
  resetAfterMs: 60_000,
  windowMs: 600_000,
  successExitCodes: [0],
  successSignals: [],
  noRestartExitCodes: [],
}

function aProbe(overrides: Partial<ProbeRecord> = {}): ProbeRecord {
  return {
    verdict: 'passing',
    failures: 0,
    successes: 3,
    results: [],
    body: null,
    spec: {
      check: { kind: 'tcp', host: 'localhost', port: '80' },
      intervalMs: 10_000,
      startIntervalMs: 1_000,
      timeoutMs: 5_000,
      initialDelayMs: 0,
      failureThreshold: 3,
      successThreshold: 1,
      onFailure: 'report',
    },
    ...overrides,
  }
}

function aRecord(overrides: Partial<ProcessRecord> = {}): ProcessRecord {
  return {
    id: 'web',
    command: 'node',
    args: ['server.js', '--port', '80 80'],
    env: { TOKEN: '***' },
    work_dir: '/srv',
    labels: { app: 'shop' },
    state: 'running',
    status: 'running',
    pid: 4711,
    run: 2,
    restarts: 1,
    exit_code: null,
    signal: null,
    error: null,
    created_at: '2026-01-31T11:00:00.000Z',
    started_at: '2026-01-31T11:57:00.000Z',
    completed_at: null,
    retry_at: null,
    outcome: null,
    ready: true,
    ready_at: '2026-01-31T11:57:00.000Z',
    ports: {},
    health: null,
    restart: POLICY,
    attempts: {},
    breaker: null,
    gave_up: false,
    ready_when: null,
    ready_by: null,
    waiting_for: null,
    stopping: null,
    meta: {},
    stdin: 'null',
    inherit_env: true,
    stop: { ladder: [{ signal: 'SIGTERM', afterMs: 0 }], timeoutMs: 5_000 },
    leftovers: 'stop',
    depends_on: {},
    origin: null,
    logs: DEFAULT_LOGS,
    progress: null,
    keeper_lost: false,
    reasons: [],
    ...overrides,
  }
}

describe('the table', () => {
  it('has one line for each process', async () => {
    const records = [
      aRecord(),
      aRecord({ id: 'job-1', state: 'exited', status: 'failed', pid: null, run: 1, exit_code: 3, completed_at: '2026-01-31T11:57:02.500Z' }),
      aRecord({ id: 'job-2', state: 'exited', status: 'cancelled', pid: null, signal: 'SIGTERM', completed_at: '2026-01-31T11:58:05.000Z' }),
      aRecord({ id: 'job-3', state: 'backoff', pid: null, completed_at: '2026-01-31T11:57:00.040Z' }),
      aRecord({ id: 'job-4', state: 'pending', status: 'pending', pid: null, run: 0, started_at: null }),
      aRecord({ id: 'job-5', state: 'exited', status: 'completed', pid: null, exit_code: 0, completed_at: '2026-01-31T11:57:02.500Z' }),
    ]
    expect(await renderTable(records, screen())).toBe(
      `${[
        'ID     STATUS               PID   RUN  STARTED    TOOK       COMMAND',
        "web    running              4711  2    3 min ago  3 min      node server.js --port '80 80'",
        "job-1  failed (3)           -     1    3 min ago  2.5 s      node server.js --port '80 80'",
        "job-2  cancelled (SIGTERM)  -     2    3 min ago  1 min 5 s  node server.js --port '80 80'",
        "job-3  running (backoff)    -     2    3 min ago  40 ms      node server.js --port '80 80'",
        "job-4  pending              -     0    -          -          node server.js --port '80 80'",
        "job-5  completed            -     2    3 min ago  2.5 s      node server.js --port '80 80'",
      ].join('\n')}\n`,
    )
  })

  it('has a head alone where there is no process', async () => {
    expect(await renderTable([], screen())).toBe('ID  STATUS  PID  RUN  STARTED  TOOK  COMMAND\n')
  })

  it('cuts commands to a terminal and keeps them whole elsewhere', async () => {
    const record = aRecord({ args: ['x'.repeat(300)] })
    expect(await renderTable([record], screen())).toContain('x'.repeat(300))
    const lines = (await renderTable([record], screen({ isTTY: true, columns: 90, env: { NO_COLOR: '1' } }))).split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(90)
    expect(lines[1]).toMatch(/x…$/)
  })

  it('has colours on a terminal only, and not with NO_COLOR', async () => {
    const painted = '\u001b['
    expect(await renderTable([aRecord()], screen({ isTTY: true }))).toContain(painted)
    expect(await renderTable([aRecord()], screen({ isTTY: true, env: { NO_COLOR: '1' } }))).not.toContain(painted)
    expect(await renderTable([aRecord()], screen())).not.toContain(painted)
  })

  it('shows hostile text as escapes in one line', async () => {
    expect((await renderTable([aRecord({ command: 'a\u001b[2Jb\nc', args: [] })], screen())).split('\n')[1]).toContain("$'a\\u001b[2Jb\\nc'")
  })
})

describe('one process', () => {
  it('shows spec, state, times, outcome, restarts, reasons and the next retry', async () => {
    const text = await renderRecord(
      aRecord({
        state: 'backoff',
        pid: null,
        completed_at: '2026-01-31T11:57:02.000Z',
        outcome: { kind: 'code', code: 3 },
        exit_code: 3,
        error: 'exited with code 3',
        retry_at: '2026-01-31T12:00:05.000Z',
        restart: { ...POLICY, strategy: 'always', maxAttempts: 5 },
        reasons: [
          { at: '2026-01-31T11:59:00.000Z', text: 'first' },
          { at: '2026-01-31T11:59:30.000Z', text: 'second' },
        ],
      }),
      screen(),
    )
    for (const pattern of [
      /^id +web$/m,
      /^status +running \(backoff\)$/m,
      /^state +backoff$/m,
      /^run +2$/m,
      /^pid +-$/m,
      /^started +2026-01-31T\S+ \(3 min ago\)$/m,
      /^took +2\.0 s$/m,
      /^outcome +exited with code 3$/m,
      /^restarts +1$/m,
      /^next +started again at 2026-01-31T\S+ \(in 5 s\)$/m,
      /^command +node server\.js --port '80 80'$/m,
      /^work dir +\/srv$/m,
      /^labels +app=shop$/m,
      /^env +'TOKEN=\*\*\*'$/m,
      /^restart +always, after 5\.0 s, then x1\.5 up to 5 min \(10 % more or less\), at most 5 for one cause within 10 min$/m,
      /^stop +SIGTERM, SIGKILL to the whole tree after 5\.0 s$/m,
      /^reasons .*: first\n +.*: second$/m,
    ]) {
      expect(text).toMatch(pattern)
    }
  })

  it.each([
    [{ kind: 'signal', signal: 'SIGSEGV', core: true }, 'ended by SIGSEGV, core dumped'],
    [{ kind: 'signal', signal: 'SIGKILL', core: false }, 'ended by SIGKILL'],
    [{ kind: 'launch-failed', step: 'command', errno: 'ENOENT' }, 'not launched: ENOENT (command)'],
    [{ kind: 'not-started' }, 'stopped before it was executed'],
    [{ kind: 'unknown', reason: 'the host was rebooted' }, 'unknown: the host was rebooted'],
  ] as const)('says of %j: %s', async (outcome, text) => {
    expect(await renderRecord(aRecord({ outcome }), screen())).toMatch(new RegExp(`^outcome +${text.replace(/[()]/g, '\\$&')}$`, 'm'))
  })
})

describe('a process of a project', () => {
  it('shows what it waits for, and whose it is; any other has no such rows', async () => {
    const held = {
      state: 'pending',
      status: 'pending',
      depends_on: { db: 'healthy', log: 'started' },
      origin: '/srv/shop',
      waiting_for: 'waits for db to be healthy: db is starting',
    } as const
    expect(await rowsOf(held)).toMatchObject({
      'depends on': 'db=healthy log=started',
      project: '/srv/shop',
      next: 'waits for db to be healthy: db is starting',
    })
    expect(Object.keys(await rowsOf({}))).not.toContain('project')
  })
})

describe('a service', () => {
  const backoff = { state: 'backoff', pid: null, ready: false, ready_at: null, retry_at: '2026-01-31T12:00:05.000Z' } as const

  it.each([
    ['running', 'running', 'running'],
    ['starting', 'running', 'running (starting)'],
    ['unhealthy', 'running', 'running (unhealthy)'],
    ['backoff', 'running', 'running (backoff)'],
    ['stopping', 'running', 'running (stopping)'],
  ] as const)('that is %s has the status %s, shown as %s', (state, status, shown) => {
    expect(renderStatus(aRecord({ state, status }))).toBe(shown)
  })

  it('that is up and not well has another colour than one that is well', async () => {
    const colours = await Promise.all(
      (['running', 'starting', 'unhealthy'] as const).map(async (state) => {
        const [, line] = (await renderTable([aRecord({ state })], screen({ isTTY: true, env: {} }))).split('\n')
        return line?.split('running')[0]?.slice(-'\u001b[32m'.length)
      }),
    )
    expect(new Set(colours).size).toBe(3)
    expect(colours).not.toContain(undefined)
  })

  it('has no row for what was not asked for', async () => {
    const names = Object.keys(await rowsOf({}))
    for (const name of ['ports', 'ready', 'ready when', 'health', 'liveness', 'attempts', 'breaker', 'gave up', 'manager']) expect(names).not.toContain(name)
  })

  it.each([
    [{ ...POLICY }, 'never'],
    [{ ...POLICY, successExitCodes: [0, 3], successSignals: ['SIGTERM'] }, 'never | no failure: 0, 3, SIGTERM'],
    [
      { ...POLICY, strategy: 'unless-stopped', maxAttempts: 0, jitter: 0 },
      'unless-stopped, after 5.0 s, then x1.5 up to 5 min, without limit | the waits begin anew once it was ready for 1 min',
    ],
    [
      { ...POLICY, strategy: 'always', successExitCodes: [], noRestartExitCodes: [64, 78] },
      'always, after 5.0 s, then x1.5 up to 5 min (10 % more or less), at most 3 for one cause within 10 min | the waits begin anew once it was ready for 1 min | no failure: none | not after exit code 64, 78',
    ],
  ] as const)('has its policy in full: %j', async (restart, shown) => {
    expect((await rowsOf({ restart })).restart).toBe(shown)
  })

  it('has what is counted against it, as of now', async () => {
    const attempts = {
      crash: { in_a_row: 2, at: ['2026-01-31T11:40:00.000Z', '2026-01-31T11:55:00.000Z', '2026-01-31T11:59:57.000Z'] },
      health: { in_a_row: 0, at: [] },
    }
    expect((await rowsOf({ attempts })).attempts).toBe(
      'its own end: 2 of 3 within 10 min (2 in a row, the last 3 s ago) | failed health: 0 of 3 within 10 min (0 in a row)',
    )
    expect((await rowsOf({ attempts, restart: { ...POLICY, maxAttempts: 0 } })).attempts).toContain('its own end: 2 within 10 min')
  })

  it.each([
    [
      { state: 'closed', failures_at: ['2026-01-31T11:58:00.000Z', '2026-01-31T11:59:30.000Z'], open_until: null },
      /^closed, 1 counted; 5 failures within 1 min open it for 5 min$/,
    ],
    [
      { state: 'open', failures_at: [], open_until: '2026-01-31T12:04:00.000Z' },
      /^open until 2026-01-31T\S+ \(in 4 min\); restart --force or reset closes it$/,
    ],
    [{ state: 'half-open', failures_at: [], open_until: null }, /^half-open: this run is the trial$/],
  ] as const)('has a circuit breaker: %j', async (breaker, shown) => {
    expect((await rowsOf({ breaker: { ...breaker, policy: { failures: 5, windowMs: 60_000, cooldownMs: 300_000 } } })).breaker).toMatch(shown)
  })

  it('that was given up says so, and what to do', async () => {
    expect(await rowsOf({ ...backoff, state: 'exited', status: 'failed', retry_at: null, gave_up: true })).toMatchObject({
      'gave up': 'yes',
      next: 'nothing by itself: start it with restart when the cause is gone',
    })
  })

  it('has its ports, its meta, since when it is ready, or what is in the way', async () => {
    const asked = { ports: { http: 30_000, admin: 9_000 }, meta: { tier: 'gold', size: 3, hot: true }, ready_when: { kind: 'notify', fd: 3 } } as const
    expect(await rowsOf(asked)).toMatchObject({
      ports: 'http=30000 admin=9000',
      meta: 'tier=gold size=3 hot=true',
      ready: expect.stringMatching(/^since \S+ \(3 min ago\)$/),
      'ready when': 'it writes a newline to descriptor 3',
    })
    expect((await rowsOf({ ...asked, ready: false, state: 'starting', waiting_for: 'no newline yet' })).ready).toBe('no: no newline yet')
    expect((await rowsOf({ ...asked, ...backoff })).ready).toBe('no')
    expect((await rowsOf({ ready_when: { kind: 'log-line', source: 'up', flags: 'i' } }))['ready when']).toBe('a line of its output matches /up/i')
    expect((await rowsOf({ ready_when: { kind: 'delay', delayMs: 1_500 } }))['ready when']).toBe('1.5 s after its launch')
  })

  it('has its probes with the last three answers, the latest first', async () => {
    const results = [
      { at: '2026-01-31T11:59:27.000Z', latency_ms: 2, cause: null },
      { at: '2026-01-31T11:59:37.000Z', latency_ms: 3, cause: null },
      { at: '2026-01-31T11:59:47.000Z', latency_ms: 5_000, cause: 'timeout after 5000 ms' },
      { at: '2026-01-31T11:59:57.000Z', latency_ms: 4, cause: 'status 503' },
    ]
    const liveness = aProbe({ results, failures: 2, successes: 0, spec: { ...aProbe().spec, onFailure: 'restart' } })
    expect(await rowsOf({ health: { status: 'healthy', liveness, readiness: aProbe({ verdict: 'unknown' }) } })).toMatchObject({
      health: 'healthy',
      liveness: [
        'passing: tcp://localhost:80, every 10 s, within 5.0 s, failing after 3 (restart), 2 failed in a row',
        '3 s ago: status 503 (4 ms)',
        '13 s ago: timeout after 5000 ms (5.0 s)',
        '23 s ago: passed (3 ms)',
      ].join(' | '),
      readiness: 'unknown: tcp://localhost:80, every 10 s, within 5.0 s, failing after 3',
      next: expect.stringMatching(/^liveness probe at \S+ \(in 7 s\)$/),
    })
  })

  it.each([
    [{ kind: 'http', url: 'http://localhost/', method: 'HEAD', headers: {}, status: [], tls: {} }, 'HEAD http://localhost/'],
    [{ kind: 'tcp', host: '::1', port: '80' }, 'tcp://[::1]:80'],
    [{ kind: 'grpc', host: 'a', port: '1', service: '', tls: null }, 'grpc://a:1'],
    [{ kind: 'grpc', host: 'a', port: '1', service: 'shop', tls: null }, 'grpc://a:1/shop'],
    [{ kind: 'exec', command: 'pg_isready', args: ['-h', 'my db'], cwd: null, env: {} }, "pg_isready -h 'my db'"],
    [{ kind: 'function', name: 'queue-drains' }, 'function queue-drains'],
  ] as const)('is asked %j, shown as %s', async (check, shown) => {
    const readiness = aProbe({ spec: { ...aProbe().spec, check } })
    expect((await rowsOf({ health: { status: 'healthy', readiness } })).readiness).toContain(`passing: ${shown}, every`)
  })

  it.each([
    [{}, '-'],
    [{ state: 'pending', status: 'pending' }, '-'],
    [backoff, /^started again at \S+ \(in 5 s\)$/],
    [{ ...backoff, retry_at: '2026-01-31T11:59:00.000Z' }, 'started again as soon as it can be (due 1 min ago)'],
    [
      { ...backoff, breaker: { state: 'open', failures_at: [], open_until: backoff.retry_at, policy: { failures: 5, windowMs: 1, cooldownMs: 1 } } },
      /^a trial run at \S+ \(in 5 s\)$/,
    ],
    [{ state: 'starting', ready_by: '2026-01-31T12:00:20.000Z' }, /^stopped as a failed start at \S+ \(in 20 s\), unless it is ready by then$/],
    [{ state: 'starting', ready_by: null }, '-'],
    [{ state: 'stopping', stopping: { purpose: 'stop', kill_at: '2026-01-31T12:00:04.000Z' } }, /^whatever is left is killed at \S+ \(in 4 s\)$/],
    [{ health: { status: 'unknown', liveness: aProbe() } }, '-'],
  ] as const)('with %j says what comes next: %s', async (overrides, shown) => {
    expect((await rowsOf(overrides)).next).toEqual(typeof shown === 'string' ? shown : expect.stringMatching(shown))
  })

  it('says who manages it where something is due', async () => {
    expect((await rowsOf(backoff, { undone: 'it is not started again', managerPid: 12 })).manager).toBe('pid 12')
    expect((await rowsOf(backoff, { undone: 'it is not started again', managerPid: null })).manager).toBe(
      'none lives now: until one does, it is not started again',
    )
  })
})

describe('what only a manager does', () => {
  const health = { status: 'healthy', liveness: aProbe() } as const

  it.each([
    [{}, null],
    [{ restart: { ...POLICY, strategy: 'always' } }, 'restarted (always)'],
    [{ restart: { ...POLICY, strategy: 'always' }, health }, 'restarted (always) and probed'],
    [{ restart: { ...POLICY, strategy: 'on-failure' }, health, ready_when: { kind: 'notify', fd: 3 } }, 'restarted (on-failure), probed and found ready'],
  ] as const)('for %j is to have it %s', (overrides, duties) => {
    expect(describeDuties(aRecord(overrides))).toBe(duties)
  })

  it.each([
    [{ state: 'pending' }, null],
    [{ state: 'starting', pid: null }, 'it is not launched'],
    [{ state: 'starting' }, 'nobody looks whether it is ready'],
    [{ state: 'running' }, null],
    [{ state: 'running', health }, 'its probes are not asked'],
    [{ state: 'unhealthy', health }, 'its probes are not asked'],
    [{ state: 'backoff', pid: null }, 'it is not started again'],
    [{ state: 'stopping' }, 'its stop does not go on'],
    [{ state: 'exited', health }, null],
    [{ state: 'orphaned' }, null],
  ] as const)('is left undone of %j: %s', (overrides, undone) => {
    expect(describeUndone(aRecord(overrides))).toBe(undone)
  })
})

describe('a command', () => {
  it.each([
    ['ls', ['-la', '/tmp'], 'ls -la /tmp'],
    ['echo', [''], "echo ''"],
    ['echo', ["it's"], "echo 'it'\\''s'"],
    ['echo', ['$HOME', '*'], "echo '$HOME' '*'"],
    ['echo', ["a\nb\\c'd"], "echo $'a\\nb\\\\c\\'d'"],
    ['écho', ['日本'], "'écho' '日本'"],
  ])('%j %j is shown as %s', (command, args, shown) => {
    expect(renderCommand(command, args)).toBe(shown)
  })
})

describe('text', () => {
  it('shows controls and direction marks as escapes', () => {
    expect(escapeControls('a\u001b\u0007\u202e\r\t\nb é')).toBe('a\\u001b\\u0007\\u202e\\r\\t\\nb é')
  })
  it.each([
    ['abc', 3, 'abc'],
    ['abcd', 3, 'ab…'],
    ['日本', 4, '日本'],
    ['日本語', 4, '日…'],
    ['🙂🙂🙂', 5, '🙂🙂…'],
  ])('%s at most %d wide is %s', (text, width, cut) => {
    expect(truncate(text, width)).toBe(cut)
  })
})

describe('times', () => {
  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1_500, '1.5 s'],
    [9_960, '10 s'],
    [59_600, '1 min'],
    [65_000, '1 min 5 s'],
    [7_800_000, '2 h 10 min'],
    [97_200_000, '1 d 3 h'],
    [-5, '0 ms'],
  ])('%d ms lasted %s', (ms, text) => {
    expect(renderSpan(ms)).toBe(text)
  })
  it.each([
    [0, 'now'],
    [3_000, '3 s ago'],
    [59_600, '1 min ago'],
    [180_000, '3 min ago'],
    [3_590_000, '1 h ago'],
    [86_000_000, '1 d ago'],
    [-5_000, 'in 5 s'],
  ])('%d ms ago is %s', (ms, text) => {
    expect(renderAgo(new Date(NOW - ms).toISOString(), NOW)).toBe(text)
  })
  it('in the local zone name the same instant', () => {
    const local = renderLocal('2026-01-31T11:57:03.000Z')
    expect(local).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/)
    expect(Date.parse(local)).toBe(Date.parse('2026-01-31T11:57:03.000Z'))
  })
})
