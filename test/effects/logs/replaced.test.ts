/** Logs that somebody removes, moves away or replaces while they are followed. */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, renameSync, rmSync, symlinkSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AttachOptions, LogChunk } from '../../../src/api.ts'
import { attachLogs } from '../../../src/effects/logs/attach.ts'
import { bytesOf, collect, settle, TestLogs, take, told } from './harness.ts'

let logs: TestLogs
/** The run's own stdout, wherever its file lies. */
let fd: number
beforeEach(() => {
  logs = new TestLogs()
  fd = openSync(logs.path('stdout'), 'a')
})
afterEach(() => {
  closeSync(fd)
  expect(logs.openFiles()).toBe(0)
  logs.remove()
})

const onlyStdout = { stderr: false } as const

/** Follows stdout, and has read what the run has written first. */
async function following(options: AttachOptions = onlyStdout): Promise<AsyncIterator<LogChunk>> {
  writeSync(fd, 'old')
  const chunks = attachLogs(logs, options)[Symbol.asyncIterator]()
  expect(bytesOf(await take(chunks, 1))).toBe('old')
  return chunks
}

async function leave(chunks: AsyncIterator<LogChunk>): Promise<void> {
  await chunks.return?.()
  await vi.waitFor(() => expect(logs.openFiles()).toBe(1)) // the run's own
}

/**
 * Here time itself is the fact: how often a waiting reader looks in 300 ms. A busy log is looked at 6 times, a reader that spins looks at it thousands of times.
 */
async function looks(): Promise<number> {
  const before = logs.looks
  await pause(300)
  return logs.looks - before
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const watchers = () => process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap').length

const AWAY = [
  ['removed', () => rmSync(logs.path('stdout'))],
  ['moved aside', () => renameSync(logs.path('stdout'), join(logs.dir, 'stdout.log.1'))],
  [
    'moved to another directory',
    () => {
      mkdirSync(join(logs.dir, 'archive'))
      renameSync(logs.path('stdout'), join(logs.dir, 'archive', 'stdout.log'))
    },
  ],
] as const

const IN_ITS_PLACE = [
  ['nothing', () => {}],
  ['an empty file', () => writeFileSync(logs.path('stdout'), '')],
  ['a link', () => symlinkSync(join(logs.dir, 'secret'), logs.path('stdout'))],
  ['a FIFO', () => execFileSync('mkfifo', [logs.path('stdout')])],
  ['a directory', () => mkdirSync(logs.path('stdout'))],
] as const

describe.each(AWAY)('a followed log that was %s', (_, putAway) => {
  it.each(IN_ITS_PLACE)('with %s in its place is read on, as its run writes to it, without a busy loop', async (_, put) => {
    writeFileSync(join(logs.dir, 'secret'), 'a secret')
    const chunks = await following()
    putAway()
    put()
    const pending = chunks.next()
    expect(await looks()).toBeLessThan(60)
    writeSync(fd, 'more')
    expect((await pending).value?.data.toString()).toBe('more')
    writeSync(fd, 'last')
    logs.end()
    expect(bytesOf(await take(chunks, 9))).toBe('last')
  })

  it('is read to its end, and then the file that the next run has made, from its beginning', async () => {
    logs.mark(1, 0, 0)
    const chunks = await following()
    putAway()
    writeSync(fd, '+rest')
    logs.mark(2, 0, 0)
    logs.write('new')
    expect(told(await take(chunks, 2))).toEqual(['1 stdout: +rest', '2 stdout: new'])
    const pending = chunks.next()
    expect(await looks()).toBeLessThan(60)
    logs.write('er')
    expect((await pending).value?.data.toString()).toBe('er')
    await leave(chunks)
  })

  it('gives way to the next file while a reader waits', async () => {
    const chunks = await following()
    const pending = chunks.next()
    await settle()
    putAway()
    await settle()
    logs.write('new')
    expect((await pending).value?.data.toString()).toBe('new')
    await leave(chunks)
  })

  // Here time itself is the fact: a reader that is not told would look after 10 s.
  it.skipIf(process.platform !== 'linux')('is watched where it lies now, and its place too', async () => {
    const chunks = await following()
    putAway()
    const pending = chunks.next()
    await vi.waitFor(() => expect(watchers()).toBe(2), { timeout: 10_000 })
    expect(await looks()).toBeLessThan(10)
    writeSync(fd, 'more')
    expect((await Promise.race([pending, pause(5_000)]))?.value?.data.toString()).toBe('more')
    const next = chunks.next()
    await vi.waitFor(() => expect(watchers()).toBe(2), { timeout: 10_000 })
    logs.write('new')
    expect((await Promise.race([next, pause(5_000)]))?.value?.data.toString()).toBe('new')
    await leave(chunks)
  })

  it('gives way to the next file also when the process ends before anybody looks', async () => {
    const chunks = await following()
    putAway()
    writeSync(fd, '+rest')
    logs.write('new')
    logs.end()
    expect(bytesOf(await take(chunks, 9))).toBe('+restnew')
  })

  it('gives way to no file of another process that got the same id', async () => {
    let isRemoved = false
    const chunks = await following({ ...onlyStdout })
    Object.assign(logs, { isOwn: () => !isRemoved })
    putAway()
    isRemoved = true
    logs.write('of another one')
    const pending = chunks.next()
    expect(await looks()).toBeLessThan(60)
    logs.end()
    expect((await pending).done).toBe(true)
  })
})

describe('a log that is replaced', () => {
  it('by a file that is replaced in turn is read in the last one', async () => {
    const chunks = await following()
    for (const text of ['second', 'third']) {
      rmSync(logs.path('stdout'))
      logs.write(text)
      expect(bytesOf(await take(chunks, 1))).toBe(text)
    }
    await leave(chunks)
  })

  it('beside the other stream leaves that one alone', async () => {
    logs.write('err', 'stderr')
    const chunks = await following({})
    expect(told(await take(chunks, 1))).toEqual(['1 stderr: err'])
    rmSync(logs.path('stdout'))
    logs.write('new')
    expect(told(await take(chunks, 1))).toEqual(['1 stdout: new'])
    logs.write('more', 'stderr')
    expect(told(await take(chunks, 1))).toEqual(['1 stderr: more'])
    await leave(chunks)
  })

  it.each([{ tail: 1 }, { tail: 0 }, {}])('between the call and the first read is read from the beginning of the new file: %j', async (options) => {
    logs.write('1\n2\n3\n')
    const attachment = attachLogs(logs, { ...onlyStdout, ...options })
    renameSync(logs.path('stdout'), join(logs.dir, 'stdout.log.1'))
    logs.write('4\n5\n6\n7\n')
    logs.end()
    expect(bytesOf(await collect(attachment))).toBe('4\n5\n6\n7\n')
  })

  it('between the call and the first read is not read when it belongs to another process that got the same id', async () => {
    const attachment = attachLogs(logs, onlyStdout)
    rmSync(logs.path('stdout'))
    logs.write('of another one')
    Object.assign(logs, { isOwn: () => false })
    const all = collect(attachment)
    expect(await looks()).toBeLessThan(60)
    logs.end()
    expect(await all).toEqual([])
  })

  it('leaves nothing open when its reader leaves in the middle of that', async () => {
    for (let turns = 0; turns < 40; turns++) {
      const attachment = attachLogs(logs, onlyStdout)
      const chunks = attachment[Symbol.asyncIterator]()
      logs.write('old')
      await take(chunks, 1)
      renameSync(logs.path('stdout'), join(logs.dir, 'old'))
      logs.write('new')
      const pending = chunks.next()
      await settle(turns)
      attachment.destroy()
      await pending
    }
    await vi.waitFor(() => expect(logs.openFiles()).toBe(1))
  })
})

describe('what is no regular file', () => {
  const ODD = [
    ['a link to a foreign file', () => symlinkSync(join(logs.dir, 'secret'), logs.path('stdout')), 'it is a symbolic link'],
    ['a link to a device', () => symlinkSync('/dev/zero', logs.path('stdout')), 'it is a symbolic link'],
    ['a FIFO', () => execFileSync('mkfifo', [logs.path('stdout')]), 'it is not a regular file'],
    ['a directory', () => mkdirSync(logs.path('stdout')), 'it is not a regular file'],
  ] as const

  it.each(ODD.flatMap(([what, put, reason]) => [true, false].map((follow) => [what, follow, put, reason] as const)))(
    '%s is not read (follow: %s), and the reader is told path and reason',
    async (_, follow, put, reason) => {
      writeFileSync(join(logs.dir, 'secret'), 'a secret')
      rmSync(logs.path('stdout'))
      put()
      const path = logs.path('stdout')
      const reading = collect(attachLogs(logs, { ...onlyStdout, follow }))
      await expect(reading).rejects.toMatchObject({
        code: 'PROCMAN_LOG_UNREADABLE',
        message: `the log ${path} cannot be read: ${reason}`,
        details: { path },
      })
    },
  )

  it.each(ODD)('%s is told also when it appears where a log is waited for', async (_what, put) => {
    rmSync(logs.path('stdout'))
    const reading = expect(collect(attachLogs(logs, onlyStdout))).rejects.toMatchObject({ code: 'PROCMAN_LOG_UNREADABLE' })
    await settle()
    put()
    await reading
  })
})

describe('a process of which nobody knows whether it has ended', () => {
  it('is read as far as it has written, and then fails with the reason', async () => {
    const failure = new Error('it cannot be told')
    Object.assign(logs, { failure: () => failure })
    const chunks = await following()
    const pending = chunks.next()
    writeSync(fd, 'more')
    logs.end()
    expect((await pending).value?.data.toString()).toBe('more')
    await expect(chunks.next()).rejects.toBe(failure)
  })

  it('does not matter to who reads only what is there', async () => {
    Object.assign(logs, { failure: () => new Error('it cannot be told') })
    writeSync(fd, 'old')
    logs.end()
    expect(bytesOf(await collect(attachLogs(logs, { follow: false })))).toBe('old')
  })
})
