/** The manager is killed in the middle of a big change: whoever comes next brings it to the end, and nothing runs twice. */
import { describe, expect, it } from 'vitest'
import type { Supervisor } from '../../src/api.ts'
import type { DesiredProcess } from '../../src/desired.ts'
import type { ApplyReport } from '../../src/manager/contract.ts'
import { aHome, type Home, type Manager, pause, sleeper, until } from '../e2e/harness.ts'
import { IS_FULL } from '../effort.ts'

const ROUNDS = IS_FULL ? 40 : 3
const SIZE = 14

/** Another set each round: some are new, some gone, some changed, some depend on others. */
function listOf(round: number): readonly DesiredProcess[] {
  return Array.from({ length: SIZE }, (_, n) => n)
    .filter((n) => (n + round) % 4 !== 0)
    .map((n) => ({
      ...sleeper(),
      id: `p${n}`,
      env: { VERSION: String(n % 3 === 0 ? 0 : round) },
      labels: { round: String(round) },
      dependsOn: Object.fromEntries(n > 1 && n % 5 === 2 && (n - 1 + round) % 4 !== 0 ? [[`p${n - 1}`, 'started' as const]] : []),
    }))
}

const reconcilerOf = (home: Home) => home.manager({ origin: home.dir } as object, { script: 'reconciler.mjs' })
const apply = (manager: Manager, round: number) => manager.call<ApplyReport>('apply' as keyof Supervisor, listOf(round), {})

describe('a manager that is killed while it applies a change', () => {
  it('is replaced by one that ends it, and leaves alone what is done', async () => {
    const home = aHome()
    for (let round = 0; round < ROUNDS; round++) {
      const first = await reconcilerOf(home)
      const applying = apply(first, round)
      await Promise.race([pause(Math.random() * 150), applying])
      await first.kill()
      const second = await reconcilerOf(home)
      const { failures, warnings } = await apply(second, round)
      expect([failures, warnings], `round ${round}`).toEqual([[], []])
      expect((await apply(second, round)).lines.map(({ action }) => action)).toEqual(listOf(round).map(() => 'keep'))
      await second.kill()
      const running = () => home.strays().map(({ token }) => token)
      await until('each runs once', () => running().length === new Set(running()).size && running().length === listOf(round).length)
      expect([...home.ids()].sort()).toEqual(
        listOf(round)
          .map(({ id }) => id)
          .sort(),
      )
    }
  })
})
