/** A short soak, in a process of its own: what a manager holds comes back to where it was. The long one is `npm run soak`. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { IS_FULL } from '../effort.ts'

interface Row {
  readonly name: string
  readonly first: number
  readonly last: number
  readonly isWell: boolean
}

const SOAK = fileURLToPath(new URL('soak.mjs', import.meta.url))

/** @returns what has grown, as `fd file 25 → 45` */
async function grownIn(...options: readonly string[]): Promise<readonly string[]> {
  const args = ['--expose-gc', SOAK, '--json', '--seed', '1', '--clients', '10', ...options]
  const output = await promisify(execFile)(process.execPath, args).catch((error: Error & { code?: unknown; stdout: string; stderr: string }) => {
    if (error.code !== 1 || error.stdout === '') throw new Error(`the soak has failed: ${error.stderr}`)
    return error
  })
  const { rows } = JSON.parse(output.stdout) as { readonly rows: readonly Row[] }
  return rows.filter((row) => !row.isWell).map(({ name, first, last }) => `${name} ${first} → ${last}`)
}

describe.skipIf(process.platform !== 'linux')('a manager that lives long', { timeout: 240_000 }, () => {
  it('is back at its line after each cycle of processes and clients', async () => {
    expect(await grownIn('--cycles', '2', '--size', IS_FULL ? '60' : '20', '--skip', 'vanishing,leavingInTheMiddle')).toEqual([])
  })

  it.runIf(IS_FULL)('is back at its line after clients that vanish without a word', async () => {
    expect(await grownIn('--cycles', '1', '--size', '2', '--at-once', '2', '--looks', '30', '--only', 'vanishing')).toEqual([])
  })

  it.runIf(IS_FULL)('lets go of a watch that is left while it waits', async () => {
    expect(await grownIn('--cycles', '1', '--size', '2', '--at-once', '2', '--looks', '30', '--only', 'leavingInTheMiddle')).toEqual([])
  })

  it('would be seen if it lost a file or a timer, or found no rest', async () => {
    const lost = await grownIn('--cycles', '1', '--size', '2', '--only', 'short', '--clients', '0', '--looks', '1', '--leak', 'file,timer,turns')
    expect(lost).toContainEqual(expect.stringMatching(/^fd file /))
    expect(lost).toContainEqual(expect.stringMatching(/^object Timeout /))
    expect(lost).toContainEqual(expect.stringMatching(/^busy at rest/))
  })
})
