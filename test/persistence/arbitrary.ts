import fc from 'fast-check'
import type { Outcome, ProcessContext, ProcessSpec } from '../../src/types.ts'

export const STATES = ['pending', 'starting', 'running', 'unhealthy', 'backoff', 'stopping', 'exited', 'orphaned'] as const

const text = fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\0', '·'))
const name = fc.oneof(text, fc.constantFrom('constructor', 'prototype', 'toString', 'hasOwnProperty', 'length', 'a b', ''))
const texts = fc.dictionary(name, text, { noNullPrototype: true })
const time = fc.integer({ min: 0, max: 8.64e15 })
const duration = fc.oneof(
  fc.nat(),
  fc.double({ min: 0, max: 6e8, noNaN: true }).filter((value) => !Object.is(value, -0)),
)
const count = fc.nat(1e9)

const spec: fc.Arbitrary<ProcessSpec> = fc.record({
  id: fc.constant('web'),
  command: text,
  args: fc.array(text),
  env: texts,
  inheritEnv: fc.boolean(),
  cwd: text,
  labels: texts,
  stdin: fc.constantFrom('null', 'pipe'),
  restart: fc.record({
    strategy: fc.constantFrom('never', 'on-failure', 'always'),
    delayMs: duration,
    multiplier: fc.double({ min: 1, max: 1_000, noNaN: true }),
    maxDelayMs: duration,
    maxRestarts: count,
    resetAfterMs: duration,
  }),
  stop: fc.record({ ladder: fc.array(fc.record({ signal: text, afterMs: duration })), timeoutMs: duration }),
  leftovers: fc.constantFrom('stop', 'leave'),
})

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({ kind: fc.constant('code' as const), code: fc.nat(255) }),
  fc.record({ kind: fc.constant('signal' as const), signal: text, core: fc.boolean() }),
  fc.record({
    kind: fc.constant('launch-failed' as const),
    step: fc.constantFrom('intent', 'cwd', 'log', 'fork', 'command', 'interpreter', 'keeper'),
    errno: text,
  }),
  fc.constant({ kind: 'not-started' as const }),
  fc.record({ kind: fc.constant('unknown' as const), reason: text }),
)

export const anyContext: fc.Arbitrary<ProcessContext> = fc.record({
  spec,
  run: count,
  identity: fc.option(fc.record({ pid: fc.integer({ min: 2, max: 4_194_304 }), start: text, boot: text })),
  createdAtMs: time,
  startedAtMs: fc.option(time),
  endedAtMs: fc.option(time),
  outcome: fc.option(outcome),
  restarts: count,
  attempts: count,
  retryAtMs: fc.option(time),
  retryDelayMs: fc.option(fc.nat()),
  stop: fc.option(
    fc.record({
      purpose: fc.constantFrom('stop', 'restart', 'leftovers'),
      askedAtMs: time,
      rungs: fc.array(fc.record({ signal: text, atMs: time })),
      killAtMs: time,
    }),
  ),
  cancelled: fc.boolean(),
  keeperLost: fc.boolean(),
  gaveUp: fc.boolean(),
  reasons: fc.array(fc.record({ atMs: time, text: fc.string({ unit: 'binary' }) }), { maxLength: 10 }),
})
