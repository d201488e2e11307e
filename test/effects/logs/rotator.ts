/** Rotates a log step by step, as keeper/README.md says that a keeper does: the test stands still between any two steps. */
import { execFileSync } from 'node:child_process'
import { closeSync, fstatSync, openSync, readFileSync, readSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { type Place, placePath, readPlace, writePlace } from '../../../src/effects/logs/place.ts'
import { listSegments, type Segment, segmentPath } from '../../../src/effects/logs/segments.ts'

export const BLOCK = 4096

export type Step = 'renamed' | 'placed' | 'punched' | 'fluxed' | 'collapsed' | 'done'

export class Rotator {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  get place(): Place {
    return readPlace(placePath(this.#path)) ?? expectPlace()
  }

  /** Each whole block that is there now goes into a segment. Stands still after each step. */
  *collapse(): Generator<Step, void, undefined> {
    const { base, head } = this.place
    const to = base + Math.floor(this.#size() / BLOCK) * BLOCK
    this.#copy(head, to)
    yield 'renamed'
    this.#say({ base, head: to, flux: 0 })
    yield 'placed'
    this.#fallocate('--punch-hole', to - base)
    yield 'punched'
    this.#say({ base, head: to, flux: 1 })
    yield 'fluxed'
    this.#fallocate('--collapse-range', to - base)
    yield 'collapsed'
    this.#say({ base: to, head: to, flux: 0 })
    yield 'done'
  }

  /** Where a file system can only punch. */
  punch(): void {
    for (const step of this.collapse()) if (step === 'punched') return
  }

  /** Where a file system can do nothing: the writers stand still meanwhile. */
  *truncate(): Generator<Step, void, undefined> {
    const { base, head } = this.place
    const size = this.#size()
    this.#copy(head, base + size)
    yield 'renamed'
    this.#say({ base, head: base + size, flux: 2, size })
    yield 'fluxed'
    truncateSync(this.#path)
    yield 'collapsed'
    this.#say({ base: base + size, head: base + size, flux: 0 })
    yield 'done'
  }

  rotate(): void {
    for (const _ of this.collapse());
  }

  /** The plain file goes when the other one is there. */
  compress(segment: Segment, inBetween = () => {}): void {
    const packed = segmentPath(this.#path, { ...segment, coding: 'gzip' })
    writeFileSync(`${packed}.tmp`, gzipSync(readFileSync(segment.path)), { mode: 0o600 })
    renameSync(`${packed}.tmp`, packed)
    inBetween()
    rmSync(segment.path)
  }

  get segments(): readonly Segment[] {
    return listSegments(this.#path)
  }

  #size(): number {
    return this.#withFile((fd) => fstatSync(fd).size)
  }

  #copy(from: number, to: number): void {
    const { base } = this.place
    const data = Buffer.alloc(to - from)
    this.#withFile((fd) => readSync(fd, data, 0, data.length, from - base))
    const path = segmentPath(this.#path, { from, to, coding: 'plain' })
    writeFileSync(`${path}.tmp`, data, { mode: 0o600 })
    renameSync(`${path}.tmp`, path)
  }

  #say(change: Partial<Place>): void {
    const ino = this.#withFile((fd) => String(fstatSync(fd, { bigint: true }).ino))
    writePlace(placePath(this.#path), { ...this.place, ino, size: 0, ...change })
  }

  #fallocate(how: '--punch-hole' | '--collapse-range', length: number): void {
    execFileSync('fallocate', [how, '--offset', '0', '--length', String(length), this.#path])
  }

  #withFile<T>(use: (fd: number) => T): T {
    const fd = openSync(this.#path, 'r')
    try {
      return use(fd)
    } finally {
      closeSync(fd)
    }
  }
}

function expectPlace(): never {
  throw new Error('the place is damaged')
}
