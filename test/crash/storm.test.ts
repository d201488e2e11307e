/** A short storm in each run of the tests; `npm run storm -- --rounds 1000` is the long one. And the proof that it finds what is wrong when something is. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { IS_FULL } from '../effort.ts'
import { compiler, runStorm, type StormReport } from './storm/index.mjs'

const isPossible = process.platform === 'linux' && compiler() !== undefined

describe.skipIf(!isPossible)('a storm of managers that are killed with SIGKILL (needs Linux and a C compiler)', () => {
  it('loses nothing, starts nothing twice, and knows every end', { timeout: 180_000 }, async () => {
    const report = await runStorm({ rounds: IS_FULL ? 25 : 10 })
    console.log(report.text())
    expect(report.details, `seed ${report.seed}, kept in ${report.dir}`).toEqual([])
    expect(report.violationCount).toBe(0)
    expect(report.killCount).toBeGreaterThan(5)
    expect(report.executions).toBeGreaterThan(30)
    expect(report.adopted).toBeGreaterThan(0)
    expect(report.ends).toBeGreaterThan(30)
    expect(report.unheard).toBe(0)
    expect(report.checks).toBeGreaterThan(5)
    expect(report.lines).toBeGreaterThan(0)
    expect(existsSync(report.dir)).toBe(false)
  })

  it.runIf(IS_FULL)(
    'tells when something is wrong: a run that was executed twice, one whose end nobody tells, a process that nobody knows',
    { timeout: 60_000 },
    async () => {
      let isPlanted = false
      const plantOnce = (now: StormReport) => {
        isPlanted ||= plant(now)
      }
      const report = await runStorm({ rounds: 6, patienceMs: 2_000, onProgress: plantOnce })
      expect(isPlanted).toBe(true)
      onTestFinished(() => rmSync(report.dir, { recursive: true, force: true }))
      expect(report.violations['run-twice']).toBe(1)
      expect(report.violations['unheard-end']).toBe(1)
      expect(report.violations['unknown-process']).toBeGreaterThan(0)
      expect(existsSync(report.dir)).toBe(true)
    },
  )
})

/**
 * Tampers with the storm's own trace, where a run begins twice then, and another one never ends, and starts something under the storm's name, which it ends by itself.
 * @returns false as long as there is no run to tamper with
 */
function plant({ dir }: StormReport): boolean {
  const trace = join(dir, 'trace')
  const [first = '', more] = existsSync(trace) ? readFileSync(trace, 'utf8').split('\n') : []
  if (more === undefined || !first.startsWith('B ')) return false
  const [begun, nonce, id] = first.split(' ')
  appendFileSync(trace, `${first}\n${[begun, nonce, id, 999_000, 1, 77, Date.now() * 1_000].join(' ')}\n`)
  const token = createHash('sha256').update(join(dir, 'state')).digest('hex').slice(0, 16)
  spawn('sleep', ['600'], { env: { PATH: process.env.PATH, PROCMAN_TOKEN: `${token}.p999.1.1` }, stdio: 'ignore' }).unref()
  return true
}
