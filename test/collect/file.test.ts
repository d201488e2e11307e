import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { LogRecord } from '../../src/collect/record/contract.ts'
import { fileTarget } from '../../src/collect/targets/file.ts'

const { signal } = new AbortController()

function aTarget({ maxSizeBytes = 10_000_000, maxFiles = 2, format = 'plain' as const, name = 'sub/out.log' } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'procman-collect-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const path = join(dir, name)
  const open = () => {
    const target = fileTarget({ path, format, maxSizeBytes, maxFiles })
    onTestFinished(() => target.close())
    return target
  }
  const read = (suffix = '') => (existsSync(path + suffix) ? readFileSync(path + suffix, 'utf8').replaceAll(/^.* - /gm, '') : null)
  return { path, open, read }
}

const records = (...messages: readonly string[]) =>
  messages.map((msg): LogRecord => ({ time: '2026-11-26T17:00:00.000Z', seq: 1, id: 'a', instance: 1, run: 1, pid: 1, stream: 'stdout', msg }))

describe('a file target', () => {
  it('has what was acknowledged, for its owner alone, in a directory that is made', async () => {
    const { path, open, read } = aTarget()
    await open().deliver(records('one', 'two'), signal)
    expect(read()).toBe('one\ntwo\n')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700)
  })

  it('is moved out of the way when it is large, and so many are kept', async () => {
    const { open, read } = aTarget({ maxSizeBytes: 100 })
    const target = open()
    for (const message of ['1', '2', '3', '4', '5', '6', '7']) await target.deliver(records(message), signal)
    expect([read(), read('.1'), read('.2'), read('.3')]).toEqual(['7\n', '5\n6\n', '3\n4\n', null])
  })

  it('is made anew when somebody has moved it away', async () => {
    const { path, open, read } = aTarget()
    const target = open()
    await target.deliver(records('one'), signal)
    renameSync(path, `${path}.moved`)
    await target.deliver(records('two'), signal)
    expect([read('.moved'), read()]).toEqual(['one\n', 'two\n'])
  })

  it.each([
    ['whole\n2026-11-26T17:00:00.000Z a stdout - a par', 'whole\nnew\n'],
    ['whole\n{"time":"2026', 'whole\nnew\n'],
    ['{"ti', 'new\n'],
    ['20', 'new\n'],
    ['of somebody else', 'of somebody else\nnew\n'],
    [`2026-11-26T${'x'.repeat(100_000)}`, 'new\n'],
  ])('goes on behind %j, without the part of a line that a killed manager has left', async (before, after) => {
    const { path, open, read } = aTarget({ name: 'out.log' })
    writeFileSync(path, before)
    await open().deliver(records('new'), signal)
    expect(read()).toBe(after)
  })

  it('tells what the disk says, and is tried again', async () => {
    const { path, open, read } = aTarget({ name: 'sub/out.log' })
    writeFileSync(join(path, '..', '..', 'sub'), 'in the way')
    const target = open()
    await expect(target.deliver(records('one'), signal)).rejects.toThrow(/EEXIST|ENOTDIR/)
    rmSync(join(path, '..'))
    await target.deliver(records('one'), signal)
    expect(read()).toBe('one\n')
  })
})
