import { describe, expect, it } from 'vitest'
import { compareSpecs } from '../../../src/machines/process/respec.ts'
import { parseProcessInput } from '../../../src/spec/parse.ts'
import { aProbe, aSpec, DEFAULT_LOGS, type SpecParts } from '../fixtures.ts'

const templated: SpecParts = { template: true, labels: { tier: 'web' }, meta: { size: 1 } }

describe('two declarations of a process', () => {
  const rows: readonly (readonly [string, SpecParts, SpecParts, readonly string[], readonly string[]])[] = [
    ['the same', {}, {}, [], []],
    ['the same in another order', { labels: { a: '1', b: '2' } }, { labels: { b: '2', a: '1' } }, [], []],
    ['a command', {}, { command: 'deno' }, ['command'], ['command']],
    ['arguments in another order', { args: ['a', 'b'] }, { args: ['b', 'a'] }, ['args'], ['args']],
    [
      'variables: one more, one less, one with another value',
      { env: { A: '1', B: '2' } },
      { env: { B: '3', C: '4' } },
      ['env A', 'env B', 'env C'],
      ['env A', 'env B', 'env C'],
    ],
    ['the environment that is inherited', {}, { inheritEnv: false }, ['inherited environment'], ['inherited environment']],
    ['a directory', {}, { cwd: '/' }, ['cwd'], ['cwd']],
    ['stdin', {}, { stdin: 'pipe' }, ['stdin'], ['stdin']],
    ['what its keeper does with leftovers', {}, { leftovers: 'leave' }, ['leftovers'], ['leftovers']],
    ['ports', {}, { ports: { http: { from: 80, to: 80, host: null } } }, ['ports'], ['ports']],
    ['a sign that comes by a descriptor', {}, { ready: { kind: 'notify', fd: 3 } }, ['sign of readiness'], ['sign of readiness']],
    [
      'a sign that came by a descriptor',
      { ready: { kind: 'notify', fd: 3 } },
      { ready: { kind: 'delay', delayMs: 1 } },
      ['sign of readiness'],
      ['sign of readiness'],
    ],
    ['another sign', {}, { ready: { kind: 'delay', delayMs: 1 } }, ['sign of readiness'], []],
    ['labels', { labels: { tier: 'web' } }, { labels: { tier: 'db', a: '' } }, ['label tier', 'label a'], []],
    ['metadata', { meta: { size: 1 } }, { meta: { size: '1' } }, ['meta size'], []],
    ['the limits of its logs', {}, { logs: { ...DEFAULT_LOGS, maxSizeBytes: 1, maxFiles: 1, compress: 'gzip', bufferBytes: 4_096 } }, ['logs'], []],
    ['where its output goes', {}, { logs: { ...DEFAULT_LOGS, stderr: 'none' } }, ['logs'], ['logs']],
    ['a policy', {}, { restart: { strategy: 'always' } }, ['restart policy'], []],
    ['a breaker', {}, { breaker: {} }, ['circuit breaker'], []],
    ['a probe', {}, { health: { liveness: aProbe() } }, ['probes'], []],
    ['times', {}, { startupTimeoutMs: 1, stop: { ladder: [], timeoutMs: 1 } }, ['startup timeout', 'stop ladder'], []],
    ['what it waits for, and whose it is', {}, { dependsOn: { db: 'healthy' }, origin: '/srv' }, ['dependencies', 'origin'], []],
    ['templates that there are none of', {}, { template: true }, ['template'], []],
    ['templates that are filled in now', { args: ['${id}'] }, { args: ['${id}'], template: true }, ['template', 'args'], ['args']],
    [
      'a label that is in an argument',
      { ...templated, args: ['${labels.tier}'] },
      { ...templated, args: ['${labels.tier}'], labels: { tier: 'db' } },
      ['label tier', 'args'],
      ['args'],
    ],
    [
      'metadata that is in a variable',
      { ...templated, env: { N: '${meta.size}' } },
      { ...templated, env: { N: '${meta.size}' }, meta: { size: 2 } },
      ['meta size', 'env N'],
      ['env N'],
    ],
    ['a label that is in a probe', withUrl('web'), withUrl('db'), ['probes', 'label tier'], []],
    ['an argument that comes out the same', { ...templated, args: ['${labels.tier}'] }, { ...templated, args: ['web'] }, ['args'], []],
    ['a variable instead of another', { ...templated, args: ['${env.A}'] }, { ...templated, args: ['${env.B}'] }, ['args'], ['args']],
    ['a port instead of another', withPorts('${port.a}'), withPorts('${port.b}'), ['args'], ['args']],
    ['a template that cannot be filled in', { template: true, args: ['${labels.none}'] }, { template: true, args: ['${'] }, ['args'], []],
  ]

  it.each(rows)('%s', (_, before, after, changes, restartReasons) => {
    const compared = compareSpecs(aSpec(before), aSpec(after))
    expect([...compared.changes].sort()).toEqual([...changes].sort())
    expect(compared).toMatchObject({ restartReasons, needsRestart: restartReasons.length > 0 })
  })

  it('never tell a value', () => {
    const secret = (value: string) => aSpec({ env: { DB_PASSWORD: value }, args: [value], meta: { token: value } })
    expect(JSON.stringify(compareSpecs(secret('hunter2'), secret('hunter3')))).not.toContain('hunter')
  })

  it('are the same when the same input was read twice', () => {
    const input = { command: 'x', id: 'web', ports: { http: 'any' as const }, health: { liveness: { tcp: {} } }, ready: { logLine: /up/ } }
    const [one, other] = [parseProcessInput(input, () => 'x').spec, parseProcessInput(input, () => 'x').spec]
    expect(compareSpecs(one, JSON.parse(JSON.stringify(other)))).toEqual({ changes: [], needsRestart: false, restartReasons: [] })
  })
})

function withUrl(tier: string): SpecParts {
  return { template: true, labels: { tier }, health: { liveness: aProbe({ check: { kind: 'tcp', host: '${labels.tier}', port: '80' } }) } }
}

function withPorts(arg: string): SpecParts {
  const any = { from: 0, to: 0, host: null }
  return { template: true, ports: { a: any, b: any }, args: [arg] }
}
