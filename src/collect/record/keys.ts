/** Names under which programs tell level, time and message: those of pino, bunyan, zap, slog, and of others that are common. The first that is there counts. */

export const LEVEL_KEYS = ['level', 'lvl', 'severity', 'levelname', 'log.level'] as const
export const TIME_KEYS = ['time', 'ts', 'timestamp', '@timestamp'] as const
export const MESSAGE_KEYS = ['msg', 'message', 'event'] as const

/** Never overwritten by a program. */
export const OWN_KEYS: ReadonlySet<string> = new Set(['time', 'seq', 'id', 'instance', 'run', 'pid', 'stream', 'level', 'msg', 'unattended', 'partial'])
