import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readSize, writeSize } from '../src/size.ts'

describe('a size', () => {
  it.each([
    ['1', 1],
    ['512', 512],
    ['10MB', 10_485_760],
    ['10 mib', 10_485_760],
    ['1.5k', 1_536],
    ['2G', 2_147_483_648],
    ['1TB', 1_099_511_627_776],
    ['0.0001', undefined],
    ['0', undefined],
    ['-1MB', undefined],
    ['1PB', undefined],
    ['', undefined],
    ['99999999TB', undefined],
  ])('%j is %s bytes', (text, bytes) => expect(readSize(text)).toBe(bytes))

  it.each([
    [1, '1B'],
    [1_000, '1000B'],
    [1_024, '1kB'],
    [10_485_760, '10MB'],
    [1_572_864, '1536kB'],
    [1_073_741_824, '1GB'],
  ])('%d is written %s', (bytes, text) => expect(writeSize(bytes)).toBe(text))

  it('is read as it was written', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (bytes) => readSize(writeSize(bytes)) === bytes))
  })
})
