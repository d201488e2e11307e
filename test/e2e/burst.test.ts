/** kill -9 of the manager at random instants while it starts processes as fast as it can. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { agreed, aHome, DIST, fixture, lives, pause, until } from './harness.ts'

const ROUNDS = 20

describe('a manager that is killed at any instant of a burst of starts', () => {
  const seed = Number(process.env.PROCMAN_TEST_SEED ?? Date.now() % 1_000_000)

  it(`starts nothing twice, loses nothing, and every record agrees with the OS (PROCMAN_TEST_SEED=${seed})`, async () => {
    const home = aHome()
    const random = randomFrom(seed)
    for (let round = 0; round < ROUNDS; round++) {
      const manager = spawn(process.execPath, [fixture('burst.mjs'), DIST, home.stateDir, home.path('witness'), String(round)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await once(manager.stdout, 'data')
      await pause(random() * 60)
      manager.kill('SIGKILL')
      await once(manager, 'exit')

      const supervisor = await home.supervisor()
      await until(`round ${round}: nothing is being started any more`, () => supervisor.list().every((record) => record.state !== 'starting'))
      const records = new Map(supervisor.list().map((record) => [record.id, agreed(record)]))
      await until(`round ${round}: every command has spoken`, () => home.text('witness').split('\n').length > records.size)
      const spoken = home
        .text('witness')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.split(' '))
      const ran = spoken.map(([id]) => id)
      expect(new Set(ran).size, `round ${round}: a command was executed twice`).toBe(ran.length)
      for (const [id = '', run, pid] of spoken) {
        expect(records.get(id), `round ${round}: ${id} runs and nobody knows`).toMatchObject({ state: 'running', run: Number(run), pid: Number(pid) })
        expect(lives(Number(pid))).toBe(true)
      }
      const strays = home.strays().map((stray) => stray.pid)
      expect(strays.sort()).toEqual([...records.values()].map((record) => record.pid).sort())
      expect(supervisor.problems).toEqual([])
      if (round % 5 === 4) {
        for (const record of supervisor.list()) await supervisor.stop(record.id, { timeoutMs: 0 }).then(() => supervisor.remove(record.id))
        writeFileSync(home.path('witness'), '') // on a crowded machine nothing may have been executed yet
      }
      await supervisor.close()
    }
  })
})

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
