/** The index of arrivals: what is written is read, what is damaged is passed over, what is not needed any more goes. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { compacted, compactIndex } from '../../../../src/effects/logs/arrivals/compact.ts'
import { IndexReader, IndexWriter, readIndex, readTail } from '../../../../src/effects/logs/arrivals/index-file.ts'
import { type ArrivalRecord, decodeRecords, encodeRecords, RECORD_BYTES } from '../../../../src/effects/logs/arrivals/record.ts'
import { ArrivalTable } from '../../../../src/effects/logs/arrivals/table.ts'

function home(): string {
  const dir = mkdtempSync(join(tmpdir(), 'procman-index-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return join(dir, 'arrivals')
}

const seen = (end: number, seq: number, stream: ArrivalRecord['stream'] = 'stdout'): ArrivalRecord => ({ kind: 'seen', stream, end, seq, run: 0 })
const mark = (run: number, end: number, stream: ArrivalRecord['stream'] = 'stdout'): ArrivalRecord => ({ kind: 'run', stream, end, seq: run * 1000, run })

function tableOf(records: readonly ArrivalRecord[]): ArrivalTable {
  const table = new ArrivalTable()
  for (const record of records) table.add(record)
  return table
}

const records = fc.array(
  fc.record({
    kind: fc.constantFrom('seen' as const, 'unattended' as const, 'restarted' as const, 'run' as const),
    stream: fc.constantFrom('stdout' as const, 'stderr' as const),
    end: fc.nat({ max: 2 ** 50 }),
    seq: fc.nat({ max: 2 ** 52 }),
    run: fc.nat({ max: 2 ** 31 }),
  }),
)

describe('records', () => {
  it('say what was written', () => {
    fc.assert(
      fc.property(records, (all) => {
        expect([...decodeRecords(encodeRecords(all))]).toEqual(all)
      }),
    )
  })

  it('that are damaged are passed over, the others hold', () => {
    const bytes = encodeRecords([seen(10, 1), seen(20, 2), seen(30, 3)])
    for (let at = RECORD_BYTES; at < 2 * RECORD_BYTES; at++) {
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ 0x55
      expect([...decodeRecords(damaged)]).toEqual([seen(10, 1), seen(30, 3)])
    }
  })
})

describe('a table', () => {
  it('tells with which arrival a byte came', () => {
    const table = tableOf([seen(10, 100), seen(5, 150, 'stderr'), { ...seen(30, 200), kind: 'unattended' }])
    expect(table.at('stdout', 0)).toEqual({ end: 10, seq: 100, isUnattended: false })
    expect(table.at('stdout', 9)?.seq).toBe(100)
    expect(table.at('stdout', 10)).toEqual({ end: 30, seq: 200, isUnattended: true })
    expect(table.at('stdout', 30)).toBeNull()
    expect(table.at('stderr', 4)?.seq).toBe(150)
    expect([table.since('stdout', 100), table.since('stdout', 101), table.since('stdout', 201)]).toEqual([0, 10, 30])
  })

  it('forgets what a log said that was emptied since', () => {
    const table = tableOf([seen(1_000, 100), { ...seen(0, 200), kind: 'restarted' }, seen(40, 300)])
    expect(table.at('stdout', 10)).toEqual({ end: 40, seq: 300, isUnattended: false })
    expect(table.at('stdout', 500)).toBeNull()
  })

  it('knows where runs begin', () => {
    const table = tableOf([mark(2, 50), mark(2, 7, 'stderr'), mark(1, 0), mark(1, 0, 'stderr')])
    expect(table.marks()).toEqual([
      { run: 1, stdout: 0, stderr: 0, startedAtMs: 1 },
      { run: 2, stdout: 50, stderr: 7, startedAtMs: 2 },
    ])
  })
})

describe('an index', () => {
  it('is read on by whoever follows it', () => {
    const path = home()
    const writer = new IndexWriter()
    const reader = new IndexReader(path)
    expect(reader.refresh()).toBe(false)
    writer.append(path, [seen(10, 1)])
    expect(reader.refresh()).toBe(true)
    writer.append(path, [seen(20, 2)])
    expect(reader.table.at('stdout', 15)).toBeNull()
    reader.refresh()
    expect(reader.table.at('stdout', 15)?.seq).toBe(2)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    writer.close()
  })

  it('goes on behind half a record', () => {
    const path = home()
    writeFileSync(path, encodeRecords([seen(10, 1), seen(20, 2)]))
    truncateSync(path, RECORD_BYTES + 7)
    const writer = new IndexWriter()
    writer.append(path, [seen(30, 3)])
    writer.close()
    expect(readIndex(path).records).toEqual([seen(10, 1), seen(30, 3)])
  })

  it('is read anew when it was replaced or cut', () => {
    const path = home()
    const reader = new IndexReader(path)
    writeFileSync(path, encodeRecords([seen(10, 1), seen(20, 2)]))
    reader.refresh()
    compactIndex(path, { stdout: 15, stderr: 0 })
    reader.refresh()
    expect(reader.table.at('stdout', 16)?.seq).toBe(2)
    writeFileSync(path, '')
    reader.refresh()
    expect(reader.table.at('stdout', 16)).toBeNull()
  })

  it('that somebody has deleted is begun again', () => {
    const path = home()
    const writer = new IndexWriter()
    writer.append(path, [seen(10, 1)])
    rmSync(path)
    expect(writer.sizeOf(path)).toBe(0)
    writer.append(path, [seen(20, 2)])
    writer.close()
    expect(readIndex(path).records).toEqual([seen(20, 2)])
  })

  it('keeps only some of them open, and loses none', () => {
    const path = home()
    const writer = new IndexWriter()
    for (let turn = 0; turn < 2; turn++) for (let each = 0; each < 100; each++) writer.append(`${path}-${each}`, [seen(turn + 1, turn)])
    writer.close()
    for (let each = 0; each < 100; each++) expect(readFileSync(`${path}-${each}`)).toHaveLength(2 * RECORD_BYTES)
  })

  it.each(['a text that is none of ours', '\xa7'.repeat(100), ''])('of %j says nothing', (text) => {
    const path = home()
    writeFileSync(path, text)
    expect(readTail(path).records).toEqual([])
    appendFileSync(path, 'x')
    const reader = new IndexReader(path)
    reader.refresh()
    expect(reader.table.at('stdout', 0)).toBeNull()
  })
})

describe('compaction', () => {
  it('leaves out what speaks of bytes that are gone, and marks of runs without output', () => {
    const all = [mark(1, 0), seen(10, 1), mark(2, 10), seen(20, 2), mark(3, 20), seen(30, 3)]
    const left = tableOf(compacted(all, { stdout: 12, stderr: 0 }))
    expect(left.at('stdout', 12)).toEqual({ end: 20, seq: 2, isUnattended: false })
    expect(left.at('stdout', 25)?.seq).toBe(3)
    expect(left.marks().map(({ run }) => run)).toEqual([2, 3])
  })

  it('changes nothing for what is there', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 50 }), fc.boolean()), { maxLength: 40 }), (steps) => {
        const ends = { stdout: 0, stderr: 0 }
        const all = steps.map(([by, isErr], seq) => {
          const stream = isErr ? 'stderr' : 'stdout'
          ends[stream] += by + 1
          return seen(ends[stream], seq + 1, stream)
        })
        const oldest = Math.floor(ends.stdout / 2)
        const [before, after] = [tableOf(all), tableOf(compacted(all, { stdout: oldest, stderr: 0 }))]
        for (let at = oldest; at <= ends.stdout; at++) expect(after.at('stdout', at)).toEqual(before.at('stdout', at))
        for (let at = 0; at <= ends.stderr; at++) expect(after.at('stderr', at)).toEqual(before.at('stderr', at))
      }),
      { numRuns: 50 },
    )
  })

  it('tells the older half of very many less exactly, and never that something came earlier than it did', () => {
    const all = Array.from({ length: 100 }, (_, index) => seen((index + 1) * 10, index + 1))
    const left = compacted(all, { stdout: 0, stderr: 0 }, 75)
    expect(left.length).toBeLessThan(80)
    const [before, after] = [tableOf(all), tableOf(left)]
    for (let at = 0; at < 1_000; at++) {
      const seq = before.at('stdout', at)?.seq ?? 0
      expect(after.at('stdout', at)?.seq).toBeGreaterThanOrEqual(seq)
      expect(after.at('stdout', at)?.seq).toBeLessThanOrEqual(at < 500 ? seq + 1 : seq)
    }
  })

  it('stays within its bounds, however much is added', () => {
    let records: readonly ArrivalRecord[] = []
    for (let round = 0; round < 20; round++) {
      const more = Array.from({ length: 50 }, (_, index) => seen(round * 500 + (index + 1) * 10, round * 50 + index + 1))
      records = compacted([...records, ...more], { stdout: 0, stderr: 0 }, 60)
      expect(records.length).toBeLessThan(64)
    }
    expect(tableOf(records).at('stdout', 9_995)?.seq).toBe(1_000)
  })
})
