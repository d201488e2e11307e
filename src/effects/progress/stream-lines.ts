/** The bytes of one stream as lines for recognisers. */
import { StringDecoder } from 'node:string_decoder'
import { OutputLines } from '../../progress.ts'

/** Of more lines that come at once, the first and the last are looked at: a flood is no bar. */
const FIRST = 50
const LAST = 100

export class StreamLines {
  readonly #decoder = new StringDecoder('utf8')
  readonly #lines = new OutputLines()

  /** What has come of a line that has not ended. */
  get rest(): string {
    return this.#lines.rest
  }

  take(data: Buffer): readonly string[] {
    const lines = this.#lines.write(this.#decoder.write(data)).flatMap(({ text }) => (text.trim() === '' ? [] : [text]))
    return lines.length <= FIRST + LAST ? lines : [...lines.slice(0, FIRST), ...lines.slice(-LAST)]
  }
}
