/** Deaths in the middle of a start: of the keeper, of the manager with it, of the spawner. Nothing is executed that is not on record, and nothing twice. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Supervisor } from '../../src/api.ts'
import { type Home, kill, lives, until } from '../e2e/harness.ts'
import { some } from '../effort.ts'
import { hasNativeKeeper, spawnerOf } from './spawner.ts'
import { aHostileHome, inhabitants, quietly, workDir } from './tree.ts'

/** Says that it was executed, with its pid, before anything else. */
const witness = (home: Home, id: string) => ({
  id,
  command: 'sh',
  args: ['-c', 'echo $$ >> "trace-$PROCMAN_ID"; exec sleep 600'],
  cwd: workDir(home),
  stop: { timeoutMs: 300 },
})

const executed = (home: Home, id: string) => home.text(`work/trace-${id}`).split('\n').filter(Boolean).map(Number)

function spin(us: number): void {
  for (const endAt = performance.now() + us / 1_000; performance.now() < endAt; );
}

/** Busy on purpose: it is to be killed while it starts its command. */
function claimant(home: Home, id: string): number {
  const claim = home.jobFile(id, 'run-1.claim')
  for (const giveUpAt = performance.now() + 10_000; performance.now() < giveUpAt; ) {
    if (existsSync(claim)) return JSON.parse(readFileSync(claim, 'utf8')).pid
  }
  throw new Error(`nobody claims run 1 of ${id}`)
}

const offsetsUs = some(
  Array.from({ length: 30 }, (_, n) => n * 60),
  2,
)

/** What was executed lives on and is known, or is gone. */
async function isAccountedFor(home: Home, supervisor: Supervisor, id: string): Promise<void> {
  await until(`${id} is settled or up`, () => supervisor.list().every((record) => record.state !== 'starting'))
  const record = supervisor.list().find((each) => each.id === id)
  const pids = executed(home, id)
  expect(pids.length).toBeLessThanOrEqual(1)
  if (record?.state === 'running') expect([record.keeper_lost, lives(record.pid)]).toEqual([true, true])
  else await until(`nothing of ${id} is left`, () => !pids.some(lives))
  if (record !== undefined) {
    await supervisor.stop(id)
    await until(`nothing of ${id} is left`, () => !pids.some(lives))
    expect(supervisor.get(id)).toMatchObject({ run: 1, pid: null, state: expect.stringMatching(/^(exited|orphaned)$/) })
  }
}

describe('a keeper that is killed while it starts its command', () => {
  // A start whose keeper dies before it can tell costs the patience of two seconds.
  it('under a living manager: the start is refused, or the command is known', async () => {
    const home = aHostileHome()
    const manager = await home.manager()
    const offsets = offsetsUs.filter((_, n) => n % 4 === 0)
    for (const us of offsets) {
      const id = `job-${us}`
      const starting = manager.start(witness(home, id)).catch((error) => error)
      const keeper = claimant(home, id)
      spin(us)
      quietly(() => kill(keeper))
      const result = await starting
      if (result instanceof Error) expect(result).toMatchObject({ code: 'PROCMAN_LAUNCH_FAILED' })
      else await until('the loss is known, or the end', () => !lives(keeper))
      if (result instanceof Error) await until(`nothing of ${id} is left`, () => !executed(home, id).some(lives))
    }
    await manager.kill()
    const supervisor = await home.supervisor()
    for (const us of offsets) {
      const id = `job-${us}`
      if (!supervisor.list().some((each) => each.id === id)) continue
      await until('the loss is known, or the end', () => supervisor.get(id).keeper_lost || supervisor.get(id).pid === null)
      await isAccountedFor(home, supervisor, id)
    }
    expect(inhabitants(home)).toEqual([])
  })

  it('together with its manager: the next one knows what came of it', async () => {
    const home = aHostileHome()
    for (const us of offsetsUs.filter((_, n) => n % 3 === 0)) {
      const id = `job-${us}`
      const manager = await home.manager()
      manager.start(witness(home, id)).catch(() => {})
      const keeper = claimant(home, id)
      spin(us)
      quietly(() => kill(keeper))
      await manager.kill()
      const supervisor = await home.supervisor()
      await until('the loss is known, or the end', () => supervisor.get(id).keeper_lost || supervisor.get(id).pid === null)
      await isAccountedFor(home, supervisor, id)
      await supervisor.close()
    }
    expect(inhabitants(home)).toEqual([])
  })
})

describe.skipIf(!hasNativeKeeper)('the spawner', () => {
  it('that is killed between two starts is not missed', async () => {
    const home = aHostileHome()
    const manager = await home.manager({ keeper: 'native' })
    for (const id of ['a', 'b', 'c']) {
      expect(await manager.start(witness(home, id))).toMatchObject({ state: 'running', run: 1 })
      const spawner = await until('there is a spawner', () => spawnerOf(manager))
      kill(spawner)
      await until('it is gone', () => !lives(spawner))
    }
    expect(inhabitants(home)).toHaveLength(3)
  })

  it('that is killed twice in the middle of 40 starts loses none and doubles none', async () => {
    const home = aHostileHome()
    const manager = await home.manager({ keeper: 'native' })
    const ids = Array.from({ length: 40 }, (_, n) => `job-${n}`)
    const starting = Promise.all(ids.map((id) => manager.start(witness(home, id))))
    for (const count of [5, 20]) {
      await until(`${count} are claimed`, () => ids.filter((id) => existsSync(home.jobFile(id, 'run-1.claim'))).length >= count)
      quietly(() => kill(spawnerOf(manager)))
    }
    const records = await starting
    await until('all have spoken', () => ids.every((id) => executed(home, id).length > 0))
    expect(ids.map((id) => executed(home, id))).toEqual(records.map(({ pid }) => [pid]))
    expect(inhabitants(home)).toHaveLength(40)
  })

  it('that hangs is replaced: what it was asked for is executed, once', async () => {
    const home = aHostileHome()
    const manager = await home.manager({ keeper: 'native' })
    await manager.start(witness(home, 'first'))
    const spawner = await until('there is a spawner', () => spawnerOf(manager))
    kill(spawner, 'SIGSTOP')
    const late = await manager.start(witness(home, 'late'))
    const last = await manager.start(witness(home, 'last'))
    expect(lives(spawner)).toBe(false)
    await until('both have spoken', () => ['late', 'last'].every((id) => executed(home, id).length > 0))
    expect([executed(home, 'late'), executed(home, 'last')]).toEqual([[late.pid], [last.pid]])
  })
})
