import type { ProcessRecord } from '../../index.ts'

/** The status in one word, and in brackets what makes it understood. */
export function renderStatus(record: ProcessRecord): string {
  if (record.state === 'exited') {
    if (record.signal !== null) return `${record.status} (${record.signal})`
    if (record.exit_code !== null && record.exit_code !== 0) return `${record.status} (${record.exit_code})`
    if (record.outcome?.kind === 'launch-failed') return `${record.status} (${record.outcome.errno})`
    return record.status
  }
  return record.state === record.status ? record.status : `${record.status} (${record.state})`
}
