/** Levels, whatever a program calls them. */
import { LEVELS, type RecordLevel } from './contract.ts'

const WORDS: Readonly<Record<RecordLevel, string>> = {
  trace: 'trace trc verbose silly finest finer t',
  debug: 'debug dbg fine config d',
  info: 'info inf information informational notice log i',
  warn: 'warn warning wrn w',
  error: 'error err severe eror e',
  fatal: 'fatal ftl critical crit alert emerg emergency panic dpanic f c',
}

const BY_WORD = new Map(LEVELS.flatMap((level) => WORDS[level].split(' ').map((word) => [word, level] as const)))

/** Of syslog. */
const BY_SEVERITY: readonly RecordLevel[] = ['fatal', 'fatal', 'fatal', 'error', 'warn', 'info', 'info', 'debug']

/** @param given a word, as slog's `WARN+1`; a number of pino or bunyan (10 to 60), or below 8 one of syslog. @returns null: it is none */
export function toLevel(given: unknown): RecordLevel | null {
  if (typeof given === 'number') return fromNumber(given)
  if (typeof given !== 'string' || given.length > 20) return null
  const known = BY_WORD.get(given) ?? BY_WORD.get(given.trim().toLowerCase())
  if (known !== undefined) return known
  if (/^\d{1,3}$/.test(given)) return fromNumber(Number(given))
  const [, word = ''] = /^([a-z]+)[+-]\d+$/i.exec(given) ?? []
  return BY_WORD.get(word.toLowerCase()) ?? null
}

/** Its place among the levels. */
export function rankOf(level: RecordLevel): number {
  return LEVELS.indexOf(level)
}

/** What a line counts as. Programs without levels tell of trouble on stderr. */
export function levelOf({ level, stream }: { readonly level?: RecordLevel; readonly stream: 'stdout' | 'stderr' }): RecordLevel {
  return level ?? (stream === 'stderr' ? 'error' : 'info')
}

function fromNumber(value: number): RecordLevel | null {
  if (!Number.isInteger(value) || value < 0) return null
  if (value < BY_SEVERITY.length) return BY_SEVERITY[value] ?? null
  return LEVELS[Math.min(LEVELS.length, Math.max(1, Math.floor(value / 10))) - 1] ?? null
}
