/**
 * Random schedules of what users, processes and the death of managers do at the same time. Whatever comes of each: the model in reference.ts allows it.
 * PROCMAN_TEST_RUNS: how many. PROCMAN_TEST_SEED: the schedules of an earlier run again.
 */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { aHome } from '../e2e/harness.ts'
import { IS_FULL } from '../effort.ts'
import { censusOf, type Driver, inManager, inProcess } from './drivers.ts'
import { answersSoFar, type Played, play } from './play.ts'
import { aSchedule, type Schedule } from './schedule.ts'

const RUNS = Number(process.env.PROCMAN_TEST_RUNS ?? (IS_FULL ? 1_000 : 150))
const SEED = Number(process.env.PROCMAN_TEST_SEED ?? Date.now() % 1_000_000_000)
/** How often a schedule is tried again while a failing one is made smaller, which ends after so many tries. */
const [TRIES, SMALLER] = [3, 40]

/** Plays its share of the schedules, one after the other. Returns what has been played. */
async function lane(driver: Driver, schedules: fc.Arbitrary<Schedule>, seed: number, numRuns: number): Promise<readonly Played[]> {
  const census = censusOf(driver.home)
  const over: Played[] = []
  let smaller = -1
  const once = async (schedule: Schedule) => {
    over.push(await play(schedule, { driver, census }))
  }
  const property = fc.asyncProperty(schedules, async (schedule) => {
    if (smaller > SMALLER) return
    for (let tries = smaller < 0 ? 1 : TRIES; tries > 0; tries--) {
      try {
        await once(schedule)
      } catch (error) {
        smaller = Math.max(smaller, 0)
        throw error
      } finally {
        if (smaller >= 0) smaller += 1
      }
    }
  })
  await fc.assert(property, { seed, numRuns })
  return over
}

async function together(drivers: readonly Driver[], schedules: fc.Arbitrary<Schedule>, seed: number, share: number): Promise<void> {
  const numRuns = Math.max(1, Math.ceil((RUNS * share) / drivers.length))
  console.log(`${numRuns * drivers.length} schedules, PROCMAN_TEST_SEED=${SEED} (lanes ${seed} to ${seed + drivers.length - 1})`)
  const lanes = await Promise.allSettled(drivers.map((driver, index) => lane(driver, schedules, seed + index, numRuns)))
  console.log(`answers so far: ${answersSoFar()}`)
  for (const each of lanes) if (each.status === 'rejected') throw each.reason
  const over = lanes.flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
  expect(over.length).toBe(numRuns * drivers.length)
  for (const { trace, text } of over) if (text !== '') expect(readFileSync(trace, 'utf8').trimEnd()).toBe(text)
  for (const { home } of drivers) expect([home.ids(), home.strays()]).toEqual([[], []])
}

const many = (count: number) => Array.from({ length: count }, (_, index) => index)

describe('whatever is done at the same time', { timeout: 180_000 }, () => {
  it('comes out as the model allows, on one supervisor', async () => {
    const driver = await inProcess(aHome())
    await together(
      many(8).map(() => driver),
      aSchedule(),
      SEED,
      0.7,
    )
  }, 900_000)

  it('comes out as the model allows, when the supervisor is closed and opened again', async () => {
    const drivers = await Promise.all(many(6).map(() => inProcess(aHome())))
    await together(drivers, aSchedule(['close', 'close and reopen']), SEED + 100, 0.12)
  }, 900_000)

  it('comes out as the model allows, when managers are killed', async () => {
    const drivers = many(4).map(() => inManager(aHome()))
    onTestFinished(() => Promise.all(drivers.map((driver) => driver.end())).then(() => {}))
    await together(drivers, aSchedule(['crash']), SEED + 200, 0.18)
  }, 900_000)
})
