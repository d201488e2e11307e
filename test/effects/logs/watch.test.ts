import { closeSync, openSync, writeSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { LogLine } from '../../../src/api.ts'
import { watchLines, watchWithCallback } from '../../../src/effects/logs/watch.ts'
import { collect, settle, TestLogs, take, textsOf } from './harness.ts'

let logs: TestLogs
beforeEach(() => {
  logs = new TestLogs()
})
afterEach(async () => {
  await vi.waitFor(() => expect(logs.openFiles()).toBe(0))
  logs.remove()
})

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** What is held, in bytes: garbage is none of it, and how much of that lies about says only when it was collected last. */
function memoryHeld(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

describe('watching lines', () => {
  it('gives those there are, those that come, and ends with the process', async () => {
    logs.write('a\nb')
    const lines = watchLines(logs)
    expect(textsOf(await take(lines, 1))).toEqual(['a'])
    logs.write('c\r10%\r')
    expect(textsOf(await take(lines, 2))).toEqual(['bc', '10%'])
    logs.write('\nrest')
    logs.end()
    expect(textsOf(await collect(lines))).toEqual(['rest~'])
  })

  it('tags stream and run', async () => {
    logs.mark(2, 0, 0)
    logs.write('a\n')
    logs.write('b\n', 'stderr')
    expect(await collect(watchLines(logs, { follow: false }))).toEqual([
      { text: 'a', stream: 'stdout', run: 2 },
      { text: 'b', stream: 'stderr', run: 2 },
    ])
  })

  it('begins with tail, counted when called', async () => {
    logs.write('1\n2\n3\n')
    const lines = watchLines(logs, { tail: 2 })
    logs.write('4\n')
    logs.end()
    expect(textsOf(await collect(lines))).toEqual(['2', '3', '4'])
  })

  it('ends by signal', async () => {
    const controller = new AbortController()
    const all = collect(watchLines(logs, { signal: controller.signal }))
    await settle()
    controller.abort()
    expect(await all).toEqual([])
  })

  it('ends the next() that waits when returned', async () => {
    const lines = watchLines(logs)
    const pending = lines.next()
    await settle()
    await lines.return?.()
    expect((await pending).done).toBe(true)
  })

  it('of a line of 100 MB keeps the memory bounded', async () => {
    const length = 100 * 1024 * 1024
    const fd = openSync(logs.path('stdout'), 'w')
    writeSync(fd, '\nlast\n', length) // a sparse file: what was not written reads as NUL
    closeSync(fd)
    const before = memoryHeld()
    let peak = before
    let chars = 0
    let pieces = 0
    let last: LogLine | undefined
    for await (const line of watchLines(logs, { follow: false })) {
      if (line.partial) pieces++
      if (line.text !== 'last') chars += line.text.length
      last = line
      if (pieces % 10 === 0) peak = Math.max(peak, memoryHeld())
    }
    expect([chars, pieces, last?.text]).toEqual([length, 99, 'last'])
    expect((peak - before) / 1024 / 1024).toBeLessThan(20)
  })
})

describe('watching for a pattern', () => {
  const now = { follow: false } as const

  it('gives only lines that match, each looked at from its beginning, whatever the flags', async () => {
    logs.write('an error\nfine\nerrors and errors\n')
    logs.write('error\n', 'stderr')
    for (const grep of [/error/, /error/g, /ERROR/iy]) {
      expect(textsOf(await collect(watchLines(logs, { ...now, grep })))).toEqual(['an error', 'errors and errors', 'error'])
    }
  })

  it('counts with tail the lines that match, however far back they are', async () => {
    const lines = Array.from({ length: 20_000 }, (_, line) => (line % 1_000 === 7 ? `wanted ${line}` : `line ${line}`))
    logs.write(`${lines.join('\n')}\nwanted and partial`)
    expect(textsOf(await collect(watchLines(logs, { ...now, grep: /wanted/, tail: 3 })))).toEqual(['wanted 18007', 'wanted 19007', 'wanted and partial~'])
    expect(await collect(watchLines(logs, { ...now, grep: /wanted/, tail: 100 }))).toHaveLength(21)
    expect(await collect(watchLines(logs, { ...now, grep: /nothing/, tail: 5 }))).toEqual([])
    expect(await collect(watchLines(logs, { ...now, grep: /wanted/, tail: 0 }))).toEqual([])
  })

  it('follows, and knows its position behind lines that do not match', async () => {
    logs.write('a\n')
    const lines = watchLines(logs, { grep: /b/ })
    const pending = lines.next()
    logs.write('a\nb\nb?')
    expect((await pending).value?.text).toBe('b')
    const { position } = lines
    await lines.return?.()
    logs.write('\na\nb\n')
    expect(textsOf(await collect(watchLines(logs, { ...now, from: position })))).toEqual(['b?', 'a', 'b'])
  })

  it.each([{ grep: 'a' }, { run: 0 }, { run: 1.5 }, { since: 'yesterday' }, { until: new Date(Number.NaN) }] as const)('%j is refused', (options) => {
    expect(() => watchLines(logs, options as object)).toThrow(expect.objectContaining({ code: 'PROCMAN_INVALID_ARGUMENT' }))
  })
})

describe('watching with a callback', () => {
  it('resolves when the process has ended', async () => {
    const seen: string[] = []
    const done = watchWithCallback(logs, (line) => void seen.push(line.text))
    logs.write('a\nb\n')
    logs.end()
    await done
    expect(seen).toEqual(['a', 'b'])
  })

  it('stops at a callback that throws, and rejects with its error', async () => {
    logs.write('a\nb\n')
    const onLine = vi.fn(() => {
      throw new Error('no more')
    })
    await expect(watchWithCallback(logs, onLine)).rejects.toThrow('no more')
    expect(onLine).toHaveBeenCalledTimes(1)
  })

  it('treats a callback that rejects like one that throws', async () => {
    logs.write('a\nb\n')
    await expect(watchWithCallback(logs, () => Promise.reject(new Error('no more')))).rejects.toThrow('no more')
  })
})
