/** Output without a newline, as fast as it can be written: 200 MB, with PROCMAN_TEST_FULL 1 GB. Nothing is lost, and the manager does not grow with it. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { aHome, DIST, fixture, until } from '../e2e/harness.ts'
import { IS_FULL } from '../effort.ts'
import { hasPerl } from './tree.ts'

const MEGABYTES = IS_FULL ? 1_024 : 100
const MAX_GROWTH_BYTES = 64 * 1024 * 1024

/** What test/fixtures/flood.pl writes. */
function expectedHash(): string {
  const hash = createHash('sha256')
  for (let n = 0; n < MEGABYTES * 65_536; n += 4_096) hash.update(Array.from({ length: 4_096 }, (_, i) => `${String(n + i).padStart(15, '0')}.`).join(''))
  return hash.digest('hex')
}

const most = (sizes: readonly number[]) => sizes.reduce((a, b) => Math.max(a, b), 0)

describe.skipIf(!hasPerl)(`${MEGABYTES} MB of output without a newline (needs perl)`, () => {
  it('arrive whole with who attaches and who watches; one that never reads holds up nobody; the manager does not grow', { timeout: 600_000 }, async () => {
    const home = aHome()
    const args = [fixture('flood-manager.mjs'), DIST, home.stateDir, fixture('flood.pl'), String(MEGABYTES)]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    const { attached, watched, rss, exitCode } = JSON.parse(stdout)
    const bytes = MEGABYTES * 1024 * 1024
    const hash = expectedHash()
    expect(exitCode).toBe(0)
    expect(attached).toEqual({ bytes, hash })
    expect(watched).toMatchObject({ bytes, hash, longest: 1024 * 1024, whole: 0, lines: MEGABYTES })
    expect(rss.length).toBeGreaterThanOrEqual(99)
    expect(most(rss.slice(50)) - most(rss.slice(10, 50))).toBeLessThan(MAX_GROWTH_BYTES)
    expect(existsSync(home.jobFile('*', 'stdout.log'))).toBe(false)
    expect(home.ids()).toEqual([])
  })

  it('do not hold up a stop in the middle of it', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start({ command: 'perl', args: [fixture('flood.pl'), '100000'] })
    const stalled = supervisor.attach(id)
    stalled.read(0)
    for await (const line of supervisor.watch(id)) if (line.partial) break
    expect(await supervisor.stop(id)).toMatchObject({ status: 'cancelled', signal: 'SIGTERM' })
    stalled.destroy()
    await supervisor.remove(id)
    await until('nothing of it is left', () => home.strays().length === 0)
  })
})
