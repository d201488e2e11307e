import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { colorsFor } from '../../src/cli/render/colors.ts'
import { renderRecord as renderRecordWith } from '../../src/cli/render/record.ts'
import { renderTable as renderTableWith } from '../../src/cli/render/table.ts'
import { escapeControls, renderCommand, truncate } from '../../src/cli/render/text.ts'
import { renderAgo, renderLocal, renderSpan } from '../../src/cli/render/time.ts'
import type { ProcessRecord } from '../../src/machines/process/record.ts'

const NOW = Date.parse('2026-01-31T12:00:00.000Z')

function screen(overrides: { isTTY?: boolean; columns?: number; env?: Record<string, string> } = {}) {
  const stdout = Object.assign(new Writable(), { isTTY: overrides.isTTY ?? false, columns: overrides.columns ?? 80 })
  return { stdout, env: overrides.env ?? {}, nowMs: () => NOW }
}

async function renderTable(records: readonly ProcessRecord[], io: ReturnType<typeof screen>): Promise<string> {
  return renderTableWith(records, io, await colorsFor(io))
}

async function renderRecord(record: ProcessRecord, io: ReturnType<typeof screen>): Promise<string> {
  return renderRecordWith(record, io, await colorsFor(io))
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
    restart: { strategy: 'never', delayMs: 1_000, multiplier: 2, maxDelayMs: 60_000, maxRestarts: 0, resetAfterMs: 60_000 },
    stdin: 'null',
    inherit_env: true,
    stop: { ladder: [{ signal: 'SIGTERM', afterMs: 0 }], timeoutMs: 5_000 },
    leftovers: 'stop',
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
        restart: { strategy: 'always', delayMs: 1_000, multiplier: 2, maxDelayMs: 60_000, maxRestarts: 5, resetAfterMs: 60_000 },
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
      /^next retry +2026-01-31T\S+ \(in 5 s\)$/m,
      /^command +node server\.js --port '80 80'$/m,
      /^work dir +\/srv$/m,
      /^labels +app=shop$/m,
      /^env +'TOKEN=\*\*\*'$/m,
      /^restart +always, after 1\.0 s, then x2 up to 1 min, at most 5 in a row$/m,
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
