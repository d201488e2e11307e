/** What a reader of logs makes of the news about its process. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AttachOptions } from '../../src/api.ts'
import { ProcmanError } from '../../src/errors.ts'
import { layoutOf } from '../../src/persistence/layout.ts'
import { attachTo } from '../../src/supervisor/log-access.ts'

/** Reads the log of a process of which this is heard. @returns what was read, and how it ended */
async function read(settled: () => Promise<unknown>, options: AttachOptions = {}): Promise<{ readonly text: string; readonly error: unknown }> {
  const root = mkdtempSync(join(tmpdir(), 'procman-access-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const layout = layoutOf(root)
  mkdirSync(layout.jobDir('job'), { recursive: true })
  appendFileSync(layout.logFile('job', 'stdout'), 'written')
  let text = ''
  try {
    for await (const { data } of attachTo({ layout, id: 'job', settled }, options)) text += data.toString()
  } catch (error) {
    return { text, error }
  }
  return { text, error: null }
}

const NO_ENDS = [
  Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' }),
  Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' }),
  new ProcmanError('PROCMAN_PROCESS_DAMAGED', 'its state cannot be read (EMFILE)'),
  new ProcmanError('PROCMAN_STATE_DIR_UNUSABLE', 'the state directory cannot be used (EACCES)'),
]

describe('a reader that follows', () => {
  it('ends when the process has settled', async () => {
    expect(await read(async () => {})).toEqual({ text: 'written', error: null })
  })

  it.each(['PROCMAN_PROCESS_UNKNOWN', 'PROCMAN_CLOSED', 'PROCMAN_ABORTED'] as const)('ends when there is nothing more to wait for: %s', async (code) => {
    expect(await read(() => Promise.reject(new ProcmanError(code, 'it is over')))).toEqual({ text: 'written', error: null })
  })

  it.each(NO_ENDS)('fails when it cannot be told whether the process has ended, after it has read what there is: %s', async (error) => {
    expect(await read(() => Promise.reject(error))).toEqual({ text: 'written', error })
  })
})

describe('a reader of what is there', () => {
  it('does not ask', async () => {
    expect(await read(() => Promise.reject(NO_ENDS[0]), { follow: false })).toEqual({ text: 'written', error: null })
  })
})
