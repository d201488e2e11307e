/** The events of a stream, as they come. */
import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** The manager beats every 15 s: one that is silent for more than two beats hangs, or its machine is gone, though nobody has said so. */
export const SILENCE_MS = 35_000

/** @param giveUp called when nothing has come for too long: the stream must fail then */
export async function* eventsIn(body: AsyncIterable<Buffer>, giveUp: () => void): AsyncGenerator<EventSourceMessage, void, undefined> {
  const events: EventSourceMessage[] = []
  const parser = createParser({ onEvent: (event) => events.push(event) })
  const decoder = new TextDecoder()
  const timer = setTimeout(giveUp, SILENCE_MS).unref()
  try {
    for await (const chunk of body) {
      timer.refresh()
      parser.feed(decoder.decode(chunk, { stream: true }))
      yield* events.splice(0)
    }
  } finally {
    clearTimeout(timer)
  }
}
