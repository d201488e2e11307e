import { describe, expect, it } from 'vitest'
import { describeFailure } from '../../../src/machines/process/describe.ts'
import { toRecord } from '../../../src/machines/process/record.ts'
import type { ProcessState } from '../../../src/machines/process/states.ts'
import type { LaunchFailure, Outcome, ProcessContext } from '../../../src/types.ts'
import { aBreaker, aContext, aProbe, aSpec, code, EPOCH_MS, notFound, notStarted, signal, unknown } from '../fixtures.ts'

const STATES: readonly ProcessState[] = ['pending', 'starting', 'running', 'unhealthy', 'backoff', 'stopping', 'exited', 'orphaned']
const identity = { pid: 4_321, start: '99', boot: 'b' }

/** A process whose last run ended like this. */
const ended = (outcome: Outcome, part: Partial<ProcessContext> = {}) =>
  aContext({ run: 1, identity, startedAtMs: EPOCH_MS + 1_000, endedAtMs: EPOCH_MS + 2_000, outcome, ...part })

describe('the status, in the words of a job’s user', () => {
  it.each([
    ['pending', aContext(), 'pending'],
    ['starting', aContext({ run: 1 }), 'running'],
    ['running', aContext({ run: 1, identity }), 'running'],
    ['unhealthy', aContext({ run: 1, identity }), 'running'],
    ['backoff', ended(code(1)), 'running'],
    ['stopping', aContext({ run: 1, identity, cancelled: true }), 'running'],
    ['exited', ended(code(0)), 'completed'],
    ['exited', ended(code(1)), 'failed'],
    ['exited', ended(signal('SIGSEGV')), 'failed'],
    ['exited', ended(notFound), 'failed'],
    ['exited', ended(notStarted), 'failed'],
    ['exited', ended(code(0), { cancelled: true }), 'cancelled'],
    ['exited', ended(signal('SIGTERM'), { cancelled: true }), 'cancelled'],
    ['exited', aContext({ cancelled: true }), 'cancelled'],
    ['exited', ended(code(0), { gaveUp: true }), 'failed'],
    ['exited', ended(code(0), { failure: { cause: 'health', reason: 'liveness probe failed: x' } }), 'failed'],
    ['exited', ended(signal('SIGTERM'), { failure: { cause: 'start', reason: 'not ready within 1m' }, cancelled: true }), 'cancelled'],
    ['exited', ended(code(3), { spec: aSpec({ restart: { successExitCodes: [3] } }) }), 'completed'],
    ['exited', ended(code(0), { spec: aSpec({ restart: { successExitCodes: [3] } }) }), 'failed'],
    ['exited', ended(signal('SIGTERM'), { spec: aSpec({ restart: { successSignals: ['SIGTERM'] } }) }), 'completed'],
    ['orphaned', ended(unknown), 'orphaned'],
    ['orphaned', ended(unknown, { gaveUp: true }), 'orphaned'],
    ['orphaned', ended(unknown, { cancelled: true }), 'orphaned'],
  ] as const)('%s with %j is %s', (state, context, status) => {
    const record = toRecord(state, context)
    expect(record).toMatchObject({ state, status })
  })
})

describe('what is not known yet is null', () => {
  it('before the first run', () => {
    expect(toRecord('pending', aContext())).toMatchObject({
      pid: null,
      run: 0,
      restarts: 0,
      exit_code: null,
      signal: null,
      error: null,
      started_at: null,
      completed_at: null,
      retry_at: null,
      outcome: null,
    })
  })

  it.each([
    ['an exit code is not a signal', code(137), 137, null],
    ['a signal is not an exit code', signal('SIGKILL'), null, 'SIGKILL'],
    ['a launch that failed has neither', notFound, null, null],
    ['a run that never started has neither', notStarted, null, null],
    ['an unknown end has neither', unknown, null, null],
  ] as const)('%s', (_rule, outcome, exit_code, name) => {
    expect(toRecord('exited', ended(outcome))).toMatchObject({ exit_code, signal: name })
  })

  it.each(STATES)('in %s the pid is shown only while there is a command', (state) => {
    const isUp = ['starting', 'running', 'unhealthy', 'stopping'].includes(state)
    expect(toRecord(state, aContext({ run: 1, identity })).pid).toBe(isUp ? 4_321 : null)
    expect(toRecord(state, ended(code(0))).pid).toBeNull()
  })

  it('completed_at is null while what the command left behind is still being stopped', () => {
    expect(toRecord('stopping', ended(code(0)))).toMatchObject({ completed_at: null, exit_code: 0 })
    expect(toRecord('exited', ended(code(0))).completed_at).toBe('2030-01-01T00:00:02.000Z')
  })
})

describe('a record', () => {
  it('tells times as ISO 8601 UTC', () => {
    const context = ended(code(1), { retryAtMs: EPOCH_MS + 3_000, reasons: [{ atMs: EPOCH_MS + 2_000, text: 'why' }] })
    expect(toRecord('backoff', context)).toMatchObject({
      created_at: '2030-01-01T00:00:00.000Z',
      started_at: '2030-01-01T00:00:01.000Z',
      completed_at: '2030-01-01T00:00:02.000Z',
      retry_at: '2030-01-01T00:00:03.000Z',
      reasons: [{ at: '2030-01-01T00:00:02.000Z', text: 'why' }],
    })
  })

  it('hides secrets of the environment and shows the rest of the spec as it is', () => {
    const spec = aSpec({ env: { HF_TOKEN: 'hf_1', MODE: 'x' }, labels: { a: 'b' }, cwd: '/w', args: ['--', ''] })
    const record = toRecord('pending', aContext({ spec }))
    expect(record).toMatchObject({ id: 'web', command: 'node', args: ['--', ''], env: { HF_TOKEN: '***', MODE: 'x' }, work_dir: '/w', labels: { a: 'b' } })
    expect(JSON.stringify(record)).not.toContain('hf_1')
  })

  it('is immutable and survives JSON', () => {
    const record = toRecord('exited', ended(signal('SIGABRT')))
    expect(Object.isFrozen(record)).toBe(true)
    expect(JSON.parse(JSON.stringify(record))).toEqual(record)
  })

  it.each(['exited with code 1: gave up after 2 restarts', 'exited with code 0: gave up after 2 restarts'])('of one that gave up says so, once: %s', (text) => {
    const reasons = [{ atMs: EPOCH_MS + 2_000, text }]
    expect(toRecord('exited', ended(code(text.includes('code 0') ? 0 : 1), { gaveUp: true, reasons })).error).toBe(text)
  })

  it('of one that gave up goes on saying so when other things have gone on record since', () => {
    const gaveUp = { atMs: EPOCH_MS + 2_000, text: 'exited with code 1: gave up after 2 restarts' }
    const reasons = [{ atMs: EPOCH_MS + 2_000, text: 'SIGTERM sent' }, gaveUp, { atMs: EPOCH_MS + 9_000, text: 'reset by the user: nothing counts against it' }]
    expect(toRecord('exited', ended(code(1), { gaveUp: true, reasons })).error).toBe(gaveUp.text)
  })

  it('says why procman has ended the run, whatever the command made of that', () => {
    const failure = { cause: 'health', reason: 'liveness probe failed 3 times: status 503' } as const
    for (const outcome of [code(0), signal('SIGTERM')]) expect(toRecord('exited', ended(outcome, { failure })).error).toBe(failure.reason)
  })

  it('has no error for an end that is declared to be none', () => {
    const spec = aSpec({ restart: { successExitCodes: [3] } })
    expect(toRecord('exited', ended(code(3), { spec })).error).toBeNull()
    expect(toRecord('exited', ended(code(0), { spec }))).toMatchObject({ status: 'failed', error: 'exited with code 0' })
  })

  it('shows times that no calendar has as its last day, instead of failing', () => {
    const spec = aSpec({ ready: { kind: 'notify', fd: 3 } })
    const record = toRecord('starting', aContext({ spec, run: 1, startedAtMs: 8.64e15, breaker: null }))
    expect(record).toMatchObject({ started_at: '+275760-09-13T00:00:00.000Z', ready_by: '+275760-09-13T00:00:00.000Z' })
  })
})

describe('what a process that is up waits for', () => {
  const spec = aSpec({ health: { startup: aProbe(), liveness: aProbe() }, startupTimeoutMs: 10_000 })
  const up = aContext({ spec, run: 1, identity, startedAtMs: EPOCH_MS })

  it.each(STATES)('in %s: what is in the way of being ready, and until when', (state) => {
    const record = toRecord(state, up)
    expect(record.ready).toBe(state === 'running')
    expect(record.ready_by).toBe(state === 'starting' ? '2030-01-01T00:00:10.000Z' : null)
    expect(record.waiting_for).toBe(state === 'starting' || state === 'unhealthy' ? 'its startup probe has not passed yet' : null)
  })

  it('is why it is being stopped, while procman does so', () => {
    const stop = { purpose: 'unhealthy', askedAtMs: EPOCH_MS, rungs: [], killAtMs: EPOCH_MS + 5_000 } as const
    const record = toRecord('stopping', { ...up, stop, failure: { cause: 'health', reason: 'liveness probe failed: x' } })
    expect(record).toMatchObject({ waiting_for: 'liveness probe failed: x', stopping: { purpose: 'unhealthy', kill_at: '2030-01-01T00:00:05.000Z' } })
  })
})

describe('what was counted', () => {
  it('is shown by cause, with its times', () => {
    const counters = { crash: { streak: 2, atMs: [EPOCH_MS, EPOCH_MS + 1_000] }, port: { streak: 0, atMs: [] } }
    expect(toRecord('backoff', ended(code(1), { counters })).attempts).toEqual({
      crash: { in_a_row: 2, at: ['2030-01-01T00:00:00.000Z', '2030-01-01T00:00:01.000Z'] },
      port: { in_a_row: 0, at: [] },
    })
  })

  it.each([
    ['none declared', null, null, null],
    ['nothing counted', {}, null, { state: 'closed', failures_at: [], open_until: null }],
    [
      'open',
      {},
      { state: 'open', failuresAtMs: [EPOCH_MS], openUntilMs: EPOCH_MS + 1_000 },
      { state: 'open', failures_at: ['2030-01-01T00:00:00.000Z'], open_until: '2030-01-01T00:00:01.000Z' },
    ],
    ['on trial', {}, { state: 'half-open', failuresAtMs: [], openUntilMs: null }, { state: 'half-open', failures_at: [], open_until: null }],
  ] as const)('the breaker, too: %s', (_name, policy, breaker, shown) => {
    const record = toRecord('backoff', ended(code(1), { spec: aSpec({ breaker: policy }), breaker }))
    if (shown === null) expect(record.breaker).toBeNull()
    else expect(record.breaker).toEqual({ ...shown, policy: aBreaker() })
  })
})

describe('the sentence about a failure', () => {
  const failed = (step: LaunchFailure['step'], errno: string): Outcome => ({ kind: 'launch-failed', step, errno })

  it.each([
    [code(0), 'exited with code 0'],
    [code(3), 'exited with code 3'],
    [signal('SIGTERM'), 'ended by SIGTERM'],
    [{ kind: 'signal', signal: 'SIGSEGV', core: true }, 'ended by SIGSEGV (core dumped)'],
    [notStarted, 'stopped before it was executed'],
    [unknown, 'how it ended is not known: the keeper was killed'],
    [failed('command', 'ENOENT'), 'command "a b" not found (ENOENT)'],
    [failed('command', 'ENOTDIR'), 'command "a b" not found (ENOTDIR)'],
    [failed('command', 'EACCES'), 'command "a b" is not executable (EACCES)'],
    [failed('command', 'EPERM'), 'command "a b" is not executable (EPERM)'],
    [failed('command', 'ENOEXEC'), 'command "a b" is not a program of this machine, and a script needs a #! line (ENOEXEC)'],
    [failed('command', 'E2BIG'), 'arguments and environment of "a b" are too long (E2BIG)'],
    [failed('command', 'EIO'), 'command "a b" cannot be executed (EIO)'],
    [failed('interpreter', 'ENOENT'), 'interpreter of "a b" not found (ENOENT): look at its #! line'],
    [failed('cwd', 'ENOENT'), 'working directory "/w" cannot be entered (ENOENT)'],
    [failed('log', 'ENOSPC'), 'a log file, stdin or its descriptor cannot be opened (ENOSPC)'],
    [failed('fork', 'EAGAIN'), 'no new process can be made (EAGAIN)'],
    [failed('intent', 'ENOSPC'), 'the run could not be written down (ENOSPC)'],
    [failed('keeper', 'ENOEXEC'), 'no keeper can be started (ENOEXEC)'],
    [failed('port', 'EADDRINUSE'), 'no port is to be had (EADDRINUSE)'],
    [failed('template', 'EINVAL'), 'a template cannot be filled in (EINVAL)'],
    [{ kind: 'launch-failed', step: 'port', errno: 'EADDRINUSE', detail: 'port http: 8080 is held by api' }, 'port http: 8080 is held by api'],
    [{ kind: 'launch-failed', step: 'intent', errno: 'ENOSPC', path: '/s' }, 'the run could not be written down in "/s" (ENOSPC)'],
  ] as const)('%j: %s', (outcome, sentence) => {
    expect(describeFailure(outcome, 'a b', '/w')).toBe(sentence)
  })
})
