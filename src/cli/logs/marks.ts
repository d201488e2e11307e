/** What is said between lines: that another run begins, that something is missing. */
import type { NamedLine, ProcessRecord } from '../../index.ts'
import { type LineStyle, renderGap, renderRunMark } from './line-text.ts'

export class Marks {
  readonly #records: ReadonlyMap<string, ProcessRecord>
  readonly #style: LineStyle
  readonly #runs = new Map<string, number>()

  constructor(records: readonly ProcessRecord[], style: LineStyle) {
    this.#records = new Map(records.map((record) => [record.id, record]))
    this.#style = style
  }

  /** @returns lines, or nothing */
  before({ id, run, stream, gapBytes }: Pick<NamedLine, 'id' | 'run' | 'stream' | 'gapBytes'>): string {
    const before = this.#runs.get(id)
    this.#runs.set(id, run)
    const record = this.#records.get(id)
    const mark = before === undefined || before === run ? '' : renderRunMark(id, run, record?.run === run ? record.started_at : null, this.#style)
    return gapBytes === undefined ? mark : mark + renderGap(id, stream, gapBytes, this.#style)
  }
}
