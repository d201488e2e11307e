import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RingBuffer } from '../src/index.ts'

const written = fc.array(fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.uint8Array({ maxLength: 40 })), { maxLength: 20 })

describe('a ring buffer', () => {
  it('holds the last bytes of all that was written, whatever was written', () => {
    fc.assert(
      fc.property(written, fc.integer({ min: 1, max: 100 }), (parts, maxBytes) => {
        const ring = new RingBuffer({ maxBytes })
        for (const part of parts) ring.write(part)
        const all = Buffer.concat(parts.map((part) => Buffer.from(part as Uint8Array)))
        expect(ring.toBuffer()).toEqual(all.subarray(-maxBytes))
        expect(ring.bytes).toBe(Math.min(all.length, maxBytes))
        expect(ring.droppedBytes).toBe(all.length - ring.bytes)
      }),
    )
  })

  it('gives whole characters, of any text in any pieces', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 200 }),
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 9 }),
        (text, maxBytes, piece) => {
          const ring = new RingBuffer({ maxBytes })
          const bytes = Buffer.from(text)
          for (let at = 0; at < bytes.length; at += piece) ring.write(bytes.subarray(at, at + piece))
          const held = ring.toString()
          expect(text.endsWith(held)).toBe(true)
          expect(held).not.toContain('\ufffd')
          expect(maxBytes - Buffer.byteLength(held)).toBeLessThan(text === held ? maxBytes + 1 : 4)
        },
      ),
    )
  })

  it('goes on growing to its full size, and round from there', () => {
    const ring = new RingBuffer({ maxBytes: 10_000 })
    const lines = Array.from({ length: 5_000 }, (_, n) => `line ${n}\n`)
    for (const line of lines) ring.write(line)
    expect(ring.toString()).toBe(lines.join('').slice(-10_000))
    expect(ring.bytes).toBe(10_000)
  })

  it('takes what is larger than itself', () => {
    const ring = new RingBuffer(5)
    ring.write('0123456789')
    expect(ring.toString()).toBe('56789')
    expect(ring.droppedBytes).toBe(5)
    ring.write(Buffer.from('abcdefg'))
    expect(ring.toString()).toBe('cdefg')
  })

  it('leaves out a character whose end has not come yet, and shows what is no character', () => {
    const ring = new RingBuffer(10)
    const euro = Buffer.from('€')
    ring.write('5 ')
    ring.write(euro.subarray(0, 2))
    expect(ring.toString()).toBe('5 ')
    ring.write(euro.subarray(2))
    expect(ring.toString()).toBe('5 €')
    ring.write(Uint8Array.of(0xff))
    expect(ring.toString()).toBe('5 €\ufffd')
  })

  it('is empty again after clear', () => {
    const ring = new RingBuffer({ maxBytes: 4 })
    ring.write('abcdef')
    ring.clear()
    expect([ring.toString(), ring.bytes, ring.droppedBytes]).toEqual(['', 0, 6])
    ring.write('gh')
    expect(ring.toString()).toBe('gh')
  })

  it('does not hold on to what was written, nor give it away', () => {
    const ring = new RingBuffer({ maxBytes: 4 })
    const data = Buffer.from('abcd')
    ring.write(data)
    data.fill('x')
    ring.toBuffer().fill('y')
    expect(ring.toString()).toBe('abcd')
  })

  it('holds 1 MiB unless told otherwise', () => {
    expect(new RingBuffer().maxBytes).toBe(1_048_576)
    expect(new RingBuffer({}).maxBytes).toBe(1_048_576)
  })

  it.each([0, -1, 1.5, Number.NaN, 2 ** 28 + 1, '64', null])('refuses %s as its size', (maxBytes) => {
    expect(() => new RingBuffer({ maxBytes: maxBytes as number })).toThrow(expect.objectContaining({ code: 'PROCMAN_INVALID_ARGUMENT' }))
  })

  it.each([1, null, undefined, {}, ['a']])('refuses to hold %s', (data) => {
    expect(() => new RingBuffer().write(data as string)).toThrow(expect.objectContaining({ code: 'PROCMAN_INVALID_ARGUMENT' }))
  })
})
