/** A line of output as text, or as JSON. */
import type { NamedLine } from '../../index.ts'
import { renderLocal } from '../render/time.ts'

export interface LineStyle {
  /** What comes before a line; null: nothing, there is one process. */
  readonly prefix: ((id: string) => string) | null
  readonly isTimed: boolean
}

/** What is only a piece of a line ends with `…`. */
export function renderLine(line: NamedLine, { prefix, isTimed }: LineStyle): string {
  return `${prefix?.(line.id) ?? ''}${isTimed ? `${renderArrival(line)} ` : ''}${line.text}${line.cut === true ? '…' : ''}\n`
}

/** `≤` where it came while no manager was alive; `-` where nobody has written it down. */
export function renderArrival({ at, unattended }: Pick<NamedLine, 'at' | 'unattended'>): string {
  if (at === undefined) return '-'
  return `${unattended === true ? '≤' : ''}${renderLocal(new Date(at).toISOString(), 3)}`
}

/** Its run is another one than that of the line before. @param startedAt ISO 8601; null: not known */
export function renderRunMark(id: string, run: number, startedAt: string | null, { prefix }: LineStyle): string {
  return `${prefix?.(id) ?? ''}--- run ${run}${startedAt === null ? '' : `, started ${renderLocal(startedAt)}`} ---\n`
}

/** So many bytes of the stream before this line are not kept any more. */
export function renderGap(id: string, stream: NamedLine['stream'], bytes: number, { prefix }: LineStyle): string {
  return `${prefix?.(id) ?? ''}--- ${bytes} ${bytes === 1 ? 'byte' : 'bytes'} of ${stream} before this ${bytes === 1 ? 'is' : 'are'} not kept any more ---\n`
}

export function lineToJson({ id, run, stream, text, at, seq, unattended, gapBytes, partial, cut }: NamedLine): string {
  const record = {
    time: at === undefined ? null : new Date(at).toISOString(),
    seq: seq ?? null,
    id,
    run,
    stream,
    text,
    ...(partial === true ? { partial } : {}),
    ...(cut === true ? { cut } : {}),
    ...(unattended === true ? { unattended } : {}),
    ...(gapBytes === undefined ? {} : { gap_bytes: gapBytes }),
  }
  return `${JSON.stringify(record)}\n`
}
