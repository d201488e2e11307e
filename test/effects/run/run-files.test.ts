/** Readiness by descriptor in the run files: asked for in the intent, told by `ready`. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeIntent } from '../../../src/effects/run/intent-file.ts'
import { readExit, readReady, runFile, staleRunFiles } from '../../../src/effects/run/run-files.ts'
import type { ReadySpec } from '../../../src/types.ts'
import { aSpec } from '../../machines/fixtures.ts'

let jobDir: string
beforeEach(() => {
  jobDir = mkdtempSync(join(tmpdir(), 'procman-run-files-'))
})
afterEach(() => rmSync(jobDir, { recursive: true }))

const write = (name: string, ...lines: (object | string)[]) =>
  writeFileSync(join(jobDir, `run-1.${name}`), lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'))
const claim = { v: 1, pid: 11, start: '1', boot: 'b', at: 1 }
const child = { v: 1, pid: 12, start: '2', boot: 'b', at: 2, out: 0, err: 0 }
const ready = { v: 1, at: 3 }
const exit = { v: 1, kind: 'code', code: 0, at: 4 }

describe('a run is ready', () => {
  it('since the time in its ready file', () => {
    write('ready', ready)
    expect(readReady(jobDir, 1)).toBe(3)
  })

  it.each([
    ['alone', [claim, ready]],
    ['between a child and an exit that had no room either', [claim, child, ready, exit]],
    ['before both', [claim, ready, child, exit]],
  ])('also where there was no room for that file, and it stands in the claim: %s', (_, lines) => {
    write('claim', ...lines)
    expect(readReady(jobDir, 1)).toBe(3)
    expect(readExit(jobDir, 1)?.atMs ?? null).toBe(lines.includes(exit) ? 4 : null)
  })
})

describe('a run is not ready', () => {
  it.each([
    ['nothing', []],
    ['a claim', [claim]],
    ['child and exit in the claim', [claim, child, exit]],
    ['a part of a line', [claim, '{"v":1,"at":']],
    ['a line without a time', [claim, { v: 1 }]],
  ])('where there is %s', (_, lines) => {
    if (lines.length > 0) write('claim', ...lines)
    expect(readReady(jobDir, 1)).toBeNull()
  })

  it.each(['', 'x', 'null', '[]', '3', '{}', '{"v":1,"at":"3"}', '{"v":1,"at":-1}', '{"v":1,"at":1e300}'])('where its ready file is damaged: %s', (text) => {
    write('ready', text)
    expect(readReady(jobDir, 1)).toBeNull()
  })

  it('where something else lies in the place of the file', () => {
    write('other', ready)
    symlinkSync(join(jobDir, 'run-1.other'), runFile(jobDir, 1, 'ready'))
    mkdirSync(runFile(jobDir, 2, 'ready'))
    expect([readReady(jobDir, 1), readReady(jobDir, 2)]).toEqual([null, null])
  })
})

describe('the intent', () => {
  const rows: readonly [string, ReadySpec | null, string[]][] = [
    ['asks for the descriptor', { kind: 'notify', fd: 7 }, ['notify=7']],
    ['asks for none when readiness is told otherwise', { kind: 'delay', delayMs: 5 }, []],
    ['asks for none when nothing is said of it', null, []],
  ]
  it.each(rows)('%s', (_, how, fields) => {
    const spec = { ...aSpec(), ready: how }
    writeIntent(jobDir, 1, { token: 't', spec, filled: spec, env: {}, ports: {} })
    const written = readFileSync(runFile(jobDir, 1, 'intent'), 'utf8').split('\0')
    expect(written.filter((field) => field.startsWith('notify='))).toEqual(fields)
  })
})

it('ready and notify are needed by a living run only', () => {
  for (const name of ['claim', 'child', 'exit', 'ready', 'notify', 'notify.odd']) write(name, '')
  expect(staleRunFiles(jobDir, 1, 20)).toEqual([])
  expect(
    staleRunFiles(jobDir, 2, 20)
      .map((path) => basename(path))
      .sort(),
  ).toEqual(['run-1.claim', 'run-1.notify', 'run-1.notify.odd', 'run-1.ready'])
  expect(staleRunFiles(jobDir, 22, 20)).toHaveLength(readdirSync(jobDir).length)
})
