/** What goes on: the states of all processes. */
import * as schemas from '../schemas.ts'
import { Bell, placeOf, streamEvents } from './events-stream.ts'
import { type Route, streamRoute } from './route.ts'

export const streamRoutes: readonly Route[] = [
  streamRoute({
    url: '/v1/events',
    operationId: 'streamEvents',
    summary: 'Server-sent events: `snapshot` first, then `record`, `removed`, `event` and `problems` as they come; `closing` before the manager lets go',
    query: schemas.eventsQuery,
    answer: schemas.stream,
    stream: ({ feed, streams }, { query, lastEventId }, response) => {
      const bell = new Bell()
      const stream = streams.open(response, () => bell.ring())
      return streamEvents(feed, stream, bell, placeOf(lastEventId ?? query.after), query.snapshots ?? false)
    },
  }),
]
