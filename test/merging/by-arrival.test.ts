import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LogLine, LogLines, NamedLine } from '../../src/index.ts'
import { ByArrival } from '../../src/merging/by-arrival.ts'
import { Funnel } from '../../src/merging/funnel.ts'

/** Lines of one log, as a reader gives them. */
function linesOf(lines: readonly LogLine[]): LogLines {
  const left = lines[Symbol.iterator]()
  const iterator: LogLines = {
    position: '',
    next: async () => {
      const { done, value } = left.next()
      return done === true ? { done, value: undefined } : { value }
    },
    return: async () => ({ done: true, value: undefined }),
    [Symbol.asyncIterator]: () => iterator,
  }
  return iterator
}

async function all(lines: AsyncIterable<NamedLine>): Promise<readonly NamedLine[]> {
  const given: NamedLine[] = []
  for await (const line of lines) given.push(line)
  return given
}

const fail = (_id: string, error: unknown) => {
  throw error
}

/** Ascending, as readers give them; of the newest nobody knows yet. */
const log = fc
  .tuple(fc.array(fc.nat(1_000), { maxLength: 20 }), fc.nat(3))
  .map(([seqs, unknown]) => [
    ...seqs.sort((one, other) => one - other).map((seq, nth): LogLine => ({ text: String(nth), stream: 'stdout', run: 1, seq })),
    ...Array.from({ length: unknown }, (_, nth): LogLine => ({ text: String(seqs.length + nth), stream: 'stdout', run: 1 })),
  ])
const logs = fc.array(log, { maxLength: 12 })

describe('logs that are merged', () => {
  it('are in order of arrival, each in its own order, and nothing is missing', async () => {
    await fc.assert(
      fc.asyncProperty(logs, async (given) => {
        const merging = new ByArrival(fail)
        for (const [nth, lines] of given.entries()) merging.add(String(nth), () => linesOf(lines))
        const flat = given.flatMap((lines, nth) => lines.map((line) => ({ ...line, id: String(nth) })))
        // A stable sort of one log after the other comes to the same.
        const key = ({ seq = Number.MAX_SAFE_INTEGER }: LogLine) => seq
        expect(await all(merging.lines())).toEqual(flat.sort((one, other) => key(one) - key(other)))
      }),
    )
  })

  it('are given when they come, each in its own order, and nothing is missing', async () => {
    await fc.assert(
      fc.asyncProperty(logs, async (given) => {
        const funnel = new Funnel(fail)
        for (const [nth, lines] of given.entries()) funnel.add(String(nth), () => linesOf(lines))
        const merged = await all(funnel.lines())
        for (const [nth, lines] of given.entries())
          expect(merged.filter(({ id }) => id === String(nth)).map(({ text }) => text)).toEqual(lines.map(({ text }) => text))
        expect(merged.length).toBe(given.flat().length)
      }),
    )
  })

  it.each([ByArrival, Funnel])('end with the failure of one of them, or go on without it', async (Merged) => {
    const broken = (): LogLines => ({ ...linesOf([]), next: () => Promise.reject(new Error('broken')), [Symbol.asyncIterator]: broken })
    const line: LogLine = { text: 'fine', stream: 'stdout', run: 1 }
    const failures: string[] = []
    const tolerant = new Merged((id) => void failures.push(id))
    tolerant.add('a', broken)
    tolerant.add('b', () => linesOf([line]))
    tolerant.add('c', () => {
      throw new Error('cannot be opened')
    })
    expect(await all(tolerant.lines())).toEqual([{ ...line, id: 'b' }])
    expect(failures.sort()).toEqual(['a', 'c'])
    const strict = new Merged(fail)
    strict.add('a', broken)
    await expect(all(strict.lines())).rejects.toThrow('broken')
  })
})
