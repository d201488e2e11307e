/** Records as messages of syslog, RFC 5424. */
import type { LogRecord, RecordLevel } from '../record/contract.ts'
import { levelOf } from '../record/level.ts'
import { plainText } from './plain.ts'

const FACILITIES = [
  'kern',
  'user',
  'mail',
  'daemon',
  'auth',
  'syslog',
  'lpr',
  'news',
  'uucp',
  'cron',
  'authpriv',
  'ftp',
  'ntp',
  'audit',
  'alert',
  'clock',
  'local0',
  'local1',
  'local2',
  'local3',
  'local4',
  'local5',
  'local6',
  'local7',
] as const

export type SyslogFacility = (typeof FACILITIES)[number]

export const SYSLOG_FACILITIES: readonly SyslogFacility[] = FACILITIES

const SEVERITIES: Readonly<Record<RecordLevel, number>> = { trace: 7, debug: 7, info: 6, warn: 4, error: 3, fatal: 2 }

/** What syslog allows in its header. */
const MOST_OF = { host: 255, app: 48, pid: 128 } as const

export interface SyslogHeader {
  readonly facility: SyslogFacility
  readonly host: string
  /** Null: the id of the process. */
  readonly appName: string | null
  readonly format: 'json' | 'plain'
}

export function syslogMessage(record: LogRecord, { facility, host, appName, format }: SyslogHeader): string {
  const priority = FACILITIES.indexOf(facility) * 8 + SEVERITIES[levelOf(record)]
  const app = headerWord(appName ?? record.id, MOST_OF.app)
  const pid = headerWord(record.pid === null ? '' : String(record.pid), MOST_OF.pid)
  const text = format === 'json' ? JSON.stringify(record) : plainText(record)
  return `<${priority}>1 ${timestamp(record.time)} ${headerWord(host, MOST_OF.host)} ${app} ${pid} ${record.stream} ${dataOf(record)} ${text}`
}

/** What a header has no other room for, under the number that is reserved for what has none of its own. */
function dataOf({ id, instance, run, seq }: LogRecord): string {
  return `[procman@32473 id="${id}" instance="${instance}" run="${run}" seq="${seq}"]`
}

/** With as many digits of the second as syslog takes. */
function timestamp(time: string): string {
  return time.replace(/(\.\d{6})\d+Z$/, '$1Z')
}

function headerWord(text: string, most: number): string {
  return text.replace(/[^\x21-\x7e]/g, '_').slice(0, most) || '-'
}
