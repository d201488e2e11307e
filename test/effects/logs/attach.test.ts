import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, statSync, truncateSync, writeSync } from 'node:fs'
import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { attachLogs } from '../../../src/effects/logs/attach.ts'
import { bytesOf, collect, settle, TestLogs, take, told } from './harness.ts'

let logs: TestLogs
beforeEach(() => {
  logs = new TestLogs()
})
afterEach(() => {
  expect(logs.openFiles()).toBe(0)
  logs.remove()
})

const now = { follow: false } as const

describe('attaching without follow', () => {
  it('gives what is there and ends', async () => {
    logs.write('a\nb')
    expect(told(await collect(attachLogs(logs, now)))).toEqual(['1 stdout: a\nb'])
  })

  it('ends at the size at that time', async () => {
    logs.write('before')
    const attachment = attachLogs(logs, now)
    logs.write('after')
    expect(bytesOf(await collect(attachment))).toBe('before')
  })

  it('gives nothing of logs that do not exist', async () => {
    expect(await collect(attachLogs(logs, now))).toEqual([])
  })

  it('gives pieces of at most 64 KB', async () => {
    logs.write('x'.repeat(200_000))
    const chunks = await collect(attachLogs(logs, now))
    expect(Math.max(...chunks.map((chunk) => chunk.data.length))).toBe(64 * 1024)
    expect(bytesOf(chunks)).toHaveLength(200_000)
  })

  it.each([
    ['stdout', 'a'],
    ['stderr', 'b'],
  ] as const)('gives %s alone if the other one is not wanted', async (stream, text) => {
    logs.write('a')
    logs.write('b', 'stderr')
    const chunks = await collect(attachLogs(logs, { ...now, stdout: stream === 'stdout', stderr: stream === 'stderr' }))
    expect(told(chunks)).toEqual([`1 ${stream}: ${text}`])
  })

  it('gives nothing of no stream, also with follow', async () => {
    logs.write('a')
    expect(await collect(attachLogs(logs, { stdout: false, stderr: false }))).toEqual([])
  })
})

describe('runs', () => {
  beforeEach(() => {
    logs.write('out3out4')
    logs.write('err3err4', 'stderr')
    logs.mark(4, 4, 4)
  })

  it('come one after the other, within one stdout first, and no chunk spans two', async () => {
    expect(told(await collect(attachLogs(logs, now)))).toEqual(['3 stdout: out3', '3 stderr: err3', '4 stdout: out4', '4 stderr: err4'])
  })

  it('that begin while following are told apart', async () => {
    const chunks = attachLogs(logs)[Symbol.asyncIterator]()
    const seen = await take(chunks, 4)
    logs.mark(5, 8, 8)
    logs.write('err5', 'stderr')
    seen.push(...(await take(chunks, 1)))
    logs.mark(6, 8, 12)
    logs.write('out6')
    logs.end()
    for await (const chunk of { [Symbol.asyncIterator]: () => chunks }) seen.push(chunk)
    expect(told(seen).slice(4)).toEqual(['5 stderr: err5', '6 stdout: out6'])
  })

  it('that wrote nothing leave no trace', async () => {
    logs.mark(5, 8, 8)
    logs.mark(6, 8, 8)
    logs.write('out6')
    expect(told(await collect(attachLogs(logs, { ...now, stderr: false })))).toEqual(['3 stdout: out3', '4 stdout: out4', '6 stdout: out6'])
  })
})

describe('tail', () => {
  it('begins so many lines before the end of each stream', async () => {
    logs.write('1\n2\n3\n')
    logs.write('a\rb\rc', 'stderr')
    expect(told(await collect(attachLogs(logs, { ...now, tail: 2 })))).toEqual(['1 stdout: 2\n3\n', '1 stderr: b\rc'])
  })

  it('0 gives only what comes after the call', async () => {
    logs.write('old')
    const attachment = attachLogs(logs, { tail: 0 })
    logs.write('new')
    logs.end()
    expect(bytesOf(await collect(attachment))).toBe('new')
  })

  it('counts from the end at the call: nothing is missing or doubled behind it', async () => {
    logs.write('1\n2\n3\n')
    const attachment = attachLogs(logs, { tail: 1 })
    logs.write('4\n5\n')
    logs.end()
    expect(bytesOf(await collect(attachment))).toBe('3\n4\n5\n')
  })

  it.each([-1, 1.5, Number.NaN])('%s is refused', (tail) => {
    expect(() => attachLogs(logs, { tail })).toThrow(expect.objectContaining({ code: 'PROCMAN_INVALID_ARGUMENT' }))
  })
})

describe('following', () => {
  it('gives what comes, as it comes, and ends with the process', async () => {
    logs.write('old\n')
    const chunks = attachLogs(logs)[Symbol.asyncIterator]()
    expect(bytesOf(await take(chunks, 1))).toBe('old\n')
    const pending = chunks.next()
    logs.write('new\n')
    expect((await pending).value?.data.toString()).toBe('new\n')
    const last = chunks.next()
    logs.end()
    expect((await last).done).toBe(true)
  })

  it('gives what was written before the end was told', async () => {
    const all = collect(attachLogs(logs))
    await settle()
    logs.write('last words')
    logs.write('and these', 'stderr')
    logs.end()
    expect(told(await all).sort()).toEqual(['1 stderr: and these', '1 stdout: last words']) // live: in any order
  })

  it('waits for a log that does not exist yet', async () => {
    const chunks = attachLogs(logs)[Symbol.asyncIterator]()
    const pending = chunks.next()
    await settle()
    logs.write('here', 'stderr')
    expect((await pending).value?.data.toString()).toBe('here')
    await chunks.return?.()
    await vi.waitFor(() => expect(logs.openFiles()).toBe(0))
  })

  it('goes on at the beginning of a log that its own program emptied', async () => {
    logs.mark(1, 0, 0)
    logs.mark(2, 3, 0)
    logs.write('one+a long line\n')
    const chunks = attachLogs(logs)[Symbol.asyncIterator]()
    expect(told(await take(chunks, 2))).toEqual(['1 stdout: one', '2 stdout: +a long line\n'])
    truncateSync(logs.path('stdout'))
    logs.write('x')
    expect(told(await take(chunks, 1))).toEqual(['2 stdout: x'])
    logs.write('y')
    expect(told(await take(chunks, 1))).toEqual(['2 stdout: y'])
    await chunks.return?.()
    await vi.waitFor(() => expect(logs.openFiles()).toBe(0))
  })

  it('reads a log from the beginning that was emptied between the call and the first read', async () => {
    logs.write('1\n2\n3\n')
    const attachment = attachLogs(logs, { tail: 1 })
    truncateSync(logs.path('stdout'))
    logs.write('4\n')
    logs.end()
    expect(bytesOf(await collect(attachment))).toBe('4\n')
  })

  it('many at once on one source warns of no leak', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error) => warnings.push(warning)
    process.on('warning', onWarning)
    const { signal } = new AbortController()
    const all = Array.from({ length: 30 }, () => collect(attachLogs(logs, { signal })))
    await settle()
    logs.end()
    await Promise.all(all)
    await settle(2)
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
  })
})

/** Writes numbered lines to stdout and stderr, as fast as it can, until its stdin ends; then a last line `end`. */
const WRITER = `
  const fs = require('node:fs')
  let n = 0, over = false
  process.stdin.resume().on('end', () => { over = true })
  const step = () => {
    for (let i = 0; i < 100; i++) { n++; fs.writeSync(1, n + '\\n'); fs.writeSync(2, n + '\\r\\n') }
    if (!over) return setImmediate(step)
    fs.writeSync(1, 'end\\n'); fs.writeSync(2, 'end\\r\\n')
  }
  step()`

function startWriter(): ChildProcess {
  const out = openSync(logs.path('stdout'), 'a')
  const err = openSync(logs.path('stderr'), 'a')
  const child = spawn(process.execPath, ['-e', WRITER], { stdio: ['pipe', out, err] })
  closeSync(out)
  closeSync(err)
  return child
}

describe('attaching while a process writes at full speed', () => {
  it.each([{}, { tail: 5 }, { tail: 0 }])('gives each byte once, from the place where it began: %j', async (options) => {
    const child = startWriter()
    try {
      await vi.waitFor(() => expect(statSync(logs.path('stdout')).size).toBeGreaterThan(20_000), { timeout: 30_000 })
      const attachment = attachLogs(logs, options)
      const size = statSync(logs.path('stdout')).size
      child.once('exit', () => logs.end())
      const seen = []
      let live = 0
      for await (const chunk of attachment) {
        seen.push(chunk)
        if (chunk.stream === 'stdout') live += chunk.data.length
        if (live > size + 20_000) child.stdin?.end()
      }
      for (const stream of ['stdout', 'stderr'] as const) {
        const lines = bytesOf(seen, stream).trimEnd().split(/\r?\n/)
        expect(lines.pop()).toBe('end')
        if (options.tail === 0) lines.shift() // may have begun inside a line
        const first = Number(lines[0])
        expect(lines.findIndex((line, i) => Number(line) !== first + i)).toBe(-1)
        if (options.tail === undefined) expect(first).toBe(1)
        else expect(first).toBeGreaterThan(1)
      }
    } finally {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
  })
})

describe('letting go', () => {
  const watchers = () => process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap').length

  it('by signal ends the iteration without an error, also while it waits', async () => {
    logs.write('old')
    const controller = new AbortController()
    const all = collect(attachLogs(logs, { signal: controller.signal }))
    await vi.waitFor(() => expect(watchers()).toBe(2))
    controller.abort()
    expect(bytesOf(await all)).toBe('old')
    await vi.waitFor(() => expect(watchers()).toBe(0))
  })

  it('by signal closes the files although nobody reads', async () => {
    logs.write('x'.repeat(200_000))
    const controller = new AbortController()
    const chunks = attachLogs(logs, { signal: controller.signal })[Symbol.asyncIterator]()
    await take(chunks, 1)
    controller.abort()
    await vi.waitFor(() => expect(logs.openFiles()).toBe(0))
    expect((await chunks.next()).done).toBe(true)
  })

  it('with a signal aborted before gives nothing', async () => {
    logs.write('old')
    expect(await collect(attachLogs(logs, { signal: AbortSignal.abort() }))).toEqual([])
  })

  it('by breaking out closes everything', async () => {
    logs.write('old')
    const attachment = attachLogs(logs)
    for await (const _ of attachment) break
    expect(attachment.destroyed).toBe(true)
    await vi.waitFor(() => expect(logs.openFiles() + watchers()).toBe(0))
  })

  it('by return() ends the next() that waits', async () => {
    const chunks = attachLogs(logs)[Symbol.asyncIterator]()
    const pending = chunks.next()
    await vi.waitFor(() => expect(watchers()).toBeGreaterThan(0))
    await chunks.return?.()
    expect((await pending).done).toBe(true)
  })

  it('by destroy() ends the iteration, with its error if there is one', async () => {
    const quiet = attachLogs(logs)
    const ended = collect(quiet)
    const loud = attachLogs(logs)
    loud.on('error', () => {})
    const failed = expect(collect(loud)).rejects.toThrow('enough')
    quiet.destroy()
    loud.destroy(new Error('enough'))
    expect(await ended).toEqual([])
    await failed
  })

  it('is not needed by an attachment that was never read', async () => {
    logs.write('old')
    attachLogs(logs)
    await settle()
    expect(logs.openFiles() + watchers()).toBe(0)
  })

  it('at each moment leaves nothing open and reports nothing', async () => {
    logs.write('line\n'.repeat(50_000))
    for (let turns = 0; turns < 40; turns++) {
      const attachment = attachLogs(logs, { tail: 49_000 })
      const all = collect(attachment)
      await settle(turns)
      attachment.destroy()
      await all
    }
    await vi.waitFor(() => expect(logs.openFiles() + watchers()).toBe(0))
  })
})

describe('an attachment as a stream', () => {
  it('gives the bytes of both streams, ends and closes', async () => {
    logs.write('out')
    logs.write('err', 'stderr')
    const attachment = attachLogs(logs, now)
    const data: Buffer[] = []
    attachment.on('data', (chunk: Buffer) => data.push(chunk))
    await once(attachment, 'close')
    expect(Buffer.concat(data).toString()).toBe('outerr')
  })

  it('ends without an error on abort', async () => {
    const controller = new AbortController()
    const attachment = attachLogs(logs, { signal: controller.signal })
    attachment.resume()
    await settle()
    controller.abort()
    await once(attachment, 'end')
  })

  it('can be piped', async () => {
    logs.write('x'.repeat(300_000))
    let length = 0
    const sink = new Writable({
      write(chunk: Buffer, _, done) {
        length += chunk.length
        setImmediate(done)
      },
    })
    attachLogs(logs, now).pipe(sink)
    await once(sink, 'finish')
    expect(length).toBe(300_000)
  })

  it('reports a log that cannot be read', async () => {
    mkdirSync(logs.path('stderr'))
    const attachment = attachLogs(logs).resume()
    const [error] = await once(attachment, 'error')
    expect(error).toMatchObject({ code: 'PROCMAN_LOG_UNREADABLE', details: { path: logs.path('stderr') } })
  })

  it('costs a slow reader one chunk, however much there is', async () => {
    const fd = openSync(logs.path('stdout'), 'w')
    writeSync(fd, 'end', 100 * 1024 * 1024)
    closeSync(fd)
    const attachment = attachLogs(logs)
    const before = process.memoryUsage().arrayBuffers
    await once(attachment, 'readable')
    await settle(200)
    expect(attachment.readableLength).toBeLessThanOrEqual(64 * 1024)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024)
    attachment.destroy()
    await once(attachment, 'close')
  })
})
