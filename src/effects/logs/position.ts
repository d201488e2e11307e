/** Where a reader of logs is, as a text: what another one needs to go on there. */
import { ProcmanError } from '../../errors.ts'
import type { LogPlace, LogStream } from './contract.ts'

export type { LogPlace } from './contract.ts'

export type LogPlaces = Readonly<Partial<Record<LogStream, LogPlace>>>

/** As `o1311.4096.2,e1312.0.1`. */
export function toPosition(places: LogPlaces): string {
  return Object.entries(places)
    .map(([stream, { file, offset, run, isAfterCr }]) => `${stream === 'stdout' ? 'o' : 'e'}${file}.${offset}.${run}${isAfterCr === true ? 'r' : ''}`)
    .join(',')
}

/** @throws PROCMAN_INVALID_ARGUMENT */
export function fromPosition(position: string): LogPlaces {
  const parts = position === '' ? [] : String(position).split(',')
  return Object.fromEntries(
    parts.map((part) => {
      const [, letter, file = '', offset, run, cr] = /^([oe])(\d+)\.(\d+)\.(\d+)(r?)$/.exec(part) ?? []
      if (letter === undefined)
        throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', `a log is gone on with from the position of a reader, not from ${JSON.stringify(position)}`, {
          details: { from: position },
        })
      return [letter === 'o' ? 'stdout' : 'stderr', { file, offset: Number(offset), run: Number(run), isAfterCr: cr === 'r' }]
    }),
  )
}
