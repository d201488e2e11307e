import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatPlace, NO_PLACE, PLACE_BYTES, type Place, parsePlace, placePath, readPlace, writePlace } from '../../../src/effects/logs/place.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'procman-place-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const PLACE: Place = { ino: '1311', base: 10_485_760, head: 20_971_520, flux: 1, size: 0, lost: 7 }

describe('the place of a live file', () => {
  it('is 128 bytes of text with a checksum', () => {
    const text = formatPlace(PLACE)
    expect(text).toHaveLength(PLACE_BYTES)
    expect(text.trimEnd()).toBe('{"v":1,"ino":1311,"base":10485760,"head":20971520,"flux":1,"size":0,"lost":7,"sum":"12fc9565"}')
    expect(text.endsWith(' \n')).toBe(true)
    expect(parsePlace(text)).toEqual(PLACE)
  })

  it.each([
    ['another checksum', formatPlace(PLACE).replace('12fc9565', '12fc9564')],
    ['other numbers', formatPlace(PLACE).replace('1311', '1312')],
    ['half of it', formatPlace(PLACE).slice(0, 64)],
    ['nothing', ''],
    ['something else', '{}'],
  ])('is damaged with %s', (_, text) => {
    expect(parsePlace(text)).toBeUndefined()
    writeFileSync(join(dir, 'stdout.place'), text)
    expect(readPlace(join(dir, 'stdout.place'))).toBeUndefined()
  })

  it('is written and read back, in the same file, for its owner only', () => {
    const path = placePath(join(dir, 'stdout.log'))
    expect(path).toBe(join(dir, 'stdout.place'))
    expect(readPlace(path)).toEqual(NO_PLACE)
    writePlace(path, NO_PLACE)
    const { ino } = statSync(path)
    writePlace(path, PLACE)
    expect(readPlace(path)).toEqual(PLACE)
    expect(statSync(path)).toMatchObject({ ino, size: PLACE_BYTES })
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('is not read through a link', () => {
    writeFileSync(join(dir, 'other'), formatPlace(PLACE))
    symlinkSync(join(dir, 'other'), join(dir, 'stdout.place'))
    expect(readPlace(join(dir, 'stdout.place'))).toBeUndefined()
  })

  it('holds inodes that no number holds', () => {
    const place = { ...PLACE, ino: '18446744073709551615' }
    expect(parsePlace(formatPlace(place))).toEqual(place)
    expect(() => formatPlace({ ...place, base: 2 ** 52, head: 2 ** 52, size: 2 ** 52 })).toThrow(RangeError)
  })
})
