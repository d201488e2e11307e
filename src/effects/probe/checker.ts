/** Asks one process once, in one of five ways. When and how often is for others to say. */
import { callAfter } from '../../timers.ts'
import type { ProbeCheck } from '../../types.ts'
import { causeOf, timeoutCause } from './causes.ts'
import { execProbe } from './exec.ts'
import { functionProbe } from './function.ts'
import { grpcProbe } from './grpc.ts'
import { httpProbe } from './http.ts'
import { type CheckAnswer, type CheckerPorts, failed, type Probe } from './probe.ts'
import { tcpProbe } from './tcp.ts'

export type { CheckAnswer, CheckerPorts } from './probe.ts'

/** Of one run: what it keeps (a connection) never leads to another. */
export interface Checker {
  /** Loads what it needs, once. To be awaited before a check: it is no part of what is timed. */
  prepare(): Promise<void>
  /**
   * Never rejects. Null: cannot be asked in this manager. Asked again while it is being asked: that is not supported.
   * @param timeoutMs bounds all of it: then the answer is the cause "timeout after N ms"
   * @param signal ends it; the answer is of no interest then. At the timeout and at the end all it holds (sockets, a process tree) is let go at once.
   */
  check(timeoutMs: number, signal: AbortSignal): Promise<CheckAnswer | null>
  /** Also ends what is being asked. Repeated: nothing. */
  close(): void
}

/** @param check with its templates filled in; what is wrong in it (an address that is none) is a failure of each check */
export function createChecker(check: ProbeCheck, ports: CheckerPorts): Checker {
  const probe = probeOf(check, ports)
  const closing = new AbortController()
  return {
    prepare: () => probe.prepare?.() ?? Promise.resolve(),
    check: (timeoutMs, signal) => bounded(probe, timeoutMs, [signal, closing.signal]),
    close: () => {
      closing.abort()
      probe.close()
    },
  }
}

function probeOf(check: ProbeCheck, ports: CheckerPorts): Probe {
  switch (check.kind) {
    case 'http':
      return httpProbe(check, ports.cwd)
    case 'tcp':
      return tcpProbe(check)
    case 'exec':
      return execProbe(check, ports)
    case 'grpc':
      return grpcProbe(check, ports.cwd)
    case 'function':
      return functionProbe(check, ports)
  }
}

function bounded(probe: Probe, timeoutMs: number, ends: readonly AbortSignal[]): Promise<CheckAnswer | null> {
  return new Promise((resolve) => {
    const limit = new AbortController()
    const settle = (answer: CheckAnswer | null) => {
      stopTimer()
      for (const end of ends) end.removeEventListener('abort', abandon)
      resolve(answer)
    }
    const giveUp = (cause: string) => {
      settle(failed(cause))
      limit.abort()
    }
    const abandon = () => giveUp('aborted')
    const stopTimer = callAfter(timeoutMs, () => giveUp(timeoutCause(timeoutMs)))
    if (ends.some(({ aborted }) => aborted)) return abandon()
    for (const end of ends) end.addEventListener('abort', abandon)
    probe.ask(limit.signal).then(settle, (error) => settle(failed(causeOf(error))))
  })
}
