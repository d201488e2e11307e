/** Syslog, over whatever carries it. */

import type { SyslogAddress } from '../address.ts'
import { type SyslogHeader, syslogMessage } from '../format/syslog.ts'
import { streamLink } from './syslog-stream.ts'
import { udpLink } from './syslog-udp.ts'
import type { Target } from './target.ts'

export function syslogTarget(address: SyslogAddress, header: SyslogHeader): Target {
  const link = address.kind === 'udp' ? udpLink(address) : streamLink(address)
  return {
    destination: address.text,
    deliver: (records, signal) =>
      link.send(
        records.map((record) => Buffer.from(syslogMessage(record, header))),
        signal,
      ),
    close: () => link.close(),
  }
}
