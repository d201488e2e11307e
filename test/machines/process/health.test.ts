import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  afterResult,
  describeProbe,
  failingProbe,
  isReady,
  isReadyOnceLaunched,
  notReadyReason,
  shallRestartUnhealthy,
} from '../../../src/machines/process/health.ts'
import type { ProbeState, ProcessContext, ReadySpec } from '../../../src/types.ts'
import { aContext, aProbe, aSpec, EPOCH_MS, type SpecParts } from '../fixtures.ts'

/** `+` passes, `-` fails. */
function answered(answers: string, thresholds: { failureThreshold?: number; successThreshold?: number } = {}): ProbeState | undefined {
  let state: ProbeState | undefined
  for (const [index, answer] of [...answers].entries())
    state = afterResult(aProbe(thresholds), state, { atMs: EPOCH_MS + index, latencyMs: 1, cause: answer === '+' ? null : `cause ${index}` }, null)
  return state
}

const passing = answered('+')
const failing = answered('-')
const undecided = answered('-', { failureThreshold: 3 })

describe('the verdict of a probe', () => {
  it.each([
    ['', 3, 1, undefined],
    ['+', 3, 1, 'passing'],
    ['-', 3, 1, 'unknown'],
    ['--', 3, 1, 'unknown'],
    ['---', 3, 1, 'failing'],
    ['--+--', 3, 1, 'passing'],
    ['--+---', 3, 1, 'failing'],
    ['+', 1, 2, 'unknown'],
    ['++', 1, 2, 'passing'],
    ['+-+-+-', 2, 2, 'unknown'],
    // Hysteresis both ways: fewer in a row than the threshold leave it as it was.
    ['---+', 3, 2, 'failing'],
    ['---++', 3, 2, 'passing'],
    ['---+-+-', 3, 2, 'failing'],
    ['++--', 3, 2, 'passing'],
    ['++---', 3, 2, 'failing'],
    ['++--+--', 3, 2, 'passing'],
    ['-', 1, 1, 'failing'],
    ['-+-+', 1, 1, 'passing'],
  ])('of %j with %i failures and %i successes in a row: %s', (answers, failureThreshold, successThreshold, verdict) => {
    expect(answered(answers, { failureThreshold, successThreshold })?.verdict).toBe(verdict)
  })

  it('turns exactly when the last answers are as many as its threshold', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('+', '-')),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        (answers, failureThreshold, successThreshold) => {
          let expected = 'unknown'
          for (let end = 1; end <= answers.length; end++) {
            const until = answers.slice(0, end)
            if (until.slice(-failureThreshold).join('') === '-'.repeat(failureThreshold)) expected = 'failing'
            if (until.slice(-successThreshold).join('') === '+'.repeat(successThreshold)) expected = 'passing'
          }
          expect(answered(answers.join(''), { failureThreshold, successThreshold })?.verdict ?? 'unknown').toBe(expected)
        },
      ),
    )
  })
})

describe('what is kept of the answers', () => {
  it('the last twenty, oldest first', () => {
    const results = answered('-'.repeat(30))?.results ?? []
    expect(results).toHaveLength(20)
    expect([results.at(0)?.cause, results.at(-1)?.cause]).toEqual(['cause 10', 'cause 29'])
  })

  it('how many in a row, of which there is one kind at a time', () => {
    expect(answered('++---')).toMatchObject({ failures: 3, successes: 0 })
    expect(answered('---++')).toMatchObject({ failures: 0, successes: 2 })
  })

  it('the last body', () => {
    const first = afterResult(aProbe(), undefined, { atMs: EPOCH_MS, latencyMs: 1, cause: null }, 'one')
    expect(first.body).toBe('one')
    expect(afterResult(aProbe(), first, { atMs: EPOCH_MS, latencyMs: 1, cause: 'timeout after 500 ms' }, null).body).toBeNull()
  })
})

const all = { startup: aProbe(), liveness: aProbe(), readiness: aProbe() }
const line: ReadySpec = { kind: 'log-line', source: 'listening', flags: 'i' }

interface Gates {
  readonly health?: SpecParts['health']
  readonly ready?: ReadySpec
  readonly probes?: ProcessContext['probes']
  readonly signalledAtMs?: number
}

const withGates = ({ health, ready, probes = {}, signalledAtMs }: Gates): ProcessContext =>
  aContext({ spec: aSpec({ health: health ?? null, ready: ready ?? null }), probes, signalledAtMs: signalledAtMs ?? null })

describe('a process is ready when every gate that it has is open', () => {
  const rows: readonly (readonly [string, Gates, boolean])[] = [
    ['no gates', {}, true],
    ['a liveness probe is no gate', { health: { liveness: aProbe() } }, true],
    ['but one that fails is', { health: { liveness: aProbe() }, probes: { liveness: failing } }, false],
    ['startup not asked', { health: { startup: aProbe() } }, false],
    ['startup undecided', { health: { startup: aProbe() }, probes: { startup: undecided } }, false],
    ['startup failing', { health: { startup: aProbe() }, probes: { startup: failing } }, false],
    ['startup passing', { health: { startup: aProbe() }, probes: { startup: passing } }, true],
    ['readiness not asked', { health: { readiness: aProbe() } }, false],
    ['readiness failing', { health: { readiness: aProbe() }, probes: { readiness: failing } }, false],
    ['readiness passing', { health: { readiness: aProbe() }, probes: { readiness: passing } }, true],
    ['startup passing, readiness not asked', { health: all, probes: { startup: passing } }, false],
    ['startup and readiness passing', { health: all, probes: { startup: passing, readiness: passing } }, true],
    ['all passing', { health: all, probes: { startup: passing, readiness: passing, liveness: passing } }, true],
    ['all passing but liveness', { health: all, probes: { startup: passing, readiness: passing, liveness: failing } }, false],
    ['a sign that has not come', { ready: line }, false],
    ['a sign that has come', { ready: line, signalledAtMs: EPOCH_MS }, true],
    ['a sign, and readiness not asked', { ready: line, signalledAtMs: EPOCH_MS, health: { readiness: aProbe() } }, false],
    ['readiness passing, and no sign', { ready: line, health: { readiness: aProbe() }, probes: { readiness: passing } }, false],
    ['both', { ready: line, signalledAtMs: EPOCH_MS, health: { readiness: aProbe() }, probes: { readiness: passing } }, true],
  ]

  it.each(rows)('%s', (_name, gates, isOpen) => {
    expect(isReady(withGates(gates))).toBe(isOpen)
  })

  it.each([
    ['nothing else was asked for', {}, true],
    ['only a liveness probe', { health: { liveness: aProbe() } }, true],
    ['a readiness probe', { health: { readiness: aProbe() } }, false],
    ['a startup probe', { health: { startup: aProbe() } }, false],
    ['a sign', { ready: line }, false],
    ['what probes of an earlier state say is not asked', { health: { readiness: aProbe() }, probes: { readiness: passing } }, false],
  ] as const)('as soon as it is launched: %s', (_name, gates, isOnce) => {
    expect(isReadyOnceLaunched(withGates(gates))).toBe(isOnce)
  })
})

describe('why it is not ready', () => {
  it.each([
    [{}, 'it is not launched yet'],
    [{ ready: line }, 'no line of its output matches /listening/i yet'],
    [{ ready: { kind: 'notify', fd: 3 } }, 'no newline on descriptor 3 yet'],
    [{ ready: { kind: 'delay', delayMs: 500 } }, '500 ms have not passed since its launch'],
    [{ health: { startup: aProbe() } }, 'its startup probe has not passed yet'],
    [{ health: { readiness: aProbe() } }, 'its readiness probe has not passed yet'],
    [{ health: all, probes: { startup: passing } }, 'its readiness probe has not passed yet'],
    [{ health: all, probes: { startup: undecided } }, 'startup probe failed: cause 0'],
    [{ health: all, probes: { startup: passing, readiness: undecided } }, 'readiness probe failed: cause 0'],
    [{ health: all, probes: { startup: passing, readiness: undecided, liveness: failing } }, 'liveness probe failed: cause 0'],
    [{ health: all, probes: { startup: passing, readiness: failing } }, 'readiness probe failed: cause 0'],
    [{ ready: line, health: { readiness: aProbe() } }, 'its readiness probe has not passed yet'],
    [{ ready: line, health: { readiness: aProbe() }, probes: { readiness: passing } }, 'no line of its output matches /listening/i yet'],
  ] as const)('%j: %s', (gates, reason) => {
    expect(notReadyReason(withGates(gates))).toBe(reason)
  })
})

describe('a failing probe', () => {
  it.each([
    [{}, null],
    [{ liveness: passing, readiness: passing }, null],
    [{ startup: failing }, null],
    [{ liveness: undecided }, null],
    [{ readiness: failing }, 'readiness'],
    [{ liveness: failing }, 'liveness'],
    [{ liveness: failing, readiness: failing }, 'liveness'],
  ] as const)('of %j: %s', (probes, name) => {
    expect(failingProbe({ probes })).toBe(name)
  })

  it.each([
    ['always', 'restart', { liveness: failing }, true],
    ['on-failure', 'restart', { liveness: failing }, true],
    ['unless-stopped', 'restart', { liveness: failing }, true],
    ['never', 'restart', { liveness: failing }, false],
    ['always', 'report', { liveness: failing }, false],
    ['always', 'restart', { liveness: undecided }, false],
    ['always', 'restart', { readiness: failing, startup: failing }, false],
    ['always', 'restart', {}, false],
  ] as const)('with the policy %s and onFailure %s, %j is restarted: %s', (strategy, onFailure, probes, isRestarted) => {
    const spec = aSpec({ restart: { strategy }, health: { liveness: aProbe({ onFailure }), readiness: aProbe(), startup: aProbe() } })
    expect(shallRestartUnhealthy({ ...aContext({ spec }), probes })).toBe(isRestarted)
  })

  it.each([
    ['liveness', answered('---'), 'liveness probe failed 3 times: cause 2'],
    ['readiness', answered('-'), 'readiness probe failed: cause 0'],
    ['liveness', answered('--+'), 'liveness probe failed: cause 1'],
    ['startup', undefined, 'startup probe failed: no answer'],
  ] as const)('of %s is told with the last cause: %j', (name, state, text) => {
    expect(describeProbe(name, state)).toBe(text)
  })
})
