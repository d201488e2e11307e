/** The states of all processes, as a stream of events: first a picture of everything, then what changes. A reader is a place in the feed, and no more. */
import { toRecord } from '../../process.ts'
import type { Feed, Picture, Place } from './feed.ts'
import type { EventStream } from './sse.ts'
import { toWire } from './wire.ts'

const PIECE_CHARS = 64 * 1024

/** @param bell is rung when there is more, and when the stream has ended */
export async function streamEvents(feed: Feed, stream: EventStream, bell: Bell, after: Place | null, withSnapshots: boolean): Promise<void> {
  const leave = feed.join(() => bell.ring())
  try {
    // So that one who goes on where he was knows it, though there may be nothing new for a while.
    if (after !== null && feed.after(after) !== null) await stream.event('resumed', '{}')
    for (let place = after; !stream.isClosed; ) {
      const next = place === null ? null : feed.after(place)
      if (next === undefined) await bell.wait()
      else if (next === null || place === null) place = await writePicture(stream, feed.picture(), withSnapshots)
      else {
        place = { epoch: place.epoch, seq: next.seq }
        await stream.event(next.name, withSnapshots ? (next.more ?? next.data) : next.data, idOf(place))
      }
    }
  } finally {
    leave()
  }
}

/** In pieces, each on a line of its own, so that thousands of processes cost a slow reader no more room than a few. */
async function writePicture(stream: EventStream, { place, snapshots, troubles }: Picture, withSnapshots: boolean): Promise<Place> {
  await stream.write(`id: ${idOf(place)}\nevent: snapshot\ndata: ${JSON.stringify(troubles).slice(0, -1)},"processes":[\n`)
  let piece = ''
  for (const [index, snapshot] of snapshots.entries()) {
    const record = toRecord(snapshot.value, snapshot.context)
    const shown = JSON.stringify(withSnapshots ? { record, snapshot: toWire(snapshot) } : record)
    piece += `data: ${shown}${index === snapshots.length - 1 ? '' : ','}\n`
    if (piece.length < PIECE_CHARS) continue
    await stream.write(piece)
    if (stream.isClosed) return place
    piece = ''
  }
  await stream.write(`${piece}data: ]}\n\n`)
  return place
}

/** As `3f2a…-17`. */
export function idOf({ epoch, seq }: Place): string {
  return `${epoch}-${seq}`
}

export function placeOf(id: string | undefined): Place | null {
  const [, epoch, seq] = /^([\da-f]+)-(\d+)$/.exec(id ?? '') ?? []
  return epoch === undefined ? null : { epoch, seq: Number(seq) }
}

/** Rung before anybody waits, it ends the next wait. */
export class Bell {
  #isRung = false
  #wake: (() => void) | undefined

  ring(): void {
    this.#isRung = true
    this.#wake?.()
  }

  async wait(): Promise<void> {
    if (!this.#isRung) await new Promise<void>((resolve) => (this.#wake = resolve))
    this.#isRung = false
    this.#wake = undefined
  }
}
