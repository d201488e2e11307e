/** What is printed of a line, and between lines. */
import { describe, expect, it } from 'vitest'
import { lineToJson, renderLine } from '../../src/cli/logs/line-text.ts'
import { Marks } from '../../src/cli/logs/marks.ts'
import { renderLocal } from '../../src/cli/render/time.ts'
import type { NamedLine } from '../../src/index.ts'

const line: NamedLine = { id: 'web', run: 2, stream: 'stdout', text: 'hello' }
const at = Date.UTC(2026, 0, 31, 9, 5, 3, 42)
const time = renderLocal(new Date(at).toISOString(), 3)
const plain = { prefix: null, isTimed: false }
const named = { prefix: (id: string) => `${id} | `, isTimed: true }

describe('a line of output', () => {
  it.each([
    [line, plain, 'hello\n'],
    [{ ...line, at }, named, `web | ${time} hello\n`],
    [{ ...line, at, unattended: true as const }, named, `web | ≤${time} hello\n`],
    [line, named, 'web | - hello\n'],
    [{ ...line, cut: true as const, partial: true as const }, plain, 'hello…\n'],
  ])('%j', (given, style, text) => expect(renderLine(given, style)).toBe(text))

  it('is an object in JSON, with what is special about it', () => {
    expect(lineToJson(line)).toBe('{"time":null,"seq":null,"id":"web","run":2,"stream":"stdout","text":"hello"}\n')
    expect(JSON.parse(lineToJson({ ...line, at, seq: at * 1_000, unattended: true, gapBytes: 7, partial: true, cut: true }))).toEqual({
      time: '2026-01-31T09:05:03.042Z',
      seq: at * 1_000,
      id: 'web',
      run: 2,
      stream: 'stdout',
      text: 'hello',
      partial: true,
      cut: true,
      unattended: true,
      gap_bytes: 7,
    })
  })
})

describe('between lines', () => {
  it('it is told where another run begins, and how much is missing', () => {
    const marks = new Marks(() => undefined, { ...named, isTimed: false })
    expect(marks.before(line)).toBe('')
    expect(marks.before({ ...line, id: 'db', run: 1 })).toBe('')
    expect(marks.before({ ...line, run: 3 })).toBe('web | --- run 3 ---\n')
    expect(marks.before({ ...line, run: 3, gapBytes: 1 })).toBe('web | --- 1 byte of stdout before this is not kept any more ---\n')
    expect(marks.before({ ...line, run: 4, stream: 'stderr', gapBytes: 10_240 })).toBe(
      'web | --- run 4 ---\nweb | --- 10240 bytes of stderr before this are not kept any more ---\n',
    )
  })
})
