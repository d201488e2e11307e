import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ProcmanError } from '../../src/errors.ts'
import { type Layout, layoutOf } from '../../src/persistence/layout.ts'
import { createSlices } from '../../src/persistence/slices.ts'
import { listIds, prepareStateDir, readState, removeUnpromised } from '../../src/persistence/state-dir.ts'
import { Store } from '../../src/persistence/store.ts'
import { aContext, aSpec, EPOCH_MS } from '../machines/fixtures.ts'

let root: string
let layout: Layout
let store: Store
let troubles: { id: string; error: ProcmanError }[]
let isHeld: boolean

beforeEach(() => {
  root = join(mkdtempSync(join(tmpdir(), 'procman-store-')), 'state')
  layout = layoutOf(root)
  prepareStateDir(layout)
  troubles = []
  isHeld = true
  store = new Store(layout, {
    nowMs: () => EPOCH_MS,
    slices: createSlices(),
    holdsDirectory: () => isHeld,
    onTrouble: (id, _path, error) => troubles.push({ id, error }),
  })
})
afterEach(() => {
  vi.useRealTimers()
  store.close()
  rmSync(join(root, '..'), { recursive: true, force: true })
})

const snapshotOf = (run: number) => ({ value: 'pending', context: aContext({ run }) })
/** Puts a file in the place of the process's directory. @returns a function that puts it back */
function takeAway(id = 'web'): () => void {
  const path = layout.jobDir(id)
  renameSync(path, join(root, 'away'))
  writeFileSync(path, '')
  return () => {
    rmSync(path)
    renameSync(join(root, 'away'), path)
  }
}

const modeOf = (path: string) => statSync(path).mode & 0o777

/** The run number that is on disk; null while nothing readable is. */
function savedRun(id = 'web'): number | null {
  const found = readState(layout, id)
  return found.kind === 'ok' ? found.snapshot.context.run : null
}

describe('the state directory', () => {
  it('is made for its owner’s eyes only, also when its parents are missing', () => {
    const deep = layoutOf(join(root, 'a', 'b'))
    prepareStateDir(deep)
    expect([deep.root, deep.jobs].map(modeOf)).toEqual([0o700, 0o700])
  })

  it('is made private again when others could look into it', () => {
    chmodSync(layout.jobs, 0o755)
    prepareStateDir(layout)
    expect(modeOf(layout.jobs)).toBe(0o700)
  })

  it('that is a file is refused with the reason', () => {
    writeFileSync(join(root, 'file'), '')
    expect(() => prepareStateDir(layoutOf(join(root, 'file')))).toThrow(expect.objectContaining({ code: 'PROCMAN_STATE_DIR_UNUSABLE' }))
    writeFileSync(join(root, 'odd'), '')
    expect(() => listIds({ ...layout, jobs: join(root, 'odd') })).toThrow(expect.objectContaining({ code: 'PROCMAN_STATE_DIR_UNUSABLE' }))
  })

  it('lists the processes in it in order, and nothing that cannot be one', () => {
    for (const name of ['b', 'a', '.hidden', 'no id', '-x']) mkdirSync(join(layout.jobs, name))
    expect(listIds(layout)).toEqual(['a', 'b'])
    expect(listIds(layoutOf(join(root, 'nowhere')))).toEqual([])
  })
})

describe('a new process', () => {
  it('gets a directory of its own, once', () => {
    store.create('web')
    expect(modeOf(layout.jobDir('web'))).toBe(0o700)
    writeFileSync(join(layout.jobDir('web'), 'state.json'), '')
    expect(() => store.create('web')).toThrow(expect.objectContaining({ code: 'PROCMAN_PROCESS_EXISTS', details: { id: 'web' } }))
    writeFileSync(layout.jobDir('file'), '')
    expect(() => store.create('file')).toThrow(expect.objectContaining({ code: 'PROCMAN_PROCESS_EXISTS' }))
  })

  it('gets one that was left empty', () => {
    mkdirSync(layout.jobDir('web'), { mode: 0o777 })
    store.create('web')
    expect(modeOf(layout.jobDir('web'))).toBe(0o700)
  })

  it('that cannot have one is refused with the reason', () => {
    rmSync(layout.jobs, { recursive: true })
    isHeld = false
    expect(() => store.create('web')).toThrow(
      expect.objectContaining({ code: 'PROCMAN_STATE_NOT_SAVED', details: expect.objectContaining({ errno: 'ENOENT' }) }),
    )
    isHeld = true
    store.create('web')
    expect(listIds(layout)).toEqual(['web'])
  })
})

describe('saving', () => {
  beforeEach(() => store.create('web'))

  it('writes the state whole, for its owner’s eyes only, and leaves nothing beside it', async () => {
    store.save('web', () => snapshotOf(1))
    await store.saved('web')
    expect(savedRun()).toBe(1)
    expect(modeOf(layout.stateFile('web'))).toBe(0o600)
    expect(readdirSync(layout.jobDir('web'))).toEqual(['state.json'])
    expect(JSON.parse(readFileSync(layout.stateFile('web'), 'utf8'))).toMatchObject({ format: 4, savedAt: '2030-01-01T00:00:00.000Z' })
  })

  it('many times writes once, the last state', async () => {
    let asked = 0
    for (let run = 1; run <= 1_000; run++) {
      store.save('web', () => {
        asked += 1
        return snapshotOf(run)
      })
    }
    await store.saved('web')
    expect(savedRun()).toBe(1_000)
    expect(asked).toBe(1)
  })

  it('is over for all who wait, at once where nothing is marked', async () => {
    store.save('web', () => snapshotOf(1))
    await Promise.all([store.saved('web'), store.saved('web'), store.saved('other')])
    expect(savedRun()).toBe(1)
  })

  it('replaces by rename: who has the old file open keeps reading the old state', async () => {
    store.save('web', () => snapshotOf(1))
    await store.saved('web')
    const before = statSync(layout.stateFile('web')).ino
    store.save('web', () => snapshotOf(2))
    await store.saved('web')
    expect(statSync(layout.stateFile('web')).ino).not.toBe(before)
  })

  it('can be had at once', () => {
    store.save('web', () => snapshotOf(7))
    store.flush()
    expect(savedRun()).toBe(7)
  })

  it('that fails is told to who waits and reported, leaves the old state, and heals by itself', async () => {
    store.save('web', () => snapshotOf(1))
    await store.saved('web')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const giveBack = takeAway()
    store.save('web', () => snapshotOf(2))
    await expect(store.saved('web')).rejects.toMatchObject({ code: 'PROCMAN_STATE_NOT_SAVED', details: { errno: 'ENOTDIR' } })
    expect(troubles).toEqual([]) // somebody was told
    store.save('web', () => snapshotOf(3))
    await vi.waitFor(() => expect(troubles).toMatchObject([{ id: 'web' }]))
    const healed = store.saved('web')
    giveBack()
    expect(savedRun()).toBe(1)
    vi.advanceTimersByTime(1_000)
    await healed
    expect(savedRun()).toBe(3)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that fails for one harms no other', async () => {
    store.create('db')
    takeAway()
    store.save('web', () => snapshotOf(1))
    store.save('db', () => ({ value: 'pending', context: { ...aContext({ run: 4 }), spec: { ...aContext().spec, id: 'db' } } }))
    const failed = expect(store.saved('web')).rejects.toMatchObject({ code: 'PROCMAN_STATE_NOT_SAVED' })
    await store.saved('db')
    await failed
    expect(savedRun('db')).toBe(4)
  })

  it('of a state that cannot be made into text is a failure like others', async () => {
    store.save('web', () => ({ value: 1n }))
    await expect(store.saved('web')).rejects.toMatchObject({ code: 'PROCMAN_STATE_NOT_SAVED' })
  })

  it.each([
    ['the process', () => layout.jobDir('web')],
    ['all processes', () => layout.jobs],
    ['the manager', () => layout.root],
  ])('puts back the directory of %s when somebody has deleted it, and tells', async (_, path) => {
    rmSync(path(), { recursive: true })
    store.save('web', () => snapshotOf(1))
    await store.saved('web')
    expect(savedRun()).toBe(1)
    expect(modeOf(layout.jobDir('web'))).toBe(0o700)
    expect(troubles).toMatchObject([{ id: 'web', error: { message: expect.stringContaining(`${layout.jobDir('web')} was deleted`) } }])
  })

  it('puts nothing back into a directory that another manager has meanwhile', async () => {
    isHeld = false
    rmSync(layout.jobDir('web'), { recursive: true })
    store.save('web', () => snapshotOf(1))
    await expect(store.saved('web')).rejects.toMatchObject({ details: { errno: 'ENOENT' } })
    store.save('web', () => snapshotOf(2))
    const waiting = store.saved('web')
    expect(store.abandon()).toEqual(['web'])
    await expect(waiting).rejects.toMatchObject({ code: 'PROCMAN_STATE_NOT_SAVED' })
    expect(existsSync(layout.jobDir('web'))).toBe(false)
  })

  it.each([
    ['a directory', (path: string) => mkdirSync(path)],
    ['a FIFO', (path: string) => execFileSync('mkfifo', [path])],
    ['a link to somewhere else', (path: string) => symlinkSync(join(root, 'foreign'), path)],
    ['what a killed manager left', (path: string) => writeFileSync(path, 'half')],
  ])('is not misled by %s in the place of its temporary file', async (_, make) => {
    writeFileSync(join(root, 'foreign'), 'foreign')
    make(`${layout.stateFile('web')}.tmp`)
    store.save('web', () => snapshotOf(1))
    await store.saved('web')
    expect(savedRun()).toBe(1)
    expect(readdirSync(layout.jobDir('web'))).toEqual(['state.json'])
    expect(readFileSync(join(root, 'foreign'), 'utf8')).toBe('foreign')
  })

  it('moves a directory that lies in the place of the state aside, and tells', async () => {
    mkdirSync(join(layout.stateFile('web'), 'precious'), { recursive: true })
    store.save('web', () => snapshotOf(1))
    await store.saved('web')
    expect(savedRun()).toBe(1)
    expect(readdirSync(join(layout.quarantine, readdirSync(layout.quarantine)[0] ?? ''))).toEqual(['precious'])
    expect(troubles).toMatchObject([{ id: 'web' }])
  })

  it('of a process that is being removed is over for who waits: they waited for ever', async () => {
    store.save('web', () => snapshotOf(1))
    const waiting = store.saved('web')
    store.forget('web')
    await waiting
    expect(existsSync(layout.stateFile('web'))).toBe(false)
  })

  it('is done for all when the store is closed', () => {
    store.save('web', () => snapshotOf(5))
    store.close()
    expect(savedRun()).toBe(5)
  })
})

describe('saving soon', () => {
  const LAZY_MS = 1_000
  const LAZY_COUNT = 20

  beforeEach(() => {
    store.create('web')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })

  const written = () => vi.waitFor(() => expect(existsSync(layout.stateFile('web'))).toBe(true))

  it('is not written at once, but within seconds', async () => {
    store.saveSoon('web', () => snapshotOf(1))
    vi.advanceTimersByTime(LAZY_MS - 1)
    await new Promise(setImmediate)
    expect(savedRun()).toBeNull()
    vi.advanceTimersByTime(1)
    await written()
    expect(savedRun()).toBe(1)
  })

  it('many times, and of many processes, waits once and writes each once, the last state', async () => {
    store.create('db')
    let asked = 0
    for (let run = 1; run <= 1_000; run++) {
      store.saveSoon('web', () => {
        asked += 1
        return snapshotOf(run)
      })
      store.saveSoon('db', () => ({ value: 'pending', context: aContext({ run, spec: aSpec({ id: 'db' }) }) }))
    }
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(LAZY_MS)
    await vi.waitFor(() => expect(savedRun('db')).toBe(1_000))
    await written()
    expect([savedRun(), asked]).toEqual([1_000, 1])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is not put off by more of the same: it waits from the first on', async () => {
    for (let run = 0; run < 5; run++) {
      store.saveSoon('web', () => snapshotOf(run))
      vi.advanceTimersByTime(LAZY_MS / 5)
    }
    await written()
    expect(savedRun()).toBe(4)
  })

  it('of hundreds are written in turn, those first that wait longest', async () => {
    const ids = Array.from({ length: 3 * LAZY_COUNT }, (_, index) => `p${index}`)
    const isWritten = (id: string) => existsSync(layout.stateFile(id))
    for (const id of ids) store.create(id)
    for (const id of ids) store.saveSoon(id, () => ({ value: 'pending', context: aContext({ spec: aSpec({ id }) }) }))
    for (const id of ids.slice(0, 5)) store.saveSoon(id, () => ({ value: 'pending', context: aContext({ spec: aSpec({ id }) }) })) // they do not lose their place
    for (let turn = 1; turn <= 3; turn++) {
      vi.advanceTimersByTime(LAZY_MS)
      await vi.waitFor(() => expect(ids.filter(isWritten)).toEqual(ids.slice(0, turn * LAZY_COUNT)))
    }
    expect(vi.getTimerCount()).toBe(0)
  })

  it('again after it was written is written again', async () => {
    for (const run of [1, 2]) {
      store.saveSoon('web', () => snapshotOf(run))
      vi.advanceTimersByTime(LAZY_MS)
      await vi.waitFor(() => expect(savedRun()).toBe(run))
    }
  })

  it('is superseded by a change that matters, which is written at once', async () => {
    store.saveSoon('web', () => snapshotOf(1))
    store.save('web', () => snapshotOf(2))
    await store.saved('web')
    expect(savedRun()).toBe(2)
    rmSync(layout.stateFile('web'))
    vi.advanceTimersByTime(LAZY_MS)
    await new Promise(setImmediate)
    expect(existsSync(layout.stateFile('web'))).toBe(false) // nothing was left to be written
  })

  it('after a change that matters goes with it', async () => {
    store.save('web', () => snapshotOf(1))
    store.saveSoon('web', () => snapshotOf(2))
    await store.saved('web')
    expect(savedRun()).toBe(2)
  })

  it('is written at once when somebody waits for it', async () => {
    store.saveSoon('web', () => snapshotOf(3))
    await store.saved('web')
    expect(savedRun()).toBe(3)
  })

  it.each([
    ['flushed', () => store.flush()],
    ['closed', () => expect(store.close()).toEqual([])],
  ])('is done for all when the store is %s', (_name, act) => {
    store.saveSoon('web', () => snapshotOf(4))
    act()
    expect(savedRun()).toBe(4)
  })

  it('leaves no timer behind when the store is closed, or the directory let go', () => {
    store.saveSoon('web', () => snapshotOf(4))
    expect(store.abandon()).toEqual(['web'])
    expect(vi.getTimerCount()).toBe(0)
    expect(savedRun()).toBeNull()
  })

  it('of a process that is being removed is over', async () => {
    store.saveSoon('web', () => snapshotOf(1))
    store.forget('web')
    vi.advanceTimersByTime(LAZY_MS)
    await new Promise(setImmediate)
    expect(savedRun()).toBeNull()
  })

  it('that fails is told, since nobody waits for it, and heals by itself', async () => {
    const giveBack = takeAway()
    store.saveSoon('web', () => snapshotOf(1))
    vi.advanceTimersByTime(LAZY_MS)
    await vi.waitFor(() => expect(troubles).toMatchObject([{ id: 'web', error: { code: 'PROCMAN_STATE_NOT_SAVED' } }]))
    giveBack()
    vi.advanceTimersByTime(1_000)
    await written()
    expect(savedRun()).toBe(1)
  })
})

describe('reading a state', () => {
  beforeEach(() => store.create('web'))

  it('that is not there finds an empty process', () => {
    expect(readState(layout, 'web')).toEqual({ kind: 'empty', id: 'web', path: layout.jobDir('web') })
    expect(readState(layout, 'nobody').kind).toBe('empty')
  })

  it.each([
    ['a directory', (path: string) => mkdirSync(path), 'it is not a regular file'],
    ['a FIFO that nobody writes to', (path: string) => execFileSync('mkfifo', [path]), 'it is not a regular file'],
    ['a link to somewhere else', (path: string) => symlinkSync('/etc/passwd', path), 'it is a symbolic link'],
    ['nonsense', (path: string) => writeFileSync(path, 'nonsense'), 'it is not JSON'],
    ['nothing', (path: string) => writeFileSync(path, ''), 'it is not JSON'],
    ['a newer version’s', (path: string) => writeFileSync(path, '{"format":99}'), 'its format is 99'],
  ])('that is %s is damaged, with the reason', (_name, make, reason) => {
    make(layout.stateFile('web'))
    expect(readState(layout, 'web')).toMatchObject({ kind: 'damaged', id: 'web', path: layout.stateFile('web'), reason: expect.stringContaining(reason) })
  })
})

describe('removing', () => {
  it('takes the whole directory away, also one that is gone', async () => {
    store.create('web')
    store.save('web', () => snapshotOf(1))
    store.flush()
    await store.remove('web')()
    await store.remove('web')()
    expect(listIds(layout)).toEqual([])
    expect(readdirSync(layout.trash)).toEqual([])
  })

  it('does not bring a state back that was still to be written', async () => {
    store.create('web')
    store.save('web', () => snapshotOf(1))
    await store.remove('web')()
    store.flush()
    expect(existsSync(layout.jobDir('web'))).toBe(false)
  })

  it('that was cut off is finished by the next manager', async () => {
    mkdirSync(join(layout.trash, 'web.x', 'deep'), { recursive: true })
    await store.emptyTrash()
    expect(readdirSync(layout.trash)).toEqual([])
  })

  it('of a directory in which nothing was promised copes with one that is gone', () => {
    store.create('web')
    removeUnpromised(layout.jobDir('web'))
    removeUnpromised(layout.jobDir('web'))
    expect(listIds(layout)).toEqual([])
  })
})

describe('quarantine', () => {
  it('keeps what could not be read', () => {
    store.create('web')
    writeFileSync(layout.stateFile('web'), 'nonsense')
    const movedTo = store.quarantine(layout.stateFile('web'), 'web.state.json')
    expect(movedTo).toMatch(new RegExp(`^${layout.quarantine}/web\\.state\\.json\\.${EPOCH_MS}\\.[0-9a-f]{8}$`))
    expect(readFileSync(movedTo, 'utf8')).toBe('nonsense')
    expect(modeOf(layout.quarantine)).toBe(0o700)
    expect(readState(layout, 'web').kind).toBe('empty')
  })
})
