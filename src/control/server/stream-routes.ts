/** What goes on: the states of all processes, the output of one. */
import { ProcmanError } from '../../errors.ts'
import * as schemas from '../schemas.ts'
import { Bell, placeOf, streamEvents } from './events-stream.ts'
import { logReader } from './log-stream.ts'
import { type Route, streamRoute } from './route.ts'

const EVENTS = 'text/event-stream'
/** One who has stopped looking for a while (`less`) goes on later: a reader of logs holds nobody up. */
const LOGS_STALLED_MS = 600_000
const STALLED_MS = 30_000

/** @throws PROCMAN_INVALID_ARGUMENT */
function toPattern(source: string, flags = ''): RegExp {
  try {
    return new RegExp(source, flags)
  } catch (error) {
    throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', `grep must be a regular expression: ${error instanceof Error ? error.message : String(error)}`, {
      details: { grep: source, grep_flags: flags },
    })
  }
}

export const streamRoutes: readonly Route[] = [
  streamRoute({
    url: '/v1/events',
    operationId: 'streamEvents',
    summary:
      'Server-sent events: `snapshot` first (or `resumed`, behind the last one seen), then `record`, `removed`, `event` and `problems` as they come; `closing` before the manager lets go',
    query: schemas.eventsQuery,
    answer: schemas.stream,
    stream: ({ feed, streams }, { query, lastEventId }, takeOver) => {
      const bell = new Bell()
      const stream = streams.open(takeOver(), { type: EVENTS, stalledMs: STALLED_MS, onClose: () => bell.ring() })
      return streamEvents(feed, stream, bell, placeOf(lastEventId ?? query.after), query.snapshots ?? false)
    },
  }),
  streamRoute({
    url: '/v1/processes/:id/logs',
    operationId: 'streamLogs',
    summary:
      'Server-sent events: `line` (or `chunk`), what is there first, then what comes; `end` when the process has ended, `failed` when its logs cannot be read',
    params: schemas.idParams,
    query: schemas.logsQuery,
    answer: schemas.stream,
    stream: ({ supervisor, streams }, { params: { id }, query: { format, after, grep, grep_flags, ...asked }, lastEventId, signal }, takeOver) => {
      const from = lastEventId ?? after
      const options = { ...asked, signal, ...(from === undefined ? {} : { from }), ...(grep === undefined ? {} : { grep: toPattern(grep, grep_flags) }) }
      const read = logReader(supervisor, id, { format, options })
      const type = format === 'raw' ? 'application/octet-stream' : EVENTS
      return read(streams.open(takeOver(), { type, stalledMs: LOGS_STALLED_MS, onClose: () => {} }))
    },
  }),
]
