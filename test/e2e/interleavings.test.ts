/** Commands in any order, at the same time. Whatever comes of each: it settles, a stop wins, nothing is left that nobody knows of. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { agreed, aHome, isUp, sleeper, until } from './harness.ts'

const command = fc.record({
  verb: fc.constantFrom('start', 'stop', 'restart', 'launch', 'remove', 'refresh', 'signal'),
  id: fc.constantFrom('a', 'b'),
  /** How many turns of the loop to wait before the next one. */
  turns: fc.nat({ max: 4 }),
})

const expected = /^PROCMAN_(WRONG_STATE|PROCESS_UNKNOWN|PROCESS_EXISTS|LAUNCH_FAILED|SIGNAL_FAILED|CLOSED)$/

describe('commands in any order at the same time', () => {
  it('all settle, a stop wins, and nobody is left whom nobody knows', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 4, maxLength: 14 }), fc.constantFrom('never', 'always'), async (commands, strategy) => {
        const home = aHome()
        const supervisor = await home.supervisor()
        const run = async (verb: (typeof commands)[number]['verb'], id: string): Promise<unknown> => {
          if (verb === 'start') return supervisor.start(sleeper({ id, restart: { strategy, delayMs: 0 }, stop: { timeoutMs: 500 } }))
          if (verb === 'refresh') return supervisor.refresh()
          if (verb === 'signal') return supervisor.signal(id, 'SIGCONT')
          return supervisor[verb](id)
        }
        const answers: Promise<string>[] = []
        for (const { verb, id, turns } of commands) {
          answers.push(
            run(verb, id).then(
              () => 'done',
              (error) => error.code ?? String(error),
            ),
          )
          for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
        }
        const answered = await settled(answers)
        for (const answer of answered) expect(answer === 'done' || expected.test(answer), answer).toBe(true)

        const up = supervisor.list().filter(isUp)
        await until('all are up or down', () => supervisor.list().every((record) => ['running', 'exited', 'pending'].includes(record.state)))
        for (const record of supervisor.list()) agreed(record)
        const known = supervisor.list().flatMap((record) => (record.pid === null ? [] : [record.pid]))
        await until(`nobody but ${known} is there`, () => home.strays().every((stray) => known.includes(stray.pid)))
        const stopped = await settled(up.map((record) => supervisor.stop(record.id)))
        for (const record of stopped) expect(record).toMatchObject({ state: 'exited', status: 'cancelled', pid: null })
        await until('nobody is there', () => home.strays().length === 0)
        expect(supervisor.problems).toEqual([])
      }),
      { numRuns: Number(process.env.PROCMAN_TEST_RUNS ?? 15), endOnFailure: true },
    )
  })
})

function settled<T>(answers: readonly Promise<T>[]): Promise<T[]> {
  const never = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error('something was never answered')), 15_000).unref()
  })
  return Promise.race([Promise.all(answers), never])
}
