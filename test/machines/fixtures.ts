import { contextOf } from '../../src/machines/process/context.ts'
import type { Outcome, ProcessContext, ProcessSpec, RestartPolicy } from '../../src/types.ts'

export const EPOCH_MS = Date.UTC(2030, 0, 1)

export const aPolicy = (part: Partial<RestartPolicy> = {}): RestartPolicy => ({
  strategy: 'never',
  delayMs: 1_000,
  multiplier: 2,
  maxDelayMs: 60_000,
  maxRestarts: 0,
  resetAfterMs: 60_000,
  ...part,
})

export type SpecParts = Partial<Omit<ProcessSpec, 'restart'>> & { readonly restart?: Partial<RestartPolicy> }

export const aSpec = ({ restart, ...part }: SpecParts = {}): ProcessSpec => ({
  id: 'web',
  command: 'node',
  args: ['server.js'],
  env: {},
  inheritEnv: true,
  cwd: '/srv',
  labels: {},
  stdin: 'null',
  restart: aPolicy(restart),
  stop: { ladder: [{ signal: 'SIGTERM', afterMs: 0 }], timeoutMs: 5_000 },
  leftovers: 'stop',
  ...part,
})

export const aContext = (part: Partial<ProcessContext> = {}): ProcessContext => ({ ...contextOf(aSpec(), EPOCH_MS), ...part })

export const code = (value: number): Outcome => ({ kind: 'code', code: value })
export const signal = (name: string): Outcome => ({ kind: 'signal', signal: name, core: false })
export const notFound: Outcome = { kind: 'launch-failed', step: 'command', errno: 'ENOENT' }
export const notStarted: Outcome = { kind: 'not-started' }
export const unknown: Outcome = { kind: 'unknown', reason: 'the keeper was killed' }

/** One of each kind of end, and whether it is a failure. */
export const OUTCOMES: readonly (readonly [string, Outcome, boolean])[] = [
  ['code 0', code(0), false],
  ['code 1', code(1), true],
  ['code 137', code(137), true],
  ['SIGKILL', signal('SIGKILL'), true],
  ['SIGTERM', signal('SIGTERM'), true],
  ['launch failed', notFound, true],
  ['not started', notStarted, true],
  ['unknown', unknown, true],
]
