import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { renounceRun } from '../../../src/effects/run/renounce.ts'
import { readClaim } from '../../../src/effects/run/run-files.ts'

let jobDir: string
beforeEach(() => {
  jobDir = mkdtempSync(join(tmpdir(), 'procman-renounce-'))
  writeFileSync(file('intent'), 'v=1')
})
afterEach(() => rmSync(jobDir, { recursive: true }))

const file = (name: string) => join(jobDir, `run-1.${name}`)
const CLAIM = JSON.stringify({ v: 1, pid: 11, start: '1', boot: 'b', at: 1 })

describe('a run that is renounced', () => {
  it('is void, for keepers and for later managers', () => {
    expect(renounceRun(jobDir, 1, 7)).toEqual({ kind: 'void' })
    expect(readClaim(jobDir, 1)).toEqual({ kind: 'void', atMs: 7 })
    expect(existsSync(file('intent'))).toBe(true)
  })

  it('but was claimed before goes on', () => {
    writeFileSync(file('claim'), CLAIM)
    expect(renounceRun(jobDir, 1, 7)).toEqual({ kind: 'claimed' })
    expect([readFileSync(file('claim'), 'utf8'), existsSync(file('intent'))]).toEqual([CLAIM, true])
  })

  // What it is without room, with keepers that come late: test/crash/disk-full.test.ts.
  it('where nothing can be written is withdrawn, and says why', () => {
    expect(renounceRun(join(jobDir, 'gone'), 1, 7)).toEqual({ kind: 'withdrawn', errno: 'ENOENT' })
  })
})
