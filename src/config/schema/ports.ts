/** The ports of a process. */
import { leaf, list, object, oneOf, option, orReference, Refused, record } from './leaf.ts'
import { fullText, whole } from './values.ts'

const LAST_PORT = 65_535
const NAME = { pattern: /^[A-Za-z][A-Za-z0-9_-]{0,30}$/, words: 'a name of a port: a letter, then letters, digits, "_" or "-", at most 31' }
const WORDS = `a port from 1 to ${LAST_PORT}, any, a range such as 30000-31000, or a map`

/** Of a range both ends. */
export type PortAsked = number | 'any' | readonly [from: number, to: number]

const portNumber = leaf<PortAsked>(
  WORDS,
  orReference({ title: 'port', type: ['integer', 'string'], minimum: 1, maximum: LAST_PORT, pattern: '^(any|\\d+(-\\d+)?)$' }),
  ['number', 'text'],
  (given) => {
    if (given === 'any') return 'any'
    const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(String(given)) ?? []
    if (from === undefined || !isPort(Number(from))) return undefined
    if (to === undefined) return Number(from)
    if (!isPort(Number(to))) return undefined
    return Number(from) <= Number(to) ? [Number(from), Number(to)] : new Refused(`must be a range from the lower port to the higher one, as ${to}-${from}`)
  },
)

const portMap = object(WORDS, {
  port: option(portNumber, 'A port, `any`, or a range such as `30000-31000`.'),
  range: option(
    oneOf('a range such as 30000-31000, or a list of both ends', [portNumber, list('a list of both ends', whole(1, LAST_PORT))]),
    'Both ends are part of it: `30000-31000`, or `[30000, 31000]`.',
  ),
  host: option(fullText, 'The address that the process will bind. Without it the port must be free on all of this machine’s.'),
}).meta({ id: 'port', description: 'A port with the address that will be bound: one of `port` and `range`.' })

export const ports = record('a map of ports by name, as { http: 8080 }', oneOf(WORDS, [portNumber, portMap]), NAME)

function isPort(port: number): boolean {
  return port >= 1 && port <= LAST_PORT
}
