/** What is said between lines: that another run begins, that something is missing. */
import type { NamedLine, ProcessRecord } from '../../index.ts'
import { type LineStyle, renderGap, renderRunMark } from './line-text.ts'

export class Marks {
  readonly #recordOf: (id: string) => ProcessRecord | undefined
  readonly #style: LineStyle
  readonly #runs = new Map<string, number>()

  /** @param recordOf as it is now; undefined: it is not there any more */
  constructor(recordOf: (id: string) => ProcessRecord | undefined, style: LineStyle) {
    this.#recordOf = recordOf
    this.#style = style
  }

  /** @returns lines, or nothing */
  before({ id, run, stream, gapBytes }: Pick<NamedLine, 'id' | 'run' | 'stream' | 'gapBytes'>): string {
    const before = this.#runs.get(id)
    this.#runs.set(id, run)
    const mark = before === undefined || before === run ? '' : renderRunMark(id, run, this.#startOf(id, run), this.#style)
    return gapBytes === undefined ? mark : mark + renderGap(id, stream, gapBytes, this.#style)
  }

  /** Of the current run, and of the last one; of others nobody knows. */
  #startOf(id: string, run: number): string | null {
    const record = this.#recordOf(id)
    return record?.run === run ? record.started_at : null
  }
}
