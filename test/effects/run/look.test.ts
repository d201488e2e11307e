/** What is made of the run files, whatever lies in their place. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bootId, isAlive } from '../../../src/effects/run/identity.ts'
import { lookAtRun } from '../../../src/effects/run/look.ts'

let jobDir: string
beforeEach(() => {
  jobDir = mkdtempSync(join(tmpdir(), 'procman-look-'))
})
afterEach(() => rmSync(jobDir, { recursive: true }))

const here = bootId()
const claim = { pid: 11, start: '1', boot: here, at: 1 }
const child = { pid: 12, start: '2', boot: here, at: 2, out: 0, err: 0 }
const exit = { kind: 'code', code: 3, at: 4 }
const known = { identity: { pid: 12, start: '2', boot: here }, startedAtMs: 2 }
const command = known

/** Several are the lines of a file. */
type Content = object | string | readonly (object | string)[]
type Files = Readonly<Record<string, Content>>
function looked(files: Files, record = null as typeof known | null) {
  for (const [name, content] of Object.entries(files))
    writeFileSync(
      join(jobDir, `run-1.${name}`),
      [content]
        .flat()
        .map((line) => (typeof line === 'string' ? line : JSON.stringify(line)))
        .join('\n'),
    )
  return lookAtRun(jobDir, 1, record)
}

describe('a run', () => {
  const rows: readonly [string, Files, typeof known | null, object][] = [
    ['without any file is unclaimed', {}, null, { phase: 'unclaimed', command: null }],
    ['with a claim is claimed', { claim }, null, { phase: 'claimed', command: null }],
    ['with a claim and a child is claimed by a known command', { claim, child }, null, { phase: 'claimed', command }],
    ['with a void claim is void', { claim: { void: true, at: 1 } }, null, { phase: 'void' }],
    ['with an exit has ended', { claim, child, exit: { kind: 'code', code: 3, at: 4 } }, null, { phase: 'ended', command, exit: { atMs: 4 } }],
    [
      'has ended also where there was no room for an exit file',
      { claim: [claim, exit], child },
      null,
      { phase: 'ended', command, exit: { atMs: 4, outcome: { kind: 'code', code: 3 } } },
    ],
    ['is known also where there was no room for a child file', { claim: [claim, child] }, null, { phase: 'claimed', command, exit: null }],
    ['has ended also where there was room for neither', { claim: [claim, child, exit] }, null, { phase: 'ended', command, exit: { atMs: 4 } }],
    ['has not ended when only a part of that was written', { claim: [claim, child, '{"kind":"code","co'] }, null, { phase: 'claimed', command, exit: null }],
    ['has not ended when something else stands there', { claim: [claim, { kind: 'x', at: 4 }], child }, null, { phase: 'claimed', command, exit: null }],
    ['has the end of its exit file', { claim: [claim, { ...exit, at: 5 }], child, exit }, null, { phase: 'ended', command, exit: { atMs: 4 } }],
    ['that was executed is not void, whatever its claim says', { claim: { void: true, at: 1 }, child }, null, { phase: 'claimed', command }],
    ['that was never executed has no command', { claim, child, exit: { kind: 'failed', step: 'command', errno: 'ENOENT', at: 4 } }, null, { command: null }],
    ['claimed before a reboot is over', { claim: { ...claim, boot: 'other' }, child: { ...child, boot: 'other' } }, null, { phase: 'rebooted' }],
    ['whose claim is damaged is over when its child is of another boot', { claim: 'x', child: { ...child, boot: 'other' } }, null, { phase: 'rebooted' }],
    ['whose claim is damaged is claimed all the same', { claim: 'x', child }, null, { phase: 'claimed', command }],
    ['whose claim was deleted was claimed: its child is there', { child }, null, { phase: 'claimed', command }],
    ['whose files were all deleted was claimed: its record says so', {}, known, { phase: 'claimed', command }],
    ['whose child is damaged is known by its record', { claim, child: 'x' }, known, { phase: 'claimed', command }],
    ['whose record is of another boot is over', {}, { ...known, identity: { ...known.identity, boot: 'other' } }, { phase: 'rebooted' }],
  ]

  it.each(rows)('%s', (_, files, record, finding) => {
    expect(looked(files, record)).toMatchObject(finding)
  })

  it('of a keeper that did not write the boot into the child belongs to the boot of the claim', () => {
    const { boot: _, ...old } = child
    expect(looked({ claim, child: old }).command).toEqual(command)
  })

  it('whose boot nobody knows is never taken for alive, whoever has its pid', () => {
    const { boot: _, ...old } = child
    const { command: found } = looked({ claim: 'x', child: { ...old, pid: process.pid } })
    expect(found?.identity).toMatchObject({ pid: process.pid, boot: '' })
    expect(found !== null && isAlive(found.identity)).toBe(false)
  })

  it.each([['9e15'], ['-1'], ['1.5'], ['"1"'], ['null']])('is not believed a time of %s', (at) => {
    expect(looked({ claim, child: `{"pid":12,"start":"2","at":${at}}` }).command).toBe(null)
    expect(looked({ exit: `{"kind":"code","code":0,"at":${at}}` }).exit?.outcome.kind).toBe('unknown')
  })
})
