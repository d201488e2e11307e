import { writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LiveFile } from '../../../src/effects/logs/live-file.ts'
import { findTail } from '../../../src/effects/logs/tail.ts'
import { TestLogs } from './harness.ts'

let logs: TestLogs
beforeEach(() => {
  logs = new TestLogs()
})
afterEach(() => logs.remove())

async function tailOf(content: string, lines: number, starts?: ReadonlySet<number>): Promise<string> {
  const path = logs.path('stdout')
  writeFileSync(path, content)
  const live = await LiveFile.open(path)
  try {
    return Buffer.from(content)
      .subarray(await findTail({ path, live }, Buffer.byteLength(content), lines, starts))
      .toString()
  } finally {
    await live?.close()
  }
}

describe('the last lines of a log', () => {
  it.each([
    ['end with \\n', 'a\nb\nc\n', 2, 'b\nc\n'],
    ['end with \\r\\n, which is one end', 'a\r\nb\r\nc\r\n', 2, 'b\r\nc\r\n'],
    ['end with a lone \\r', 'a\rb\rc\r', 2, 'b\rc\r'],
    ['may be unterminated, which counts', 'a\nb\nc', 2, 'b\nc'],
    ['may be empty', 'a\n\n\n', 2, '\n\n'],
    ['are all there are, if there are fewer', 'a\nb', 5, 'a\nb'],
    ['are nothing for 0', 'a\nb', 0, ''],
    ['are nothing of an empty log', '', 3, ''],
  ])('%s', async (_, content, lines, expected) => {
    expect(await tailOf(content, lines)).toBe(expected)
  })

  it('begin anew where a run begins, behind an unterminated line', async () => {
    expect(await tailOf('a\nbcd\n', 2, new Set([3]))).toBe('bcd\n')
    expect(await tailOf('a\nbcd\n', 1, new Set([3]))).toBe('cd\n')
  })

  it('are found across blocks of 64 KB, also with \\r\\n on the border', async () => {
    for (const shift of [-1, 0, 1]) {
      const last = `${'x'.repeat(64 * 1024 - 2 + shift)}\n`
      expect(await tailOf(`first\r\nsecond\r\n${last}`, 2)).toBe(`second\r\n${last}`)
    }
    const long = 'y'.repeat(200_000)
    expect(await tailOf(`a\n${long}\nz`, 2)).toBe(`${long}\nz`)
  })

  it('are those that splitting by the rule gives', async () => {
    const content = fc.array(fc.constantFrom('a', '\n', '\r', '\r\n', 'é')).map((parts) => parts.join(''))
    await fc.assert(
      fc.asyncProperty(content, fc.integer({ min: 1, max: 6 }), async (text, lines) => {
        const all = text.match(/[^\r\n]*(\r\n|\r|\n)|[^\r\n]+$/g) ?? []
        expect(await tailOf(text, lines)).toBe(all.slice(-lines).join(''))
      }),
      { numRuns: 200 },
    )
  })
})
