import { describe, expect, it } from 'vitest'
import { toRecord } from '../../../src/machines/process/record.ts'
import type { ProcessState } from '../../../src/machines/process/states.ts'
import { explainProcess } from '../../../src/machines/process/why.ts'
import type { ProbeState, ProcessContext, StopPurpose } from '../../../src/types.ts'
import { aContext, aProbe, aSpec, code, EPOCH_MS, signal, unknown } from '../fixtures.ts'

const identity = { pid: 4_321, start: '99', boot: 'b' }
const NOW_MS = EPOCH_MS + 90_000
const READY = { kind: 'notify', fd: 3 } as const

const why = (state: ProcessState, part: Partial<ProcessContext> = {}) => explainProcess(toRecord(state, aContext({ run: 1, ...part })), NOW_MS)

const up: Partial<ProcessContext> = { identity, startedAtMs: EPOCH_MS }
const down: Partial<ProcessContext> = { identity, startedAtMs: EPOCH_MS, endedAtMs: EPOCH_MS + 60_000 }
const said = (text: string, atMs = EPOCH_MS + 60_000) => ({ atMs, text })
const stopping = (purpose: StopPurpose) => ({ purpose, askedAtMs: NOW_MS, rungs: [], killAtMs: NOW_MS + 5_000 })

describe('why a process is in its state', () => {
  const rows: readonly (readonly [string, ProcessState, Partial<ProcessContext>, readonly string[]])[] = [
    ['never started', 'pending', { run: 0 }, ['web was created and has not been started yet.']],
    [
      'held back before its first start',
      'pending',
      { run: 0, waitingFor: 'waits for db to be healthy: db has failed: exited with code 1' },
      ['web was created and has not been started yet: it waits for db to be healthy: db has failed: exited with code 1.'],
    ],
    [
      'held back for another reason',
      'exited',
      { ...down, cancelled: true, outcome: code(0), waitingFor: 'db is not declared' },
      ['web has been down for 30s (run 1): stopped by the user.', 'It may not start yet: db is not declared.'],
    ],
    [
      'stopped for what it is declared with now',
      'stopping',
      { ...up, stop: { ...stopping('restart'), reason: 'declared anew (args)' } },
      ['web (run 1, pid 4321) is being stopped, to be restarted: declared anew (args); whatever is left is killed in 5s.'],
    ],
    ['being launched', 'starting', {}, ['web is being launched (run 1).']],
    [
      'up and not ready',
      'starting',
      { ...up, spec: aSpec({ ready: READY, startupTimeoutMs: 100_000 }) },
      [
        'web (run 1, pid 4321) is up for 1m30s and not ready yet: no newline on descriptor 3 yet.',
        'It is stopped as a failed start in 10s, unless it is ready by then.',
      ],
    ],
    ['ready', 'running', { ...up, readyAtMs: EPOCH_MS + 30_000 }, ['web (run 1, pid 4321) is up, and ready for 1m.']],
    [
      'ready again',
      'running',
      {
        ...up,
        run: 2,
        readyAtMs: EPOCH_MS,
        reasons: [said('exited with code 1: restart 1 in 5 ms (always)', EPOCH_MS - 5), said('readiness probe passes again')],
      },
      ['web (run 2, pid 4321) is up, and ready for 1m30s; before that: exited with code 1: restart 1 in 5 ms (always).'],
    ],
    ['up and not well', 'unhealthy', { ...up, spec: aSpec({ ready: READY }) }, ['web (run 1, pid 4321) is up and not well: no newline on descriptor 3 yet.']],
    [
      'waiting for its restart',
      'backoff',
      {
        ...down,
        outcome: code(1),
        retryAtMs: NOW_MS + 4_500,
        reasons: [said('exited with code 1: restart 1 of 3 in 34500 ms (always)'), said('reset by the user', NOW_MS)],
      },
      ['web is down, and is started again in 4.5s: exited with code 1: restart 1 of 3 in 34500 ms (always).'],
    ],
    [
      'due for its restart, and no manager lives',
      'backoff',
      { ...down, outcome: code(1), retryAtMs: NOW_MS - 1, reasons: [said('exited with code 1: restart 1 in 5 ms (always)')] },
      ['web is down, and is started again as soon as a manager lives (it is due): exited with code 1: restart 1 in 5 ms (always).'],
    ],
    [
      'stopped by the user',
      'stopping',
      { ...up, stop: stopping('stop') },
      ['web (run 1, pid 4321) is being stopped, by the user; whatever is left is killed in 5s.'],
    ],
    [
      'restarted by the user',
      'stopping',
      { ...up, stop: stopping('restart') },
      ['web (run 1, pid 4321) is being stopped, to be restarted by the user; whatever is left is killed in 5s.'],
    ],
    [
      'cleaned up after',
      'stopping',
      { ...down, outcome: code(0), stop: stopping('leftovers') },
      ['web (run 1) is being stopped, since its command has ended and left something behind; whatever is left is killed in 5s.'],
    ],
    ...(['unhealthy', 'unready'] as const).map(
      (purpose) =>
        [
          `stopped as ${purpose}`,
          'stopping',
          { ...up, stop: stopping(purpose), failure: { cause: 'health', reason: 'the reason' } },
          ['web (run 1, pid 4321) is being stopped, since it failed: the reason; whatever is left is killed in 5s.'],
        ] as const,
    ),
    [
      'completed',
      'exited',
      { ...down, outcome: code(0), reasons: [said('exited with code 0: restart policy: never')] },
      ['web has been down for 30s (run 1): exited with code 0: restart policy: never.'],
    ],
    [
      'failed',
      'exited',
      { ...down, outcome: code(1), reasons: [said('exited with code 1: restart policy: never'), said('reset by the user', NOW_MS)] },
      ['web has been down for 30s (run 1): exited with code 1: restart policy: never.'],
    ],
    [
      'given up',
      'exited',
      { ...down, outcome: code(1), gaveUp: true, reasons: [said('exited with code 1: gave up after 3 restarts')] },
      [
        'web has been down for 30s (run 1): exited with code 1: gave up after 3 restarts.',
        'It is not started again by itself: start it with restart when the cause is gone.',
      ],
    ],
    [
      'stopped',
      'exited',
      { ...down, outcome: signal('SIGTERM'), cancelled: true, reasons: [said('stopped by the user'), said('ended by SIGTERM: stopped by the user')] },
      ['web has been down for 30s (run 1): stopped by the user (ended by SIGTERM).'],
    ],
    [
      'stopped while it waited for its restart',
      'exited',
      { ...down, outcome: code(1), cancelled: true, reasons: [said('exited with code 1: restart 1 in 5 ms (always)'), said('stopped by the user', NOW_MS)] },
      ['web has been down for 30s (run 1): stopped by the user (exited with code 1).'],
    ],
    ['stopped before it was ever started', 'exited', { run: 0, cancelled: true }, ['web was stopped by the user before it was ever started.']],
    [
      'not known how it ended',
      'orphaned',
      { ...down, outcome: unknown, reasons: [said('how it ended is not known: the keeper was killed: restart policy: never')] },
      ['web has been down for 30s (run 1): how it ended is not known: the keeper was killed: restart policy: never.'],
    ],
    [
      'so in an old file without reasons',
      'orphaned',
      { ...down, outcome: unknown },
      ['web has been down for 30s (run 1): how it ended is not known: the keeper was killed.'],
    ],
  ]

  it.each(rows)('%s', (_name, state, part, lines) => {
    expect(why(state, part)).toEqual(lines)
  })
})

describe('what its probes say', () => {
  const spec = aSpec({ health: { liveness: aProbe({ failureThreshold: 3 }) } })
  const probe = (part: Partial<ProbeState>): Partial<ProcessContext> => ({
    ...up,
    spec,
    readyAtMs: EPOCH_MS,
    probes: { liveness: { verdict: 'passing', failures: 0, successes: 1, results: [], body: null, ...part } },
  })
  const answer = (cause: string | null) => [{ atMs: NOW_MS - 2_000, latencyMs: 3, cause }]

  it.each([
    [{ ...up, spec, readyAtMs: EPOCH_MS }, 'Its liveness probe has not been asked yet.'],
    [probe({ results: answer(null) }), 'Its liveness probe is passing (asked 2s ago: passed in 3 ms).'],
    [
      probe({ results: answer('status 503'), failures: 1 }),
      'Its liveness probe is passing (asked 2s ago: status 503, 1 failure in a row of 3 that make it failing).',
    ],
    [
      probe({ verdict: 'unknown', results: answer('connection refused'), failures: 2 }),
      'Its liveness probe is not decided yet (asked 2s ago: connection refused, 2 failures in a row of 3 that make it failing).',
    ],
  ])('%#: with the last answer', (part, line) => {
    expect(why('running', part)).toContain(line)
  })

  it.each([
    ['startup', 'starting', 'unknown', '; asked again in 3s'],
    ['startup', 'running', 'passing', ''],
    ['readiness', 'starting', 'unknown', '; asked again in 3s'],
    ['readiness', 'running', 'passing', '; asked again in 8s'],
    ['readiness', 'unhealthy', 'failing', '; asked again in 8s'],
    ['readiness', 'stopping', 'failing', ''],
    ['liveness', 'starting', 'unknown', '; asked again in 8s'],
  ] as const)('and when it is asked again: %s, %s, %s%s', (name, state, verdict, next) => {
    const often = aSpec({ health: { [name]: aProbe({ intervalMs: 10_000, startIntervalMs: 5_000 }) } })
    const probes = { [name]: { verdict, failures: 0, successes: 1, results: answer(null), body: null } }
    const stop = state === 'stopping' ? { purpose: 'stop' as const, askedAtMs: NOW_MS, rungs: [], killAtMs: NOW_MS + 1_000 } : null
    const lines = why(state, { ...up, spec: often, probes, stop })
    expect(lines.find((line) => line.startsWith(`Its ${name} probe`))).toMatch(new RegExp(`passed in 3 ms${next}\\)\\.$`))
  })

  it.each(['pending', 'backoff', 'exited'] as const)('is left out while it is not up: %s', (state) => {
    expect(why(state, { ...probe({}), outcome: code(1), endedAtMs: EPOCH_MS }).join()).not.toContain('probe')
  })
})

describe('what was counted', () => {
  const counters = { crash: { streak: 2, atMs: [NOW_MS - 700_000, NOW_MS - 5_000, NOW_MS - 1_000] }, health: { streak: 0, atMs: [NOW_MS - 700_000] } }

  it('is told as of now, by cause, without what the window has forgotten', () => {
    const lines = why('running', { ...up, spec: aSpec({ restart: { maxAttempts: 3 } }), readyAtMs: EPOCH_MS, counters })
    expect(lines.slice(1)).toEqual(['Counted for its own end: 2 of at most 3 restarts within 10m, 2 in a row.'])
  })

  it('without a limit names none', () => {
    expect(why('running', { ...up, readyAtMs: EPOCH_MS, counters })).toContain('Counted for its own end: 2 restarts within 10m, 2 in a row.')
  })

  const open = { state: 'open', failuresAtMs: [NOW_MS - 1_000], openUntilMs: NOW_MS + 60_000 } as const
  const halfOpen = { state: 'half-open', failuresAtMs: [], openUntilMs: null } as const

  it.each([
    ['running', null, null],
    ['running', { state: 'closed', failuresAtMs: [NOW_MS - 70_000], openUntilMs: null }, null],
    [
      'running',
      { state: 'closed', failuresAtMs: [NOW_MS - 70_000, NOW_MS - 1], openUntilMs: null },
      'Its circuit breaker is closed: 1 of the 3 failures within 1m that open it.',
    ],
    ['running', halfOpen, expect.stringMatching(/half-open: this run is the trial, which closes it once it was ready for \d+m\.$/)],
    ['starting', halfOpen, expect.stringMatching(/half-open: this run is the trial, which closes it once it was ready for \d+m\.$/)],
    // Who is down is in no trial, and one who is not started again by himself will not be in one in a while, either.
    ['exited', halfOpen, expect.stringMatching(/half-open: the next run is the trial, which closes it once it was ready for \d+m\.$/)],
    ['backoff', halfOpen, expect.stringMatching(/half-open: the next run is the trial, which closes it once it was ready for \d+m\.$/)],
    ['backoff', open, 'Its circuit breaker is open: a trial run in 1m; restart --force or reset closes it.'],
    ['exited', open, 'Its circuit breaker is open: nothing starts it in the next 1m but restart --force; reset closes it.'],
    ['exited', { ...open, openUntilMs: NOW_MS }, 'Its circuit breaker is open, and its cooldown is over: the next run is the trial.'],
  ] as const)('%s, with the breaker %j: %s', (state, breaker, line) => {
    const isUp = state === 'running' || state === 'starting'
    const lines = why(state, { ...(isUp ? up : { ...down, outcome: code(1) }), spec: aSpec({ breaker: {} }), breaker })
    expect(lines.filter((each) => each.includes('breaker'))).toEqual(line === null ? [] : [line])
  })
})
