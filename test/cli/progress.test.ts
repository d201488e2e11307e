/** How far a process is, on the command line: in words, in tables, and as the last line of a terminal. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { eventsBetween } from '../../src/cli/events/between.ts'
import { parseProgress, toProgressSpec } from '../../src/cli/parse/progress.ts'
import { colorsFor } from '../../src/cli/render/colors.ts'
import { renderBar, renderCellBar, renderPercent, renderProgress } from '../../src/cli/render/progress.ts'
import { initialState, update } from '../../src/cli/top/model.ts'
import { renderTop } from '../../src/cli/top/render.ts'
import type { Progress } from '../../src/output.ts'
import { EPOCH_MS } from '../machines/fixtures.ts'
import { BIN, Home } from './harness.ts'
import { later, recordOf, upRecord } from './records.ts'
import { HAS_TERMINAL, inTerminal } from './terminal.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const PLAIN = await colorsFor({ stdout: process.stdout, env: { NO_COLOR: '1' } })
const NOTHING: Progress = { percent: null, current: null, total: null, unit: null, rate: null, etaMs: null, message: null, atMs: 0 }
const download: Progress = { ...NOTHING, percent: 75.4, current: 2_249_728, total: 2_999_296, unit: 'B', rate: 923_648, etaMs: 800, message: 'model.bin' }
const film: Progress = { ...NOTHING, percent: 56, current: 11.2, total: 20, unit: 's', rate: 1.55, etaMs: 75_000 }
const items: Progress = { ...NOTHING, percent: 45, current: 45, total: 100, unit: 'it', rate: 4.4, etaMs: 12_000 }

describe('--progress', () => {
  it.each([
    [undefined, {}],
    [true, { progress: true }],
    ['auto', { progress: 'auto' }],
    ['(?<percent>\\d+)', { progress: { pattern: '(?<percent>\\d+)' } }],
  ])('%j', (given, asked) => {
    expect(parseProgress(given)).toEqual(asked)
  })

  it.each(['(', 'curl', '(?<share>\\d+)'])('%s is refused', (given) => {
    expect(() => parseProgress(given)).toThrow(
      expect.objectContaining({ code: 'PROCMAN_INVALID_ARGUMENT', message: expect.stringContaining(JSON.stringify(given)) }),
    )
  })

  it('reads with what was given', () => {
    expect(toProgressSpec(true)).toEqual({ kind: 'auto' })
    expect(toProgressSpec({ pattern: /(?<percent>\d+)/i })).toEqual({ kind: 'pattern', source: '(?<percent>\\d+)', flags: 'i' })
  })
})

describe('in words', () => {
  it.each([
    [download, '75 %', '75.4 %, 2.2 MB of 3.0 MB, 924 kB/s, 1 s left: model.bin'],
    [film, '56 %', '56 %, 11 s of 20 s, 1.6x, 1 min 15 s left'],
    [items, '45 %', '45 %, 45 of 100 it, 4.4 it/s, 12 s left'],
    [{ ...NOTHING, percent: 100, etaMs: 0 }, '100 %', '100 %'],
    [{ ...NOTHING, current: 488_000, unit: 'B' }, '488 kB', '488 kB'],
    [{ ...NOTHING, message: 'linking' }, 'linking', 'linking'],
    [NOTHING, '-', ''],
  ])('%j', (progress, percent, all) => {
    expect([renderPercent(progress), renderProgress(progress)]).toEqual([percent, all])
  })
})

describe('as a bar', () => {
  it('has what there is room for, the percent first', () => {
    expect(renderBar(download, 120)).toBe('model.bin  [######################--------]   75 %  2.2 MB of 3.0 MB  924 kB/s  1 s left')
    expect(renderBar(download, 60)).toBe('model.bin   75 %  2.2 MB of 3.0 MB  924 kB/s  1 s left')
    expect(renderBar(download, 20)).toBe('[####--]   75 %')
    expect(renderBar({ ...NOTHING, current: 488_000, unit: 'B', rate: 5_000_000 }, 100)).toBe('488 kB  5.0 MB/s')
  })

  it('is never wider than the terminal', () => {
    const long = { ...download, message: 'a very long name of something 東京 '.repeat(5) }
    for (let columns = 1; columns < 150; columns++) expect(renderBar(long, columns).length).toBeLessThanOrEqual(columns)
  })

  it('has one width in a table', () => {
    expect([0, 45, 99.9, 100].map((percent) => renderCellBar({ ...NOTHING, percent }))).toEqual([
      '[----------]   0 %',
      '[####------]  45 %',
      '[#########-]  99 %',
      '[##########] 100 %',
    ])
  })
})

describe('top', () => {
  const shown = (...records: ReturnType<typeof upRecord>[]) => {
    const state = update(initialState({ columns: 100, rows: 6, nowMs: EPOCH_MS }), { type: 'records.changed', records, hasManager: true }).state
    return renderTop(state, PLAIN).join('\n')
  }

  it('has a column of bars, where one says how far it is', () => {
    expect(shown(upRecord({ id: 'web', progress: download }), upRecord({ id: 'db' }))).toMatch(/ PROGRESS .*\n.* \[#######---\] {2}75 % .*\n.* - /)
    expect(shown(upRecord({ id: 'web' }))).not.toContain('PROGRESS')
  })
})

describe('events', () => {
  it('tell each tenth', () => {
    const at = (percent: number) => upRecord({ progress: { ...NOTHING, percent, atMs: Date.parse(later(5)) } })
    const told = (before: number, after: number) => eventsBetween(at(before), at(after), later(9)).map(({ what, why }) => `${what} ${why}`)
    expect([told(41, 45), told(45, 52), told(52, 52)]).toEqual([[], ['progressed 52 %'], []])
    expect(eventsBetween(recordOf(), recordOf({ progress: { ...NOTHING, percent: 5, atMs: 0 } }), later(9)).map(({ what }) => what)).toEqual(['progressed'])
  })
})

describe('procman', () => {
  let home: Home
  beforeAll(() => {
    home = new Home()
  })
  afterAll(() => home.remove())

  it('shows it in list and show, with a manager and without', async () => {
    const id = await home.start('--progress', '--', 'sh', '-c', 'echo 45/100 files; exec sleep 1000')
    await vi.waitFor(async () => expect((await home.procman('list')).stdout).toMatch(/^ID +STATUS +PROGRESS +PID .*\n.* 45 % /), { timeout: 20_000 })
    expect((await home.procman('show', id)).stdout).toMatch(/^progress +45 %, 45 of 100 files$/m)
    expect(JSON.parse((await home.procman('list', '--json')).stdout)).toMatchObject([{ progress: { percent: 45, total: 100, unit: 'files' } }])
    await home.procman('remove', '--force', id)
    await home.start('--', 'true')
    expect((await home.procman('list')).stdout).not.toContain('PROGRESS')
  })

  it('passes every byte where there is no terminal', async () => {
    const output = '\\r 10%%|#| 1/10 [00:01<00:09, 1it/s]\\r100%%|#| 10/10 [00:01<00:00, 1it/s]\\n'
    const { stdout, stderr, code } = await home.procman('run', '--id', 'tty', '--progress', '--', 'sh', '-c', `printf '${output}' >&2; echo out; exit 3`)
    expect({ stdout, stderr, code }).toEqual({ stdout: 'out\n', stderr: output.replaceAll('\\r', '\r').replaceAll('\\n', '\n').replaceAll('%%', '%'), code: 3 })
    expect((await home.procman('show', 'tty')).stdout).toMatch(/^progress +100 %/m)
  })

  describe.runIf(HAS_TERMINAL)('on a terminal', () => {
    /** Lets the program go on once the terminal shows the pattern. @returns what can be read on it in the end */
    async function typed(line: string, shows: RegExp, go: string): Promise<readonly string[]> {
      const child = inTerminal(`exec ${process.execPath} ${BIN} ${line}`, home.env)
      let text = ''
      child.stdout?.on('data', (data: Buffer) => {
        text += data.toString()
        if (shows.test(stripVTControlCharacters(text))) writeFileSync(go, '')
      })
      await new Promise((resolve) => child.on('close', resolve))
      expect(stripVTControlCharacters(text)).toMatch(shows)
      return screenOf(text)
    }

    /** A program of the shell, in a file: quotes within quotes within quotes are none to read. */
    function program(name: string, text: string): { readonly path: string; readonly go: string } {
      const [path, go] = [join(home.dir, name), join(home.dir, `${name}.go`)]
      writeFileSync(path, text.replaceAll('WAIT', `until [ -e ${go} ]; do sleep 0.02; done`))
      return { path, go }
    }

    it('run has a bar below what is printed, and nothing of the bars of the program', async () => {
      const { path, go } = program(
        'run.sh',
        'echo first; printf "1/4\\r"; WAIT; echo between; printf "3/4\\r4/4\\r"; printf "prompt: "; sleep 0.3; echo answer',
      )
      const lines = await typed(`run --id bar --progress -- sh ${path}`, /\[#+-+\] +25 % {2}1 of 4/, go)
      expect(lines).toEqual(['first', 'between', 'prompt: answer', expect.stringMatching(/^\[#{30}\] {2}100 % {2}4 of 4\b/)])
    })

    it('logs -f has it, too', async () => {
      const { path, go } = program('logs.sh', 'echo first; printf "3/4\\r"; WAIT; echo last')
      const id = await home.start('--progress', '--', 'sh', path)
      const lines = await typed(`logs -f ${id}`, /\[#+-+\] +75 % {2}3 of 4/, go)
      expect(lines).toEqual(['first', 'last', expect.stringMatching(/^\[#+-+\] +75 % {2}3 of 4\b/)])
    })
  })
})

/** As a terminal shows it: lines that were drawn over are gone. */
function screenOf(text: string): readonly string[] {
  const lines = text.split('\n').map((line) =>
    line
      .replaceAll('\u001b[K', '\u0000')
      .split('\r')
      .reduce(
        (shown, part) =>
          part === ''
            ? shown
            : part.startsWith('\u0000')
              ? part.slice(1)
              : part.includes('\u0000')
                ? (part.split('\u0000')[0] ?? '')
                : part + shown.slice(part.length),
        '',
      ),
  )
  return lines.filter((line) => line !== '')
}
