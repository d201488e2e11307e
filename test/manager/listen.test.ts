import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseListen } from '../../src/manager/address.ts'
import { readTokens } from '../../src/manager/tokens.ts'

function aDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'procman-tokens-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return dir
}

describe('--listen', () => {
  it.each([
    ['127.0.0.1:50055', '127.0.0.1', 50055],
    ['50055', '127.0.0.1', 50055],
    ['localhost:0', 'localhost', 0],
    ['[::1]:80', '::1', 80],
  ])('%s is an address of this machine', (text, host, port) => {
    expect(parseListen(text)).toEqual({ host, port })
  })

  it.each(['0.0.0.0:80', '10.0.0.1:80', '[::]:80', 'example.com:80'])('%s is refused: others could reach it', (text) => {
    expect(() => parseListen(text)).toThrow(/not on this machine alone/)
  })

  it.each(['', ':80', 'x', '127.0.0.1', '127.0.0.1:70000', '-1'])('%j is no address', (text) => {
    expect(() => parseListen(text)).toThrow(/is not an address/)
  })
})

describe('the tokens', () => {
  it('are made once, long and for their owner alone', () => {
    const dir = aDir()
    const made = readTokens(dir, { file: null, readFile: null })
    expect(made.token).toMatch(/^[\w-]{43}$/)
    expect(made.readToken).not.toBe(made.token)
    expect(statSync(join(dir, 'control.token')).mode & 0o777).toBe(0o600)
    expect(readTokens(dir, { file: null, readFile: null })).toEqual(made)
    expect(readFileSync(join(dir, 'control.token'), 'utf8')).toBe(`${made.token}\n`)
  })

  it.each([
    ['others can read it', 'a-token-that-is-long-enough', 0o644, /chmod 600/],
    ['it is too short', 'short', 0o600, /at least 16/],
    ['it has several words', 'a token that is long enough', 0o600, /without spaces/],
  ])('of a file of the user’s are refused when %s', (_why, text, mode, message) => {
    const file = join(aDir(), 'token')
    writeFileSync(file, text)
    chmodSync(file, mode)
    expect(() => readTokens(aDir(), { file, readFile: null })).toThrow(message)
  })

  it('of a file that is not there are refused', () => {
    expect(() => readTokens(aDir(), { file: join(aDir(), 'none'), readFile: null })).toThrow(/there is none/)
  })
})
