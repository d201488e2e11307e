/** The order of all that arrives in a state directory. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ArrivalClock } from '../../../../src/effects/logs/arrivals/clock.ts'

const NOW_MS = 1_800_000_000_000

function home(): string {
  const dir = mkdtempSync(join(tmpdir(), 'procman-clock-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return join(dir, 'last-arrival')
}

describe('the clock of arrivals', () => {
  it('tells microseconds since 1970, never the same twice', () => {
    const clock = new ArrivalClock(home(), () => NOW_MS)
    expect([clock.next(), clock.next(), clock.next()]).toEqual([NOW_MS * 1000, NOW_MS * 1000 + 1, NOW_MS * 1000 + 2])
  })

  it('goes on when it is set back', () => {
    let nowMs = NOW_MS
    const clock = new ArrivalClock(home(), () => nowMs)
    const first = clock.next()
    nowMs -= 3_600_000
    expect(clock.next()).toBe(first + 1)
  })

  it('goes on behind an earlier one, also when it was set back between the two', () => {
    for (const byMs of [-3_600_000, -1, 0, 5]) {
      const path = home()
      const before = new ArrivalClock(path, () => NOW_MS)
      const last = before.next()
      before.close()
      const next = new ArrivalClock(path, () => NOW_MS + byMs).next()
      expect(next).toBeGreaterThan(last)
      if (byMs > 0) expect(next).toBe((NOW_MS + byMs) * 1000)
    }
  })

  it('goes on behind one that was killed within a second of its last word', () => {
    const path = home()
    let nowMs = NOW_MS
    const killed = new ArrivalClock(path, () => nowMs)
    killed.next()
    nowMs += 900
    const last = killed.next()
    expect(new ArrivalClock(path, () => NOW_MS - 1).next()).toBeGreaterThan(last)
  })

  it('is raised by what is found in an index', () => {
    const clock = new ArrivalClock(home(), () => NOW_MS)
    clock.raise(NOW_MS * 1000 + 777)
    expect(clock.next()).toBe(NOW_MS * 1000 + 778)
  })

  it.each(['', 'x', '-5', '9'.repeat(16), '1e300'])('does not believe a file that says %j', (text) => {
    const path = home()
    writeFileSync(path, text)
    expect(new ArrivalClock(path, () => NOW_MS).next()).toBe(NOW_MS * 1000)
  })

  it('keeps its file to itself', () => {
    const path = home()
    const clock = new ArrivalClock(path, () => NOW_MS)
    clock.next()
    clock.close()
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })
})
