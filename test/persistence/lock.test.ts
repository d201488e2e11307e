import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type LockPorts, type LockResult, readHolder, releaseLock, sweepLockLeftovers, takeLock } from '../../src/persistence/lock.ts'
import type { Identity } from '../../src/types.ts'

const DEAD: Identity = { pid: 999_999, start: '1', boot: 'this' }
const NONCE = 'a'.repeat(24)

let dir: string
let path: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'procman-lock-'))
  path = join(dir, 'manager.lock')
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** A manager in a pretended machine: only those that are named live. */
const manager = (pid: number, living: readonly number[] = [pid]): LockPorts => ({
  self: () => ({ pid, start: `s${pid}`, boot: 'this' }),
  isAlive: (identity) => living.includes(identity.pid) && identity.boot === 'this' && identity.start === `s${identity.pid}`,
})

const lockOf = (identity: Identity, nonce = NONCE) => JSON.stringify({ v: 1, ...identity, nonce })
const held = (result: LockResult): string => {
  if (result.kind !== 'held') throw new Error(`refused because of ${JSON.stringify(result.holder)}`)
  return result.nonce
}

describe('the lock', () => {
  it('is taken where nobody has it, for its owner’s eyes only, and leaves nothing beside it', () => {
    const nonce = held(takeLock(path, manager(11)))
    expect(readHolder(path)).toEqual({ identity: { pid: 11, start: 's11', boot: 'this' }, nonce })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(dir)).toEqual(['manager.lock'])
  })

  it('is refused while its holder lives, and names the holder', () => {
    takeLock(path, manager(11))
    const before = readFileSync(path, 'utf8')
    expect(takeLock(path, manager(12, [11, 12]))).toEqual({ kind: 'refused', holder: { pid: 11, start: 's11', boot: 'this' } })
    expect(readFileSync(path, 'utf8')).toBe(before)
    expect(readdirSync(dir)).toEqual(['manager.lock'])
  })

  it.each([
    ['a dead holder', lockOf(DEAD)],
    ['a holder whose pid is somebody else’s now', lockOf({ pid: 12, start: 'another start', boot: 'this' })],
    ['a holder from before the reboot', lockOf({ pid: 12, start: 's12', boot: 'before' })],
    ['nobody: it is empty', ''],
    ['nobody: it is no JSON', 'nonsense'],
    ['nobody: it is null', 'null'],
    ['nobody: it lacks its parts', '{"pid":12}'],
    ['nobody: its nonce is a path', JSON.stringify({ pid: 12, start: 's12', boot: 'this', nonce: '../../../x' })],
    ['nobody: it is binary', Buffer.from([0, 255, 128]).toString('latin1')],
  ])('is taken over from %s', (_name, text) => {
    writeFileSync(path, text)
    const nonce = held(takeLock(path, manager(12)))
    expect(readHolder(path)?.nonce).toBe(nonce)
    expect(readdirSync(dir)).toEqual(['manager.lock'])
  })

  it.each([1, 2, 3])('is taken over also when %i takers died in the middle of it', (depth) => {
    let right = path
    writeFileSync(path, lockOf(DEAD))
    for (let level = 0; level < depth; level++) {
      right = `${right}.after-${String(level).repeat(24)}`
      writeFileSync(right, lockOf(DEAD, String(level + 1).repeat(24)))
    }
    writeFileSync(path, lockOf(DEAD, '0'.repeat(24)))
    const nonce = held(takeLock(path, manager(12)))
    expect(readHolder(path)?.nonce).toBe(nonce)
    sweepLockLeftovers(path, manager(12))
    expect(readdirSync(dir)).toEqual(['manager.lock'])
  })

  it('is taken over also when the right to do so is damaged', () => {
    writeFileSync(path, lockOf(DEAD))
    writeFileSync(`${path}.after-${NONCE}`, '')
    held(takeLock(path, manager(12)))
  })

  it('whose taking over somebody alive is busy with is refused, in that one’s name', () => {
    writeFileSync(path, lockOf(DEAD))
    writeFileSync(`${path}.after-${NONCE}`, lockOf({ pid: 11, start: 's11', boot: 'this' }, 'b'.repeat(24)))
    expect(takeLock(path, manager(12, [11, 12]))).toMatchObject({ kind: 'refused', holder: { pid: 11 } })
  })
})

describe('giving the lock back', () => {
  it('removes it', () => {
    releaseLock(path, held(takeLock(path, manager(11))))
    expect(existsSync(path)).toBe(false)
  })

  it('leaves alone what is another holder’s by now, and copes with none', () => {
    const old = held(takeLock(path, manager(11)))
    const nonce = held(takeLock(path, manager(12)))
    releaseLock(path, old)
    expect(readHolder(path)?.nonce).toBe(nonce)
    releaseLock(path, nonce)
    releaseLock(path, nonce)
    expect(existsSync(path)).toBe(false)
  })
})

describe('sweeping beside the lock', () => {
  it('removes what the dead have left and nothing else', () => {
    takeLock(path, manager(11))
    writeFileSync(`${path}.new-1`, lockOf(DEAD))
    writeFileSync(`${path}.after-${NONCE}`, lockOf(DEAD))
    writeFileSync(`${path}.new-2`, lockOf({ pid: 12, start: 's12', boot: 'this' }))
    writeFileSync(join(dir, 'manager.lockfile'), 'not ours')
    mkdirSync(join(dir, 'jobs'))
    sweepLockLeftovers(path, manager(11, [11, 12]))
    expect(readdirSync(dir).sort()).toEqual(['jobs', 'manager.lock', 'manager.lock.new-2', 'manager.lockfile'])
  })

  it('spares a file that a racer has only begun to write: without it the racer failed instead of being refused', () => {
    takeLock(path, manager(11))
    writeFileSync(`${path}.new-3`, '')
    sweepLockLeftovers(path, manager(11))
    expect(existsSync(`${path}.new-3`)).toBe(true)
    utimesSync(`${path}.new-3`, 1, 1)
    sweepLockLeftovers(path, manager(11))
    expect(existsSync(`${path}.new-3`)).toBe(false)
  })
})

interface Answer {
  readonly pid: number
  readonly result: LockResult | { readonly kind: 'failed'; readonly message: string }
}

/** A real process that takes locks when it is told to. */
class Racer {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: AsyncIterator<string>

  constructor() {
    this.#child = spawn(process.execPath, [fileURLToPath(new URL('./lock-child.mjs', import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  async answer(): Promise<Answer> {
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error('a racer is gone: was the project built?')
    return JSON.parse(value)
  }

  tell(order: { readonly path: string; readonly atMs: number }): void {
    this.#child.stdin.write(`${JSON.stringify(order)}\n`)
  }

  /** Ends it; by `kill -9` it has no chance to let go. */
  async end(how: 'SIGKILL' | 'eof'): Promise<void> {
    const over = once(this.#child, 'exit')
    if (how === 'eof') this.#child.stdin.end()
    else this.#child.kill(how)
    await over
  }
}

describe('with 20 managers that start at the same instant', () => {
  const ROUNDS = 5
  let racers: Racer[] = []
  let graveyard: string
  let stale: string

  beforeAll(async () => {
    graveyard = mkdtempSync(join(tmpdir(), 'procman-lock-dead-'))
    stale = join(graveyard, 'manager.lock')
    const holder = new Racer()
    await holder.answer()
    holder.tell({ path: stale, atMs: 0 })
    expect((await holder.answer()).result.kind).toBe('held')
    await holder.end('SIGKILL')
    racers = Array.from({ length: 20 }, () => new Racer())
    await Promise.all(racers.map((racer) => racer.answer()))
  }, 60_000)

  afterAll(async () => {
    await Promise.all(racers.map((racer) => racer.end('eof')))
    rmSync(graveyard, { recursive: true, force: true })
  })

  const staleNonce = () => readHolder(stale)?.nonce ?? ''

  it.each([
    ['on a fresh directory', () => {}],
    ['over the stale lock of a killed one', () => copyFileSync(stale, path)],
    ['over a damaged lock', () => writeFileSync(path, '{"pid":')],
    [
      'over a stale lock whose taker was killed in the middle',
      () => {
        copyFileSync(stale, path)
        copyFileSync(stale, `${path}.after-${staleNonce()}`)
      },
    ],
  ])(
    '%s exactly one wins, and the others are told its pid',
    async (_name, prepare) => {
      for (let round = 0; round < ROUNDS; round++) {
        for (const name of readdirSync(dir)) rmSync(join(dir, name))
        prepare()
        const atMs = Date.now() + 50
        for (const racer of racers) racer.tell({ path, atMs })
        const answers = await Promise.all(racers.map((racer) => racer.answer()))
        const winners = answers.filter(({ result }) => result.kind === 'held')
        expect(winners).toHaveLength(1)
        const losers = answers.filter(({ result }) => result.kind !== 'held')
        expect(losers.map(({ result }) => (result.kind === 'refused' ? result.holder.pid : result))).toEqual(losers.map(() => winners[0]?.pid))
        expect(readHolder(path)?.identity.pid).toBe(winners[0]?.pid)
        expect(readdirSync(dir)).toEqual(['manager.lock'])
      }
    },
    60_000,
  )
})
