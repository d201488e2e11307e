import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { LogChunk, LogLine } from '../../../src/api.ts'
import { LineSplitter, MAX_LINE_BYTES } from '../../../src/effects/logs/line-splitter.ts'
import { toLines } from '../../../src/effects/logs/lines.ts'
import { collect, settle, take, textsOf } from './harness.ts'

type Piece = string | Buffer | { readonly run?: number; readonly stream?: 'stdout' | 'stderr'; readonly text: string }

async function* chunksOf(pieces: readonly Piece[]): AsyncGenerator<LogChunk> {
  for (const piece of pieces) {
    if (typeof piece === 'string' || Buffer.isBuffer(piece)) yield { stream: 'stdout', run: 1, data: Buffer.from(piece) }
    else yield { stream: piece.stream ?? 'stdout', run: piece.run ?? 1, data: Buffer.from(piece.text) }
  }
}

const linesOf = (...pieces: Piece[]): Promise<LogLine[]> => collect(toLines(chunksOf(pieces)))
const split = async (...pieces: Piece[]) => textsOf(await linesOf(...pieces))

describe('a line', () => {
  it.each([
    ['ends with \\n', ['a\nb\n'], ['a', 'b']],
    ['ends with \\r\\n, one end', ['a\r\nb\r\n'], ['a', 'b']],
    ['ends with a lone \\r', ['10%\r20%\r'], ['10%', '20%']],
    ['ends once with \\r\\n in two chunks', ['a\r', '\nb\n'], ['a', 'b']],
    ['ends twice with \\r\\r and with \\n\\n', ['a\r\rb\n\n'], ['a', '', 'b', '']],
    ['ends once with \\r\\n, also if an empty chunk comes between', ['a\r', '', '\nb\n'], ['a', 'b']],
    ['is put together from chunks', ['a', 'b', 'c\n'], ['abc']],
    ['is partial if the output ended before it', ['a\nb'], ['a', 'b~']],
    ['is nothing if there is no output', [''], []],
  ])('%s', async (_, pieces, expected) => {
    expect(await split(...pieces)).toEqual(expected)
  })

  it('is given at its \\r, before anything follows', async () => {
    let goOn = () => {}
    const pause = new Promise<void>((resolve) => {
      goOn = resolve
    })
    async function* paused(): AsyncGenerator<LogChunk> {
      yield { stream: 'stdout', run: 1, data: Buffer.from('10%\r') }
      await pause
    }
    const lines = toLines(paused())
    expect(textsOf(await take(lines, 1))).toEqual(['10%'])
    const end = lines.next()
    goOn()
    expect((await end).done).toBe(true)
  })

  it('keeps characters whole whose bytes come one by one', async () => {
    const text = 'é€😀'
    expect(await split(...Array.from(Buffer.from(`${text}\n${text}`), (byte) => Buffer.of(byte)))).toEqual([text, `${text}~`])
  })

  it('gives U+FFFD for a character that its end cuts off', async () => {
    expect(await split(Buffer.of(0xe2, 0x82), '\n', Buffer.of(0xe2))).toEqual(['\ufffd', '\ufffd~'])
  })

  it('belongs to one stream', async () => {
    expect(await linesOf('a', { stream: 'stderr', text: 'x\n' }, 'b\n')).toEqual([
      { text: 'x', stream: 'stderr', run: 1 },
      { text: 'ab', stream: 'stdout', run: 1 },
    ])
  })

  it('belongs to one run: what was unterminated is given, partial, before the next', async () => {
    expect(await linesOf('a', { run: 2, text: 'b\n' })).toEqual([
      { text: 'a', stream: 'stdout', run: 1, partial: true },
      { text: 'b', stream: 'stdout', run: 2 },
    ])
    expect(await split('a\r', { run: 2, text: '\nb\n' })).toEqual(['a', '', 'b'])
  })
})

describe('a line of more than 1 048 576 bytes', () => {
  const shape = (lines: readonly LogLine[]) => lines.map((line) => [line.text.length, line.cut ?? line.partial ?? false])

  it('comes in pieces, the last one whole', async () => {
    const long = 'x'.repeat(2 * MAX_LINE_BYTES + 1)
    const expected = [
      [MAX_LINE_BYTES, true],
      [MAX_LINE_BYTES, true],
      [1, false],
    ]
    expect(shape(await linesOf(`${long}\n`))).toEqual(expected)
    expect(shape(await linesOf(long.slice(0, 5), long.slice(5, 700_000), long.slice(700_000), '\n'))).toEqual(expected)
  })

  it('begins behind exactly so many: these are one line', async () => {
    expect(shape(await linesOf('x'.repeat(MAX_LINE_BYTES), '\n'))).toEqual([[MAX_LINE_BYTES, false]])
    expect(shape(await linesOf('x'.repeat(MAX_LINE_BYTES)))).toEqual([[MAX_LINE_BYTES, true]])
  })

  it('is not cut inside a character', async () => {
    const text = `x${'😀'.repeat(MAX_LINE_BYTES / 4)}`
    const lines = await linesOf(`${text}\n`)
    expect(lines.map((line) => [Buffer.byteLength(line.text), line.partial, line.cut])).toEqual([
      [MAX_LINE_BYTES - 3, true, true],
      [4, undefined, undefined],
    ])
    expect(lines.at(-1)?.text).toBe('😀')
    expect(lines.map((line) => line.text).join('')).toBe(text)
  })

  it('is put together in linear time from many small chunks', async () => {
    const chunks = Array.from({ length: 300_000 }, () => 'abcde')
    expect(shape(await collect(toLines(chunksOf([...chunks, '\n']))))).toEqual([
      [MAX_LINE_BYTES, true],
      [1_500_000 - MAX_LINE_BYTES, false],
    ])
  })
})

describe('splitting', () => {
  it('does not depend on the chunks, for any bytes', async () => {
    const byte = fc.oneof(fc.constantFrom(10, 13, 97, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, 0xed, 0xa0), fc.integer({ min: 0, max: 255 }))
    const bytes = fc.array(byte, { maxLength: 60 }).map((all) => Buffer.from(all))
    await fc.assert(
      fc.asyncProperty(bytes, fc.array(fc.nat({ max: 60 })), async (data, cuts) => {
        const borders = [0, ...cuts.map((cut) => Math.min(cut, data.length)).sort((a, b) => a - b), data.length]
        const pieces = borders.slice(1).map((border, i) => data.subarray(borders[i], border))
        expect(await split(...pieces)).toEqual(await split(data))
      }),
      { numRuns: 2_000 },
    )
  })
})

/** What is written later comes when `write` is called. */
function slowly() {
  let wake = () => {}
  const pieces: string[] = []
  let isOver = false
  async function* chunks(): AsyncGenerator<LogChunk> {
    while (true) {
      for (const piece of pieces.splice(0)) yield { stream: 'stdout', run: 1, data: Buffer.from(piece) }
      if (pieces.length > 0) continue
      if (isOver) return
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  const write = (text: string) => {
    pieces.push(text)
    wake()
  }
  const end = () => {
    isOver = true
    wake()
  }
  return { chunks: chunks(), write, end }
}

describe('a line that comes in pieces, with silence between them', () => {
  it('is given piece by piece, the last one not partial, with all its characters whole', async () => {
    const { chunks, write, end } = slowly()
    const lines = toLines(chunks, { silenceMs: 1 })
    write('one\nContinue? ')
    expect(textsOf(await take(lines, 2))).toEqual(['one', 'Continue? ~'])
    write('yes')
    expect(textsOf(await take(lines, 1))).toEqual(['yes~'])
    write('\nthree\n')
    expect(textsOf(await take(lines, 2))).toEqual(['', 'three'])
    write('last')
    expect(textsOf(await take(lines, 1))).toEqual(['last~'])
    end()
    expect(await collect(lines)).toEqual([])
  })

  it('is given whole when its rest is there and only has not been read yet', async () => {
    const { chunks, write, end } = slowly()
    let asked = 0
    const lines = collect(toLines(chunks, { silenceMs: 1, isSilent: () => ++asked < 0 }))
    write('late')
    await vi.waitFor(() => expect(asked).toBeGreaterThan(1))
    write('r\n')
    await settle()
    end()
    expect(textsOf(await lines)).toEqual(['later'])
  })

  it('is given whole to one who does not want pieces', async () => {
    const { chunks, write, end } = slowly()
    const lines = collect(toLines(chunks, { silenceMs: Number.POSITIVE_INFINITY }))
    write('rea')
    await new Promise((resolve) => setTimeout(resolve, 30))
    write('dy\n')
    await settle()
    end()
    expect(textsOf(await lines)).toEqual(['ready'])
  })
})

describe('only lines that are wanted', () => {
  const wanting = (word: string, ...pieces: Piece[]) => collect(toLines(chunksOf(pieces), { wants: (text) => text.includes(word) }))

  it('are given, whatever the chunks', async () => {
    expect(textsOf(await wanting('b', 'a\nb', 'c\nd\n', 'ab'))).toEqual(['bc', 'ab~'])
  })

  it('of more than 1 MB come from the piece on that is wanted', async () => {
    const long = `${'x'.repeat(MAX_LINE_BYTES)}${'b'.repeat(MAX_LINE_BYTES)}end`
    expect((await wanting('b', `${long}\n${long.replaceAll('b', 'y')}\n`)).map((line) => [line.text.length, line.partial])).toEqual([
      [MAX_LINE_BYTES, true],
      [3, undefined],
    ])
  })
})

describe('splitting without waiting', () => {
  const chunk = (text: string, more: Partial<LogChunk> = {}): LogChunk => ({ stream: 'stdout', run: 1, data: Buffer.from(text), ...more })

  it('tells where in its chunk each line ends', () => {
    const splitter = new LineSplitter('stdout', 1)
    expect([textsOf(splitter.split(chunk('a\r\nb\rc'))), [...splitter.ends], splitter.heldBytes]).toEqual([['a', 'b'], [3, 5], 1])
    expect([textsOf(splitter.split(chunk('c\u20ac'))), splitter.heldBytes]).toEqual([[], 5])
    expect([textsOf(splitter.split({ ...chunk(''), data: Buffer.of(0xe2, 0x82) })), splitter.heldBytes]).toEqual([[], 7])
    expect([textsOf(splitter.pause()), splitter.heldBytes]).toEqual([['cc\u20ac~'], 2])
    expect([textsOf(splitter.pause()), textsOf(splitter.flush()), splitter.heldBytes]).toEqual([[], ['\ufffd~'], 0])
  })

  it('hands on when a line arrived, and what is missing before it', () => {
    const splitter = new LineSplitter('stderr', 2)
    const arrived = { at: 5, seq: 5_001, unattended: true } as const
    expect(splitter.split(chunk('a\nb', arrived))).toEqual([{ text: 'a', stream: 'stdout', run: 1, ...arrived }])
    expect(splitter.split(chunk('c\nd\n', { at: 7, seq: 7_001, gapBytes: 100 }))).toEqual([
      { text: 'b', stream: 'stdout', run: 1, ...arrived, partial: true },
      { text: 'c', stream: 'stdout', run: 1, at: 7, seq: 7_001, gapBytes: 100 },
      { text: 'd', stream: 'stdout', run: 1, at: 7, seq: 7_001 },
    ])
  })
})
