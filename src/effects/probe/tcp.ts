/** Passes when a connection is accepted. It is closed at once. */
import type { ProbeCheck } from '../../types.ts'
import { failed, PASSED, type Probe } from './probe.ts'
import { portOf, reach } from './socket.ts'

export function tcpProbe({ host, port: text }: Extract<ProbeCheck, { kind: 'tcp' }>): Probe {
  const port = portOf(text)
  return {
    async ask(signal) {
      if (port === null) return failed(`"${text}" is no port`)
      await reach(host, port, signal)
      return PASSED
    },
    close() {},
  }
}
