/** The rows about being ready and well: signs of readiness, ports, probes with their last answers. */
import type { HealthRecord, ProbeCheck, ProbeRecord, ProcessRecord, ReadySpec } from '../../index.ts'
import type { Row } from './row.ts'
import { renderCommand, renderPairs } from './text.ts'
import { renderAgo, renderSpan, renderTime } from './time.ts'

const PROBES = ['startup', 'liveness', 'readiness'] as const
/** All that are kept are in the JSON. */
const SHOWN_RESULTS = 3

/** Only what was asked for: nothing for a process without ports, probes and signs. */
export function healthRows(record: ProcessRecord, nowMs: number): readonly Row[] {
  const { ports, health, ready_when } = record
  return [
    ...(Object.keys(ports).length === 0 ? [] : [['ports', renderPairs(ports)] as const]),
    ...(health === null && ready_when === null ? [] : [['ready', renderReady(record, nowMs)] as const]),
    ...(ready_when === null ? [] : [['ready when', renderSign(ready_when)] as const]),
    ...(health === null ? [] : [['health', health.status] as const, ...probeRows(health, nowMs)]),
  ]
}

function renderReady({ ready, ready_at, waiting_for }: ProcessRecord, nowMs: number): string {
  if (ready) return `since ${renderTime(ready_at, nowMs)}`
  return waiting_for === null ? 'no' : `no: ${waiting_for}`
}

function renderSign(sign: ReadySpec): string {
  switch (sign.kind) {
    case 'log-line':
      return `a line of its output matches /${sign.source}/${sign.flags}`
    case 'notify':
      return `it writes a newline to descriptor ${sign.fd}`
    case 'delay':
      return `${renderSpan(sign.delayMs)} after its launch`
  }
}

function probeRows(health: HealthRecord, nowMs: number): readonly Row[] {
  return PROBES.flatMap((name): readonly Row[] => {
    const probe = health[name]
    if (probe === undefined) return []
    const results = probe.results.slice(-SHOWN_RESULTS).reverse()
    return [
      [name, `${probe.verdict}: ${renderProbe(probe)}`],
      ...results.map(({ at, latency_ms, cause }): Row => ['', `${renderAgo(at, nowMs)}: ${cause ?? 'passed'} (${renderSpan(latency_ms)})`]),
    ]
  })
}

function renderProbe({ spec: { check, intervalMs, timeoutMs, failureThreshold, onFailure }, failures }: ProbeRecord): string {
  const count = failures === 0 ? '' : `, ${failures} failed in a row`
  const rule = `every ${renderSpan(intervalMs)}, within ${renderSpan(timeoutMs)}, failing after ${failureThreshold}${onFailure === 'restart' ? ' (restart)' : ''}`
  return `${renderCheck(check)}, ${rule}${count}`
}

function renderCheck(check: ProbeCheck): string {
  switch (check.kind) {
    case 'http':
      return `${check.method} ${check.url}`
    case 'tcp':
      return `tcp://${renderAddress(check)}`
    case 'grpc':
      return `grpc://${renderAddress(check)}${check.service === '' ? '' : `/${check.service}`}`
    case 'exec':
      return renderCommand(check.command, check.args)
    case 'function':
      return `function ${check.name}`
  }
}

function renderAddress({ host, port }: { readonly host: string; readonly port: string }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
