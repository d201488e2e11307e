/** Reads a piece of the output of one process, line by line. */
import type { LogLine, Supervisor } from '../api.ts'
import { fromPosition, LineSplitter, toPosition } from '../logs.ts'

export interface Slice {
  /** Behind the last line. */
  readonly position: string
  /** So many were read. */
  readonly bytes: number
  /** So many are not kept any more. */
  readonly lostBytes: number
  /** So many came before these and are not kept any more, where it was to begin at the beginning. */
  readonly skippedBytes: number
  /** There was no more. */
  readonly isEnd: boolean
}

export interface SliceOptions {
  /** Where to begin; empty: at the beginning. */
  readonly from: string
  /** No more is read once there was a line. */
  readonly mostBytes: number
  /** Nor is then. */
  isEnough(): boolean
  /** Nothing will follow: what there is of a last line is one. */
  readonly isOver: boolean
  /** Called with each line, in order. */
  readonly take: (line: LogLine) => void
}

type Splitters = Map<LogLine['stream'], LineSplitter>

/** @throws PROCMAN_LOG_UNREADABLE, PROCMAN_PROCESS_UNKNOWN, PROCMAN_INVALID_ARGUMENT for a position that is none */
export async function readSlice(supervisor: Pick<Supervisor, 'attach'>, id: string, { from, mostBytes, isEnough, isOver, take }: SliceOptions): Promise<Slice> {
  const begun = fromPosition(from)
  const attachment = supervisor.attach(id, { follow: false, from })
  const splitters: Splitters = new Map()
  let bytes = 0
  let lostBytes = 0
  let lines = 0
  const takeAll = (more: readonly LogLine[] = []) => {
    for (const line of more) take(line)
    lines += more.length
  }
  const sliceTo = (isEnd: boolean): Slice => {
    const skippedBytes = from === '' ? offsetOf(attachment.position) - bytes - lostBytes : 0
    return { position: behindLines(attachment.position, splitters), bytes, lostBytes, skippedBytes, isEnd }
  }
  for await (const chunk of attachment) {
    const { stream, run, data, gapBytes = 0 } = chunk
    let splitter = splitters.get(stream)
    if (splitter?.run !== run) {
      takeAll(splitter?.flush())
      splitter = new LineSplitter(stream, run, { isAfterCr: splitter === undefined && begun[stream]?.isAfterCr === true })
      splitters.set(stream, splitter)
    }
    takeAll(splitter.split(chunk))
    bytes += data.length
    lostBytes += gapBytes
    if (lines > 0 && (bytes >= mostBytes || isEnough())) return sliceTo(false)
  }
  if (isOver) for (const splitter of splitters.values()) takeAll(splitter.flush())
  return sliceTo(true)
}

/** Of both streams together. */
function offsetOf(position: string): number {
  return Object.values(fromPosition(position)).reduce((sum, { offset }) => sum + offset, 0)
}

function behindLines(position: string, splitters: Splitters): string {
  const places = Object.entries(fromPosition(position)).map(([name, place]) => {
    const splitter = splitters.get(name as LogLine['stream'])
    if (splitter === undefined) return [name, place]
    return [name, { ...place, offset: place.offset - splitter.heldBytes, isAfterCr: splitter.heldBytes === 0 && splitter.endedWithCr }]
  })
  return toPosition(Object.fromEntries(places))
}
