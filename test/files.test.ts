import { execFileSync } from 'node:child_process'
import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { errnoOf, overwriteFile, readWhole, replaceFile, withTemp } from '../src/files.ts'

let dir: string
let path: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'procman-files-'))
  path = join(dir, 'file')
})
afterEach(() => rmSync(dir, { recursive: true }))

describe('reading a whole file', () => {
  it('gives its text, also of an empty one', () => {
    writeFileSync(path, 'text')
    expect(readWhole(path)).toEqual({ kind: 'text', text: 'text' })
    writeFileSync(path, '')
    expect(readWhole(path)).toEqual({ kind: 'text', text: '' })
  })

  it('tells one that is not there, with its directory or without', () => {
    expect(readWhole(path)).toEqual({ kind: 'missing' })
    expect(readWhole(join(path, 'deep', 'er'))).toEqual({ kind: 'missing' })
  })

  it.each([
    ['a directory', () => mkdirSync(path), 'it is not a regular file'],
    ['a FIFO that nobody writes to', () => execFileSync('mkfifo', [path]), 'it is not a regular file'],
    ['a link to a file', () => symlinkSync('/etc/passwd', path), 'it is a symbolic link'],
    ['a link to nowhere', () => symlinkSync('/nowhere', path), 'it is a symbolic link'],
    ['a file in the place of its directory', () => writeFileSync(path, ''), 'it cannot be opened (ENOTDIR)'],
    ['larger than anything procman writes', () => writeFileSync(path, Buffer.alloc(65 * 1024 * 1024)), 'it has 68157440 bytes'],
  ])('does not wait for, follow or read %s', (what, make, reason) => {
    make()
    const asked = what.includes('place of its directory') ? join(path, 'file') : path
    expect(readWhole(asked)).toEqual({ kind: 'odd', reason: expect.stringContaining(reason) })
  })

  it('does not read a socket', async () => {
    const server = createServer().listen(path)
    await new Promise((resolve) => server.once('listening', resolve))
    expect(readWhole(path).kind).toBe('odd')
    await new Promise((resolve) => server.close(resolve))
  })
})

describe('replacing a file', () => {
  it('writes it in one step, for its owner only, and leaves nothing beside it', () => {
    replaceFile(path, 'old')
    linkSync(path, join(dir, 'old'))
    replaceFile(path, 'new')
    expect([readFileSync(path, 'utf8'), readFileSync(join(dir, 'old'), 'utf8')]).toEqual(['new', 'old'])
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(dir).sort()).toEqual(['file', 'old'])
  })

  it('that fails leaves the old one, and nothing beside it', () => {
    mkdirSync(join(path, 'full'), { recursive: true })
    expect(() => replaceFile(path, 'new')).toThrow(expect.objectContaining({ code: 'EISDIR' }))
    expect(readdirSync(dir)).toEqual(['file'])
    const failing = () =>
      withTemp(join(dir, 'other'), 'x', () => {
        throw new Error('no')
      })
    expect(failing).toThrow('no')
    expect(existsSync(join(dir, 'other.tmp'))).toBe(false)
  })

  it('replaces a link itself, not what it points to', () => {
    writeFileSync(join(dir, 'foreign'), 'foreign')
    symlinkSync(join(dir, 'foreign'), path)
    symlinkSync(join(dir, 'foreign'), `${path}.tmp`)
    replaceFile(path, 'new')
    expect([readFileSync(path, 'utf8'), readFileSync(join(dir, 'foreign'), 'utf8')]).toEqual(['new', 'foreign'])
  })
})

it('an error has a short name', () => {
  expect(errnoOf(Object.assign(new Error('x'), { code: 'ENOSPC' }))).toBe('ENOSPC')
  expect(errnoOf(new Error('x'))).toBe('Error: x')
})

describe('writing over a file, in the room that it has', () => {
  const old = JSON.stringify({ text: 'x'.repeat(500) })

  it.each([
    ['shorter', { text: 'y' }],
    ['longer, within its block', { text: 'y'.repeat(3_000) }],
  ])('leaves what is meant, and no rest: %s', (_, value) => {
    writeFileSync(path, old)
    expect(overwriteFile(path, JSON.stringify(value))).toBe(true)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(value)
  })

  it.each([
    ['does not fit into a page', () => writeFileSync(path, old), 'y'.repeat(5_000)],
    ['fits, but not over what is there', () => writeFileSync(path, 'x'.repeat(5_000)), 'y'],
  ])('changes nothing when it %s', (_, make, text) => {
    make()
    const before = readFileSync(path, 'utf8')
    expect(overwriteFile(path, text)).toBe(false)
    expect(readFileSync(path, 'utf8')).toBe(before)
  })

  it('leaves a file alone that has another name, too', () => {
    writeFileSync(path, old)
    linkSync(path, join(dir, 'theirs'))
    expect(overwriteFile(path, 'y')).toBe(false)
    expect(readFileSync(path, 'utf8')).toBe(old)
  })

  it('does not follow a link', () => {
    writeFileSync(join(dir, 'theirs'), old)
    symlinkSync(join(dir, 'theirs'), path)
    expect(() => overwriteFile(path, 'y')).toThrow('ELOOP')
    expect(readFileSync(join(dir, 'theirs'), 'utf8')).toBe(old)
  })
})
