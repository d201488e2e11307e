import { networkInterfaces } from 'node:os'
import { beforeEach, describe, expect, it } from 'vitest'
import { PortAllocator } from '../../../src/effects/port/allocator.ts'
import { PortUnavailable } from '../../../src/effects/port/unavailable.ts'
import type { PortSpec } from '../../../src/types.ts'
import { close, freeRange, listen } from './harness.ts'

let allocator: PortAllocator
beforeEach(() => {
  allocator = new PortAllocator()
})

const range = (from: number, to: number, host: string | null = null): PortSpec => ({ from, to, host })
const one = (port: number, host: string | null = null) => range(port, port, host)
const any = range(0, 0)
const assign = (id: string, http: PortSpec, preferred?: number) => allocator.assign(id, { http }, preferred === undefined ? {} : { http: preferred })

async function failure(assigned: Promise<unknown>): Promise<PortUnavailable> {
  const error = await assigned.then(
    (ports) => new Error(`it got ${JSON.stringify(ports)}`),
    (reason: unknown) => reason,
  )
  if (error instanceof PortUnavailable) return error
  throw error
}

describe('a range', () => {
  it('of 200 gives 200 processes at once 200 different ports, and tells the next one who has them', async () => {
    const from = await freeRange(200)
    const spec = range(from, from + 199)
    const given = await Promise.all(Array.from({ length: 200 }, (_, index) => assign(`w${index + 1}`, spec)))
    expect(given.map(({ http }) => http).sort()).toEqual(Array.from({ length: 200 }, (_, index) => from + index))
    const { message } = await failure(assign('late', spec))
    expect(message).toBe(`no port is free for "http" in ${from}-${from + 199}: held by w1 (${from}), w2 (${from + 1}), w3 (${from + 2}) and 197 more`)
  })

  it('leaves out what other programs listen on, and names that', async () => {
    const from = await freeRange(3)
    await listen(from + 1)
    expect(await assign('a', range(from, from + 2))).toEqual({ http: from })
    expect(await assign('b', range(from, from + 2))).toEqual({ http: from + 2 })
    const error = await failure(assign('c', range(from, from + 2)))
    expect(error.message).toBe(
      `no port is free for "http" in ${from}-${from + 2}: held by a (${from}), b (${from + 2}); 1 is in use by another program (${from + 1})`,
    )
    expect(error).toMatchObject({ portName: 'http', errno: 'EADDRINUSE' })
  })

  it('that is all in use names the first ones', async () => {
    const from = await freeRange(4)
    for (let port = from; port < from + 4; port++) await listen(port)
    const { message } = await failure(assign('a', range(from, from + 3)))
    expect(message).toBe(`no port is free for "http" in ${from}-${from + 3}: 4 are in use by other programs (${from}, ${from + 1}, ${from + 2}, …)`)
  })

  it('never gives a port of another range, which get-port falls back to', async () => {
    // What the system gives out by itself: the port that it falls back to would be one of these.
    const wide = range(32_768, 60_999)
    const spec = one(await freeRange(1))
    await assign('a', spec)
    await expect(assign('b', spec)).rejects.toBeInstanceOf(PortUnavailable)
    const ports = await Promise.all(Array.from({ length: 50 }, (_, index) => assign(`w${index}`, wide)))
    expect(new Set(ports.map(({ http }) => http)).size).toBe(50)
  })

  it('comes round to what was given back', async () => {
    const from = await freeRange(2)
    const spec = range(from, from + 1)
    await assign('a', spec)
    await assign('b', spec)
    allocator.release('a')
    expect(await assign('c', spec)).toEqual({ http: from })
    allocator.release('b')
    allocator.release('c')
    expect(await assign('d', spec)).toEqual({ http: from + 1 })
  })
})

describe('one port', () => {
  it('is had, or it is told who has it', async () => {
    const port = await freeRange(1)
    expect(await assign('w1', one(port))).toEqual({ http: port })
    expect((await failure(assign('w2', one(port)))).message).toBe(`port ${port} for "http" is held by process w1`)
    allocator.release('w1')
    const other = await listen(port)
    expect((await failure(assign('w2', one(port)))).message).toBe(`port ${port} for "http" is in use by another program`)
    await close(other)
    expect(await assign('w2', one(port))).toEqual({ http: port })
  })

  it('on an address that this machine does not have says so', async () => {
    const error = await failure(assign('a', one(30_000, '192.0.2.1')))
    expect(error.message).toBe('port 30000 for "http" cannot be bound on 192.0.2.1 (EADDRNOTAVAIL): this machine does not have that address')
    expect(error.errno).toBe('EADDRNOTAVAIL')
  })
})

describe('a port of any number', () => {
  it('is another one for each process', async () => {
    const given = await Promise.all(Array.from({ length: 50 }, (_, index) => assign(`w${index}`, any)))
    expect(new Set(given.map(({ http }) => http)).size).toBe(50)
    for (const { http } of given) expect(http).toBeGreaterThan(1_024)
  })
})

describe('addresses', () => {
  const local = Object.values(networkInterfaces())
    .flat()
    .find((address) => address !== undefined && !address.internal && address.family === 'IPv4')?.address

  it.each(['127.0.0.1', '0.0.0.0', ...(local === undefined ? [] : [local])])('without one, somebody on %s is in the way', async (host) => {
    const port = await freeRange(1)
    await listen(port, host)
    await expect(assign('a', one(port))).rejects.toBeInstanceOf(PortUnavailable)
  })

  it('with one, somebody on another is not', async () => {
    const port = await freeRange(1)
    await listen(port, '127.0.0.2')
    expect(await assign('a', one(port, '127.0.0.1'))).toEqual({ http: port })
    await expect(assign('b', one(port, '127.0.0.2'))).rejects.toBeInstanceOf(PortUnavailable)
  })
})

describe('the port of the last run', () => {
  it('is had again, at once and as often as asked for', async () => {
    const from = await freeRange(3)
    const spec = range(from, from + 2)
    for (let run = 1; run <= 5; run++) {
      expect(await assign('a', spec, from + 1)).toEqual({ http: from + 1 })
      if (run % 2 === 0) allocator.release('a')
    }
  })

  it.each([
    ['of a process that still holds it', false],
    ['of one that has let go of it', true],
  ])('%s is another one when somebody listens there', async (_name, isReleased) => {
    const from = await freeRange(2)
    expect(await assign('a', range(from, from + 1))).toEqual({ http: from })
    if (isReleased) allocator.release('a')
    await listen(from)
    expect(await assign('a', range(from, from + 1), from)).toEqual({ http: from + 1 })
    // What it had before, nobody holds any longer.
    expect((await failure(assign('b', one(from)))).message).toContain('is in use by another program')
  })

  it('is not wanted where another range is', async () => {
    const from = await freeRange(3)
    expect(await assign('a', range(from, from + 1), from + 2)).toEqual({ http: from })
  })

  it('is wanted where any is', async () => {
    const port = await freeRange(1)
    expect(await assign('a', any, port)).toEqual({ http: port })
  })

  it('belongs to whom it was given meanwhile', async () => {
    const from = await freeRange(2)
    await assign('b', one(from))
    expect(await assign('a', range(from, from + 1), from)).toEqual({ http: from + 1 })
  })
})

describe('several ports', () => {
  it('of one process differ, and the narrow ranges come first', async () => {
    const from = await freeRange(2)
    expect(await allocator.assign('a', { wide: range(from, from + 1), narrow: one(from) }, {})).toEqual({ wide: from + 1, narrow: from })
    expect((await failure(allocator.assign('b', { wide: range(from, from + 1) }, {}))).message).toContain(`held by a (${from}), a (${from + 1})`)
  })

  it('are had all or none', async () => {
    const from = await freeRange(2)
    await listen(from + 1)
    await failure(allocator.assign('a', { x: one(from), y: one(from + 1) }, {}))
    expect(await assign('b', one(from))).toEqual({ http: from })
  })

  it('of none are none', async () => {
    expect(await allocator.assign('a', {}, {})).toEqual({})
  })

  it('that cannot be had leave to the process what it has', async () => {
    const from = await freeRange(2)
    await assign('a', one(from))
    await listen(from + 1)
    await failure(assign('a', one(from + 1)))
    expect((await failure(assign('b', one(from)))).message).toBe(`port ${from} for "http" is held by process a`)
  })
})

describe('what restored processes have', () => {
  it('is held, as often as it is said, until it is let go of', async () => {
    const from = await freeRange(2)
    allocator.hold('a', { http: from })
    allocator.hold('a', { http: from })
    expect((await failure(assign('b', one(from)))).message).toBe(`port ${from} for "http" is held by process a`)
    allocator.release('a')
    allocator.release('a')
    expect(await assign('b', one(from))).toEqual({ http: from })
  })

  it('does not take what another one has, nor what was given to it meanwhile', async () => {
    const from = await freeRange(2)
    await assign('a', one(from))
    allocator.hold('b', { http: from })
    allocator.release('b')
    expect((await failure(assign('c', one(from)))).message).toContain('held by process a')
    allocator.hold('a', { http: from + 1 })
    expect((await failure(assign('c', range(from, from + 1)))).message).toContain(`held by a (${from}), a (${from + 1})`)
  })
})

describe('an assignment that is given up', () => {
  it('holds nothing, and does not stop those after it', async () => {
    const port = await freeRange(1)
    const first = assign('a', any)
    const given = allocator.assign('b', { http: one(port) }, {}, AbortSignal.abort(new Error('not any more')))
    const next = assign('c', one(port))
    await expect(given).rejects.toThrow('not any more')
    await first
    expect(await next).toEqual({ http: port })
  })
})

describe('whether others hold a port', () => {
  it.each([[null], ['127.0.0.1']])('is asked of the system, on %s', async (host) => {
    const port = await freeRange(1)
    await allocator.assign('a', { http: one(port, host) }, {})
    expect(await allocator.isHeldByOthers(port, host)).toBe(false)
    const other = await listen(port, '127.0.0.1')
    expect(await allocator.isHeldByOthers(port, host)).toBe(true)
    await close(other)
    expect(await allocator.isHeldByOthers(port, host)).toBe(false)
  })
})
