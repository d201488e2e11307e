import type * as z from 'zod'
import type { PortInput } from '../../api.ts'
import type { Path, Problems } from '../problems.ts'
import type { ports } from '../schema/ports.ts'

type Given = z.output<typeof ports>[string]

/** One port of a process. */
export function toPort(given: Given, path: Path, problems: Problems): PortInput {
  const { port, range, host } = isParts(given) ? given : { port: given }
  if ((port === undefined) === (range === undefined)) problems.add(path, `must have exactly one of port and range, not ${port === undefined ? 'none' : 'both'}`)
  const [from, to] = endsOf(range ?? port)
  if (range !== undefined && (from === undefined || to === undefined || from > to))
    problems.add([...path, 'range'], 'must be a range such as 30000-31000, or a list of both ends, the lower one first')
  const wanted = from === undefined ? { port: 'any' as const } : to === undefined ? { port: from } : { range: [from, to] as const }
  return { ...wanted, ...(host === undefined ? {} : { host }) }
}

type Parts = Extract<Given, { readonly host?: string | undefined }>

function isParts(given: Given): given is Parts {
  return typeof given === 'object' && !Array.isArray(given)
}

function endsOf(given: unknown): readonly number[] {
  if (typeof given === 'number') return [given]
  return Array.isArray(given) ? given : []
}
