/** The watch of a run against run files and FIFOs that the test holds in the keeper's place. */
import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { bootId, startTimeOf } from '../../../src/effects/run/identity.ts'
import { observeRun } from '../../../src/effects/run/observe.ts'
import type { RunPorts } from '../../../src/effects/run/ports.ts'
import { RunWatch } from '../../../src/effects/run/run-watch.ts'
import { StrayHunter } from '../../../src/effects/run/strays.ts'

let jobDir: string
beforeEach(() => {
  jobDir = mkdtempSync(join(tmpdir(), 'procman-run-'))
})
afterEach(() => rmSync(jobDir, { recursive: true }))

const write = (name: string, content: object) => writeFileSync(join(jobDir, `run-1.${name}`), JSON.stringify({ v: 1, ...content }))

/** @returns a function that lets go, as a keeper does when it leaves */
function hold(name: string): () => void {
  execFileSync('mkfifo', [join(jobDir, `run-1.${name}`)])
  const fd = openSync(join(jobDir, `run-1.${name}`), constants.O_RDWR | constants.O_NONBLOCK)
  return () => {
    if (name === 'rest') rmSync(join(jobDir, `run-1.${name}`))
    closeSync(fd)
  }
}

function watchIt() {
  const fail = (error: unknown) => {
    throw error
  }
  const ports = {
    jobDirOf: () => jobDir,
    hasPorts: () => false,
    tokenOf: () => 'no-such-token',
    knownOf: () => null,
    strays: new StrayHunter(fail),
    onTrouble: fail,
    nowMs: () => 7,
  }
  const watch = new RunWatch(ports as unknown as RunPorts, 'job', 1)
  const facts: string[] = []
  watch.listen((fact) => facts.push(fact.type))
  watch.begin(false)
  return { watch, facts }
}

const aKeeper = () => write('claim', { pid: process.pid, start: startTimeOf(process.pid), boot: bootId(), at: 1 })
const aChild = () => write('child', { pid: process.pid, start: startTimeOf(process.pid), at: 2, out: 0, err: 0 })
const anExit = () => write('exit', { kind: 'code', code: 3, at: 5 })
const typesSeen = () => observeRun({ jobDir, run: 1, token: 'no-such-token', known: null }, 9).map((fact) => fact.type)

describe('a run whose end is on disk', () => {
  it('has not ended while its keeper may still find leftovers; not for a reader either', async () => {
    aKeeper()
    aChild()
    anExit()
    const letGoOfAlive = hold('alive')
    const { watch, facts } = watchIt()
    expect(facts).toEqual(['run.launched'])
    expect(typesSeen()).toEqual(['run.launched', 'run.exited'])
    const letGoOfRest = hold('rest')
    letGoOfAlive()
    await vi.waitFor(() => expect(facts).toEqual(['run.launched', 'run.exited']))
    expect(typesSeen()).toEqual(['run.launched', 'run.exited'])
    letGoOfRest()
    await vi.waitFor(() => expect(facts).toEqual(['run.launched', 'run.exited', 'run.ended']))
    expect(typesSeen()).toEqual(['run.launched', 'run.ended'])
    watch.close()
  })

  it('has ended when the keeper has left', () => {
    aKeeper()
    aChild()
    anExit()
    expect(watchIt().facts).toEqual(['run.launched', 'run.ended'])
  })
})

describe('a run that nobody has claimed', () => {
  it('is voided, so that a keeper that comes late cannot start it', () => {
    expect(watchIt().facts).toEqual(['run.ended'])
    expect(typesSeen()).toEqual(['run.ended'])
  })
})

describe('a run of an earlier boot', () => {
  it('has ended nobody knows how, whoever has the pid now', () => {
    write('claim', { pid: process.pid, start: startTimeOf(process.pid), boot: 'another', at: 1 })
    aChild()
    expect(watchIt().facts).toEqual(['run.launched', 'run.ended'])
  })
})

describe('a damaged exit file', () => {
  it('says at least when the command ended', () => {
    aKeeper()
    writeFileSync(join(jobDir, 'run-1.exit'), 'damaged')
    const [ended] = observeRun({ jobDir, run: 1, token: 'no-such-token', known: null }, 9)
    expect(ended).toMatchObject({ type: 'run.ended', outcome: { kind: 'unknown' } })
    expect(ended !== undefined && 'atMs' in ended ? ended.atMs : 0).toBeGreaterThan(1_600_000_000_000)
  })
})
