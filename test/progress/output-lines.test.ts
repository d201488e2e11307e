import { describe, expect, it } from 'vitest'
import { OutputLines } from '../../src/progress.ts'

function linesOf(...pieces: readonly string[]) {
  const lines = new OutputLines()
  const all = pieces.flatMap((piece) => lines.write(piece)).filter(({ text }) => text !== '')
  return { lines: all.map(({ text, isReplaced }) => (isReplaced ? `${text}↩` : text)), rest: lines.rest }
}

describe('OutputLines', () => {
  it.each([
    ['\\n, \\r\\n and a lone \\r end lines', ['a\nb\r\nc\rd'], ['a', 'b', 'c↩'], 'd'],
    ['where the cursor is sent elsewhere, a line ends', ['\u001b[s\u001b[2A\u001b[1Ga 8%\u001b[u'], ['a 8%↩'], ''],
    ['colours and erasures are left out', ['\u001b[2K\r\u001b[1;32m45%\u001b[0m\u001b]0;title\u0007\n'], ['45%'], ''],
    ['wherever the pieces are cut', ['4', '5%\u001b', '[3', '2m ok\r', '\nnext'], ['45% ok↩'], 'next'],
  ])('%s', (_, pieces, lines, rest) => {
    expect(linesOf(...pieces)).toEqual({ lines, rest })
  })

  it.each(['all', 'beginnings'] as const)('gives lines as they came (%s)', (keep) => {
    const lines = new OutputLines(keep)
    const output = '\u001b[31ma\u001b[0m\r\n\n\u001b[2Kb\u001b[1A\rrest'
    const raws = [...output].flatMap((char) => lines.write(char)).map(({ raw }) => raw)
    expect(raws.join('') + lines.takeRest()).toBe(output)
    expect(lines.rest).toBe('')
  })

  it('holds no more of a line than a bar can be long', () => {
    const { rest } = linesOf(...Array.from({ length: 100 }, () => 'x'.repeat(1_000)))
    expect(rest.length).toBeLessThanOrEqual(2_000)
  })
})
