import { describe, expect, it } from 'vitest'
import { toHealthRecord } from '../../../src/machines/process/health-record.ts'
import type { ProcessState } from '../../../src/machines/process/states.ts'
import type { ProbeCheck, ProbeState, ProcessContext } from '../../../src/types.ts'
import { aContext, aProbe, aSpec, EPOCH_MS, type SpecParts } from '../fixtures.ts'

const state = (verdict: ProbeState['verdict'], body: string | null = null): ProbeState => ({ verdict, failures: 0, successes: 0, results: [], body })
const both = { liveness: aProbe(), readiness: aProbe() }

const contextWith = (health: SpecParts['health'], probes: ProcessContext['probes'] = {}) =>
  aContext({ spec: aSpec({ health: health ?? null }), run: 1, probes })
const recordWith = (health: SpecParts['health'], probes: ProcessContext['probes'] = {}, at: ProcessState = 'running') =>
  toHealthRecord(at, contextWith(health, probes))
const bodyShown = (body: string | null) => recordWith({ liveness: aProbe() }, { liveness: state('passing', body) })?.liveness?.body
const checkShown = (check: ProbeCheck) => recordWith({ liveness: aProbe({ check }) })?.liveness?.spec.check

describe('the health of a process', () => {
  it('without probes is none', () => {
    expect(recordWith(null)).toBeNull()
  })

  it.each([
    ['running', { liveness: state('passing'), readiness: state('passing') }, 'healthy'],
    ['running', { liveness: state('passing') }, 'unknown'],
    ['running', { liveness: state('passing'), readiness: state('unknown') }, 'unknown'],
    ['running', {}, 'unknown'],
    ['running', { liveness: state('failing'), readiness: state('passing') }, 'unhealthy'],
    ['unhealthy', { liveness: state('passing'), readiness: state('failing') }, 'unhealthy'],
    ['starting', {}, 'unknown'],
    ['starting', { liveness: state('passing'), readiness: state('passing') }, 'unknown'],
    ['starting', { readiness: state('failing') }, 'unhealthy'],
    // What is not up is neither well nor unwell, whatever was known of it.
    ['stopping', { liveness: state('failing') }, 'unknown'],
    ['backoff', { liveness: state('failing') }, 'unknown'],
    ['exited', { liveness: state('failing') }, 'unknown'],
    ['orphaned', { liveness: state('passing'), readiness: state('passing') }, 'unknown'],
    ['pending', {}, 'unknown'],
  ] as const)('in %s with %j is %s', (at, probes, status) => {
    expect(recordWith(both, probes, at)?.status).toBe(status)
  })

  it('counts a liveness probe that was not asked yet as passing once the startup probe has passed', () => {
    const [startup, liveness] = [aProbe(), aProbe()]
    const statusWith = (...[probes, health]: [ProcessContext['probes'], SpecParts['health']]) => recordWith(health, probes)?.status
    expect(statusWith({ startup: state('passing') }, { startup, liveness })).toBe('healthy')
    expect(statusWith({}, { startup, liveness })).toBe('unknown')
    expect(statusWith({ startup: state('passing'), liveness: state('failing') }, { startup, liveness })).toBe('unhealthy')
    expect(statusWith({ startup: state('passing') }, { startup, liveness, readiness: aProbe() })).toBe('unknown')
  })

  it('shows each declared probe, also before it was asked, and no other', () => {
    const record = recordWith({ startup: aProbe({ intervalMs: 77 }) }, { liveness: state('failing') })
    expect(Object.keys(record ?? {})).toEqual(['status', 'startup'])
    expect(record?.startup).toEqual({ verdict: 'unknown', failures: 0, successes: 0, results: [], body: null, spec: aProbe({ intervalMs: 77 }) })
  })

  it('shows each answer with its time, how long it took and why it failed', () => {
    const results = [
      { atMs: EPOCH_MS, latencyMs: 1.5, cause: null },
      { atMs: EPOCH_MS + 1_000, latencyMs: 500, cause: 'timeout after 500 ms' },
    ]
    expect(recordWith(both, { liveness: { ...state('passing'), failures: 1, results } })?.liveness).toMatchObject({
      verdict: 'passing',
      failures: 1,
      results: [
        { at: '2030-01-01T00:00:00.000Z', latency_ms: 1.5, cause: null },
        { at: '2030-01-01T00:00:01.000Z', latency_ms: 500, cause: 'timeout after 500 ms' },
      ],
    })
  })

  it('is immutable, survives JSON, and is the same object for a probe that was not asked since', () => {
    const context = contextWith(both, { liveness: state('passing', '{"a":1}') })
    const [first, second] = [toHealthRecord('running', context), toHealthRecord('unhealthy', context)]
    expect(Object.isFrozen(first)).toBe(true)
    expect(JSON.parse(JSON.stringify(first))).toEqual(first)
    expect(second?.liveness).toBe(first?.liveness)
  })
})

describe('the body of an answer', () => {
  it.each([
    ['{"status":"ok","uptimeMs":5}', { status: 'ok', uptimeMs: 5 }],
    ['[1,"a",null,true]', [1, 'a', null, true]],
    ['"ok"', 'ok'],
    ['null', null],
    ['ok', 'ok'],
    ['', ''],
    ['{"status":', '{"status":'],
    [null, null],
  ])('%j is shown as %j', (body, shown) => {
    expect(bodyShown(body)).toEqual(shown)
  })

  it.each([
    ['{"token":"t0p"}', { token: '***' }],
    ['{"a":[{"apiKey":"t0p","n":1}]}', { a: [{ apiKey: '***', n: 1 }] }],
    ['{"pin_token":7}', { pin_token: '***' }],
    ['{"db":"postgres://app:t0p@db/shop"}', { db: 'postgres://app:***@db/shop' }],
    ['"postgres://app:t0p@db/shop"', 'postgres://app:***@db/shop'],
    ['connected to postgres://app:t0p@db/shop', 'connected to postgres://app:***@db/shop'],
    // What is inside is looked at, not hidden as a whole.
    ['{"secrets":{"count":1,"key":"t0p"}}', { secrets: { count: 1, key: '***' } }],
  ])('%s hides what looks secret', (body, shown) => {
    expect(bodyShown(body)).toEqual(shown)
    expect(JSON.stringify(bodyShown(body))).not.toContain('t0p')
  })

  it('keeps names that objects have of their own', () => {
    expect(JSON.stringify(bodyShown('{"__proto__":{"x":1},"constructor":2}'))).toBe('{"__proto__":{"x":1},"constructor":2}')
  })

  const nested = (levels: number, inner = '1') => `${'['.repeat(levels)}${inner}${']'.repeat(levels)}`

  it('is parsed when its JSON is no deeper than whoever shows it can take, and else left as text', () => {
    expect(typeof bodyShown(nested(100))).toBe('object')
    expect(bodyShown(nested(101))).toBe(nested(101))
    expect(bodyShown(nested(30_000))).toBe(nested(30_000))
  })

  it('is not taken for shallow because of brackets in its texts', () => {
    const body = `["${']'.repeat(30_000)}",${nested(5_000)}]`
    expect(bodyShown(body)).toBe(body)
    expect(bodyShown(`{"text":"${'['.repeat(500)}"}`)).toEqual({ text: '['.repeat(500) })
  })
})

describe('the check of a probe is shown without its secrets', () => {
  const tls = { ca: '/ca.pem', cert: '-----BEGIN CERTIFICATE-----', key: '-----BEGIN PRIVATE KEY-----\nt0p', servername: 'api' }

  it('http: headers, the password in its address, its key', () => {
    const check: ProbeCheck = {
      kind: 'http',
      url: 'https://probe:t0p@localhost:8080/healthz',
      method: 'GET',
      headers: { Authorization: 'Bearer t0p', 'X-Api-Key': 't0p', Accept: 'application/json' },
      status: [[200, 200]],
      tls,
    }
    expect(checkShown(check)).toEqual({
      ...check,
      url: 'https://probe:***@localhost:8080/healthz',
      headers: { Authorization: '***', 'X-Api-Key': '***', Accept: 'application/json' },
      tls: { ...tls, key: '***' },
    })
  })

  it('grpc: its key', () => {
    const check: ProbeCheck = { kind: 'grpc', host: 'localhost', port: '1', service: '', tls }
    expect(checkShown(check)).toEqual({ ...check, tls: { ...tls, key: '***' } })
    expect(checkShown({ ...check, tls: null })).toEqual({ ...check, tls: null })
  })

  it('but the path of a key is none', () => {
    const check: ProbeCheck = { kind: 'grpc', host: 'localhost', port: '1', service: '', tls: { key: '/etc/key.pem' } }
    expect(checkShown(check)).toEqual(check)
  })

  it('exec: its variables', () => {
    const check: ProbeCheck = { kind: 'exec', command: 'pg_isready', args: ['-q'], cwd: null, env: { PGPASSWORD: 't0p', PGHOST: 'db' } }
    expect(checkShown(check)).toEqual({ ...check, env: { PGPASSWORD: '***', PGHOST: 'db' } })
  })

  it.each([
    { kind: 'tcp', host: 'localhost', port: '1' },
    { kind: 'function', name: 'isWell' },
  ] as const)('$kind: has none', (check) => {
    expect(checkShown(check)).toEqual(check)
  })
})
