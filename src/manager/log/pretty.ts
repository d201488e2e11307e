/** A line of the log for people: time, level, sentence. */

/** Loads what paints it. @returns turns one JSON line into one to print; what is no JSON stays as it is */
export async function prettyLine(isColored: boolean): Promise<(json: string) => string> {
  const { prettyFactory } = (await import('pino-pretty')).default
  const pretty = prettyFactory({ colorize: isColored, translateTime: 'SYS:HH:MM:ss.l', hideObject: true, ignore: 'pid,hostname' })
  return (json) => `${pretty(json).trimEnd()}\n`
}
