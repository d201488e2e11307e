import { renameSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { attachLogs } from '../../../src/effects/logs/attach.ts'
import { fromPosition, toPosition } from '../../../src/effects/logs/position.ts'
import { watchLines } from '../../../src/effects/logs/watch.ts'
import { bytesOf, collect, TestLogs, take, told } from './harness.ts'

let logs: TestLogs
beforeEach(() => {
  logs = new TestLogs()
})
afterEach(() => logs.remove())

const now = { follow: false }

describe('the position of a reader', () => {
  it('is where another one goes on, in both logs, whatever it would begin with', async () => {
    logs.mark(1, 0, 0)
    logs.write('one\ntwo\n')
    logs.write('wrong\n', 'stderr')
    const first = attachLogs(logs, { tail: 1 })
    expect(told(await take(first[Symbol.asyncIterator](), 1))).toEqual(['1 stdout: two\n'])
    const { position } = first
    first.destroy()
    logs.write('three\n')
    expect(told(await collect(attachLogs(logs, { ...now, from: position, tail: 0 })))).toEqual(['1 stdout: three\n', '1 stderr: wrong\n'])
  })

  it('is behind each line that was given, whatever its end and wherever it was cut', async () => {
    const text = 'a\r\nb\rc\n\n\rd\r\n\r\ne'
    logs.write(text)
    const all = await collect(watchLines(logs, now))
    for (let count = 1; count < all.length; count++) {
      const lines = watchLines(logs, now)
      await take(lines, count)
      const { position } = lines
      await lines.return?.()
      expect(await collect(watchLines(logs, { ...now, from: position }))).toEqual(all.slice(count))
    }
  })

  it('knows a line end that comes in two pieces', async () => {
    logs.write('10%\r')
    const lines = watchLines(logs)
    expect(await take(lines, 1)).toMatchObject([{ text: '10%' }])
    const { position } = lines
    await lines.return?.()
    logs.write('\ndone\n')
    expect(await collect(watchLines(logs, { ...now, from: position }))).toMatchObject([{ text: 'done' }])
    // Of the bytes none is taken away.
    expect(bytesOf(await collect(attachLogs(logs, { ...now, from: position })))).toBe('\ndone\n')
  })

  it('is before a line that has only begun, and behind one that ended with its run', async () => {
    logs.mark(1, 0, 0)
    logs.write('done\nbeg')
    const lines = watchLines(logs)
    await take(lines, 1)
    const before = lines.position
    logs.mark(2, 8, 0)
    logs.write('next\n')
    expect(await take(lines, 1)).toMatchObject([{ text: 'beg', run: 1, partial: true }])
    const behind = lines.position
    await lines.return?.()
    expect((await collect(watchLines(logs, { ...now, from: before }))).map(({ text, run }) => `${run} ${text}`)).toEqual(['1 beg', '2 next'])
    expect((await collect(watchLines(logs, { ...now, from: behind }))).map(({ text, run }) => `${run} ${text}`)).toEqual(['2 next'])
  })

  it('is nowhere in another file that has taken the place of the log, and in one that was emptied: that is read from its beginning', async () => {
    logs.write('old\n')
    const first = attachLogs(logs, now)
    await collect(first)
    renameSync(logs.path('stdout'), `${logs.path('stdout')}.1`)
    logs.write('new, and longer\n')
    expect(bytesOf(await collect(attachLogs(logs, { ...now, from: first.position })))).toBe('new, and longer\n')
    const second = attachLogs(logs, now)
    await collect(second)
    writeFileSync(logs.path('stdout'), 'x\n')
    expect(bytesOf(await collect(attachLogs(logs, { ...now, from: second.position })))).toBe('x\n')
  })

  it('is a text that comes back as it was, and anything else is refused', () => {
    const places = { stdout: { file: '17', offset: 3, run: 2, isAfterCr: true }, stderr: { file: '18', offset: 0, run: 1, isAfterCr: false } }
    expect(fromPosition(toPosition(places))).toEqual(places)
    expect(fromPosition('')).toEqual({})
    for (const text of ['nonsense', 'o1.2', 'x1.2.3', 'o1.2.3,', 'o1.-2.3'])
      expect(() => fromPosition(text)).toThrow(expect.objectContaining({ code: 'PROCMAN_INVALID_ARGUMENT' }))
  })
})
