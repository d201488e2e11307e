import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type LockPorts, type LockResult, readHolder, releaseLock, sweepLockLeftovers, takeLock } from '../../src/persistence/lock.ts'
import { decodeHolder, encodeHolder } from '../../src/persistence/lock-holder.ts'
import type { Identity } from '../../src/types.ts'

const DEAD: Identity = { pid: 999_999, start: '1', boot: 'this' }
const NONCE = 'a'.repeat(16)

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

const putLock = (at: string, identity: Identity, nonce = NONCE) => symlinkSync(encodeHolder({ identity, nonce }), at)
/** As the first locks were. */
const fileOf = (identity: Identity, nonce = 'a'.repeat(24)) => JSON.stringify({ v: 1, ...identity, nonce })
const held = (result: LockResult): string => {
  if (result.kind !== 'held') throw new Error(`refused because of ${JSON.stringify(result.holder)}`)
  return result.nonce
}

describe('the lock', () => {
  it('is taken where nobody has it, and leaves nothing beside it', () => {
    const nonce = held(takeLock(path, manager(11)))
    expect(readHolder(path)).toEqual({ identity: { pid: 11, start: 's11', boot: 'this' }, nonce })
    expect(readdirSync(dir)).toEqual(['manager.lock'])
  })

  it('is refused while its holder lives, and names the holder', () => {
    takeLock(path, manager(11))
    const before = readlinkSync(path)
    expect(takeLock(path, manager(12, [11, 12]))).toEqual({ kind: 'refused', holder: { pid: 11, start: 's11', boot: 'this' } })
    expect(readlinkSync(path)).toBe(before)
    expect(readdirSync(dir)).toEqual(['manager.lock'])
  })

  it.each([
    ['a dead holder', DEAD],
    ['a holder whose pid is somebody else’s now', { pid: 12, start: 'another start', boot: 'this' }],
    ['a holder from before the reboot', { pid: 12, start: 's12', boot: 'before' }],
  ])('is taken over from %s', (_name, identity) => {
    putLock(path, identity)
    const nonce = held(takeLock(path, manager(12)))
    expect(readHolder(path)?.nonce).toBe(nonce)
    expect(readdirSync(dir)).toEqual(['manager.lock'])
  })

  it.each(['', '..', '/etc/passwd', '12:s12:this', '12:s12:this:x', `12:s12:this:${'a'.repeat(17)}`, `-1:s12:this:${NONCE}`, `12:s12:this:${NONCE}/..`])(
    'is taken over from nobody when it is a link to %j, which is not followed',
    (target) => {
      if (target === '') mkdirSync(path)
      else symlinkSync(target, path)
      const nonce = held(takeLock(path, manager(12)))
      expect(readHolder(path)?.nonce).toBe(nonce)
    },
  )

  it.each([
    ['a dead holder, of the first kind', fileOf(DEAD)],
    ['nobody: it is empty', ''],
    ['nobody: it is no JSON', 'nonsense'],
    ['nobody: it is null', 'null'],
    ['nobody: it lacks its parts', '{"pid":12}'],
    ['nobody: its nonce is a path', JSON.stringify({ pid: 12, start: 's12', boot: 'this', nonce: '../../../x' })],
    ['nobody: it is binary', Buffer.from([0, 255, 128]).toString('latin1')],
  ])('that is a file is taken over from %s', (_name, text) => {
    writeFileSync(path, text)
    const nonce = held(takeLock(path, manager(12)))
    expect(readHolder(path)?.nonce).toBe(nonce)
    expect(readdirSync(dir)).toEqual(['manager.lock'])
  })

  it('of the first kind is refused while its holder lives', () => {
    writeFileSync(path, fileOf({ pid: 11, start: 's11', boot: 'this' }))
    expect(takeLock(path, manager(12, [11, 12]))).toEqual({ kind: 'refused', holder: { pid: 11, start: 's11', boot: 'this' } })
  })

  it.each([1, 2, 3])('is taken over also when %i takers died in the middle of it', (depth) => {
    putLock(path, DEAD, '0'.repeat(16))
    for (let level = 0; level < depth; level++) {
      putLock(`${path}.after-${String(level).repeat(16)}`, DEAD, String(level + 1).repeat(16))
    }
    const nonce = held(takeLock(path, manager(12)))
    expect(readHolder(path)?.nonce).toBe(nonce)
    sweepLockLeftovers(path, manager(12))
    expect(readdirSync(dir)).toEqual(['manager.lock'])
  })

  it('is taken over after a hundred takers that died one after the other: the names of their rights do not grow', () => {
    putLock(path, DEAD, '0'.repeat(16))
    const nonces = Array.from({ length: 101 }, (_, n) => n.toString(16).padStart(16, '0'))
    for (const [n, nonce] of nonces.slice(0, -1).entries()) putLock(`${path}.after-${nonce}`, DEAD, nonces[n + 1])
    held(takeLock(path, manager(12)))
    sweepLockLeftovers(path, manager(12))
    expect(readdirSync(dir)).toEqual(['manager.lock'])
  })

  it('is taken over also when the right to do so is damaged', () => {
    putLock(path, DEAD)
    writeFileSync(`${path}.after-${NONCE}`, '')
    held(takeLock(path, manager(12)))
  })

  it('whose taking over somebody alive is busy with is refused, in that one’s name', () => {
    putLock(path, DEAD)
    putLock(`${path}.after-${NONCE}`, { pid: 11, start: 's11', boot: 'this' }, 'b'.repeat(16))
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
    putLock(`${path}.new-1`, DEAD)
    putLock(`${path}.after-${NONCE}`, DEAD)
    putLock(`${path}.new-2`, { pid: 12, start: 's12', boot: 'this' })
    writeFileSync(`${path}.new-3`, '')
    writeFileSync(join(dir, 'manager.lockfile'), 'not ours')
    mkdirSync(join(dir, 'jobs'))
    sweepLockLeftovers(path, manager(11, [11, 12]))
    expect(readdirSync(dir).sort()).toEqual(['jobs', 'manager.lock', 'manager.lock.new-2', 'manager.lockfile'])
  })
})

describe('the text of a lock', () => {
  it('is short enough to need no block of the disk, and keeps who holds it', () => {
    const holder = { identity: { pid: 4_194_304, start: '9999999999', boot: '3f2c9e0a-77aa-4d1b-8c55-0123456789ab' }, nonce: NONCE }
    expect(encodeHolder(holder).length).toBeLessThan(60)
    expect(decodeHolder(encodeHolder(holder))).toEqual(holder)
  })

  it.each(['3F2C9E0A-77AA-4D1B-8C55-0123456789AB', 'this', ''])('keeps a boot that is named %j', (boot) => {
    const holder = { identity: { pid: 2, start: '1.000002', boot }, nonce: NONCE }
    expect(decodeHolder(encodeHolder(holder))).toEqual(holder)
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

  const copyLock = (to: string) => symlinkSync(readlinkSync(stale), to)
  const staleNonce = () => readHolder(stale)?.nonce ?? ''

  it.each([
    ['on a fresh directory', () => {}],
    ['over the stale lock of a killed one', () => copyLock(path)],
    ['over a damaged lock', () => writeFileSync(path, '{"pid":')],
    [
      'over a stale lock whose taker was killed in the middle',
      () => {
        copyLock(path)
        copyLock(`${path}.after-${staleNonce()}`)
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
