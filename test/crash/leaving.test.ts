/** Commands that end by themselves: what they leave behind is stopped, or left, as the spec says; the record tells their own end. */
import { describe, expect, it } from 'vitest'
import type { ProcessInput } from '../../src/api.ts'
import { type Home, inState, kill, until } from '../e2e/harness.ts'
import { aHostileHome, canRun, hasPerl, hostile, inhabitants, isStill, quietly, signed, workDir } from './tree.ts'

interface Leaver {
  readonly name: string
  input(home: Home): ProcessInput
  readonly ends: { readonly exit_code: number | null; readonly signal: string | null; readonly status: string }
  /** How many it leaves behind; undefined: cannot be counted. */
  readonly leaves?: number
}

const completed = { exit_code: 0, signal: null, status: 'completed' }

function shell(script: string) {
  return (home: Home): ProcessInput => {
    const dir = workDir(home)
    return { command: 'sh', args: ['-c', script, 'sh', dir], cwd: dir, stop: { timeoutMs: 300 } }
  }
}

const shellLeavers: readonly Leaver[] = [
  { name: 'setsid', input: shell('setsid sleep 600 & sleep 0.05; exit 0'), ends: completed, leaves: 1 },
  { name: 'nohup', input: shell('nohup sleep 600 > /dev/null 2>&1 & exit 0'), ends: completed, leaves: 1 },
  { name: 'a shell in the background', input: shell('(sleep 600; echo late) & exit 3'), ends: { exit_code: 3, signal: null, status: 'failed' }, leaves: 2 },
]

const perlLeavers: readonly Leaver[] = [
  { name: 'a daemon by the book', input: (home) => hostile(home, 'daemon', [0]), ends: completed, leaves: 1 },
  { name: 'a daemon whose starter failed', input: (home) => hostile(home, 'daemon', [9]), ends: { exit_code: 9, signal: null, status: 'failed' }, leaves: 1 },
  {
    name: 'one that kills its own group',
    input: (home) => hostile(home, 'suicide', ['KILL']),
    ends: { exit_code: null, signal: 'SIGKILL', status: 'failed' },
    leaves: 1,
  },
  {
    name: 'one that terminates its own group',
    input: (home) => hostile(home, 'suicide', ['TERM']),
    ends: { exit_code: null, signal: 'SIGTERM', status: 'failed' },
    leaves: 1,
  },
]

const runaway: Leaver = { name: 'one that runs away by forking and leaving', input: (home) => hostile(home, 'hops'), ends: completed }

const isStopped = async (_: string, variant: 'managed' | 'while nobody manages', leaver: Leaver) => {
  const home = aHostileHome()
  const input = { id: 'leaver', ...leaver.input(home) }
  if (variant === 'managed') {
    const supervisor = await home.supervisor()
    await supervisor.start(input)
    expect(await supervisor.wait('leaver')).toMatchObject({ ...leaver.ends, state: 'exited', keeper_lost: false })
  } else {
    const manager = await home.manager()
    await manager.start(input)
    await manager.kill()
    await until('the keeper has left', () => home.keepers().length === 0)
  }
  expect(inhabitants(home)).toEqual([])
  expect(await isStill(home.path('work/hops'))).toBe(true)
  if (variant === 'managed') return
  const next = await home.supervisor()
  expect(await next.wait('leaver')).toMatchObject({ ...leaver.ends, state: 'exited', keeper_lost: false, run: 1 })
}

const isLeft = async (_: string, leaver: Leaver) => {
  const home = aHostileHome()
  const supervisor = await home.supervisor()
  await supervisor.start({ id: 'leaver', ...leaver.input(home), leftovers: 'leave' })
  expect(await supervisor.wait('leaver')).toMatchObject({ ...leaver.ends, state: 'exited' })
  // What shared a SIGKILL with the command may be a moment behind.
  const left = await until('only what is to be left is left', () => inhabitants(home).length === leaver.leaves && inhabitants(home))
  await supervisor.stop('leaver')
  await supervisor.remove('leaver')
  await supervisor.shutdown()
  expect(inhabitants(home)).toEqual(left)
  for (const pid of left) quietly(() => kill(pid))
  await until('they are gone', () => inhabitants(home).length === 0)
}

const twice = (leavers: readonly Leaver[]) =>
  leavers.flatMap((leaver) => (['managed', 'while nobody manages'] as const).map((variant) => [leaver.name, variant, leaver] as const))
const once = (leavers: readonly Leaver[]) => leavers.map((leaver) => [leaver.name, leaver] as const)

describe('what is left behind is stopped', () => {
  it.each(twice(shellLeavers))('%s, %s', isStopped)
})

describe.skipIf(!hasPerl)('what is left behind is stopped (needs perl)', () => {
  it.each(twice([...perlLeavers, runaway]))('%s, %s', isStopped)

  it('also when the user stops in the middle of it', async () => {
    const home = aHostileHome()
    const supervisor = await home.supervisor()
    await supervisor.start(hostile(home, 'hops', [], { id: 'leaver', stop: { timeoutMs: 3_600_000 } }))
    await inState(supervisor.ref('leaver'), 'stopping')
    expect(await supervisor.stop('leaver', { timeoutMs: 50 })).toMatchObject({ state: 'exited', exit_code: 0 })
    expect(await isStill(home.path('work/hops'))).toBe(true)
  })
})

describe.skipIf(!canRun('setsid', ['true']))('what is left behind is left alone with leftovers: leave', () => {
  it.each(once(shellLeavers))('%s', isLeft)
})

describe.skipIf(!hasPerl)('what is left behind is left alone with leftovers: leave (needs perl)', () => {
  it.each(once(perlLeavers))('%s', isLeft)

  it.each([0, 300])('but a stop by the user ends the whole tree, with a grace of %i ms', async (timeoutMs) => {
    const home = aHostileHome()
    const supervisor = await home.supervisor()
    await supervisor.start(hostile(home, 'brood', [20], { id: 'tree', leftovers: 'leave' }))
    await until('the tree has grown', () => signed(home).length === 21)
    await supervisor.stop('tree', { timeoutMs })
    expect(inhabitants(home)).toEqual([])
  })
})
