/** `top`: what keys do and what is drawn, as tables; and the whole in a terminal. */
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { colorsFor } from '../../src/cli/render/colors.ts'
import { renderSize } from '../../src/cli/render/size.ts'
import { parseKeys } from '../../src/cli/top/keys.ts'
import { initialState, type TopEffect, type TopEvent, type TopState, update } from '../../src/cli/top/model.ts'
import { renderTop } from '../../src/cli/top/render.ts'
import type { ProcessRecord } from '../../src/machines/process/record.ts'
import { EPOCH_MS } from '../machines/fixtures.ts'
import { BIN, Home, isUp } from './harness.ts'
import { later, recordOf, upRecord } from './records.ts'
import { HAS_TERMINAL, inTerminal } from './terminal.ts'

const web = upRecord({ id: 'web', ports: { http: 8080 }, restarts: 2, run: 3 })
const job = recordOf({ id: 'job', state: 'exited', status: 'failed', exit_code: 3, run: 1, started_at: later(0) })
const idle = recordOf({ id: 'idle' })

/** After these events, from a terminal of so many rows with three processes. */
function played(
  events: readonly (TopEvent | string)[],
  rows = 10,
  records: readonly ProcessRecord[] = [web, job, idle],
): { state: TopState; effects: TopEffect[] } {
  const effects: TopEffect[] = []
  const first = initialState({ columns: 100, rows, nowMs: EPOCH_MS + 61_000 })
  const all: readonly (TopEvent | string)[] = [{ type: 'records.changed', records, hasManager: true }, ...events]
  const state = all.reduce<TopState>((before, event) => {
    const step = update(before, typeof event === 'string' ? { type: 'key.pressed', key: event } : event)
    effects.push(...step.effects)
    return step.state
  }, first)
  return { state, effects }
}

const many = Array.from({ length: 20 }, (_, index) => recordOf({ id: `p${index}` }))

describe('keys of the table', () => {
  it.each<[string, readonly string[], string | null]>([
    ['nothing: the first', [], 'web'],
    ['down', ['down'], 'job'],
    ['j j k', ['j', 'j', 'k'], 'job'],
    ['up at the top', ['up'], 'web'],
    ['down at the bottom', ['j', 'j', 'j', 'j'], 'idle'],
    ['end, home', ['end', 'home'], 'web'],
    ['G', ['G'], 'idle'],
    ['one that means nothing', ['x'], 'web'],
  ])('select: %s', (_name, keys, selected) => {
    expect(played(keys).state.selected).toBe(selected)
  })

  it.each<[string, readonly string[], readonly TopEffect[]]>([
    ['r', ['r'], [{ type: 'act', verb: 'restart', id: 'web' }]],
    ['j s', ['j', 's'], [{ type: 'act', verb: 'stop', id: 'job' }]],
    ['S', ['S'], [{ type: 'act', verb: 'start', id: 'web' }]],
    ['u', ['u'], [{ type: 'act', verb: 'start', id: 'web' }]],
    ['l, then q goes back', ['l', 'q'], [{ type: 'open-logs', id: 'web', tail: 10 }, { type: 'close-logs' }]],
    ['q', ['q'], [{ type: 'quit' }]],
    ['help, where q goes back', ['?', 'q'], []],
    ['Ctrl-C, wherever it is pressed', ['l', 'ctrl-c'], [{ type: 'open-logs', id: 'web', tail: 10 }, { type: 'quit' }]],
  ])('act: %s', (_name, keys, effects) => {
    expect(played(keys).effects).toEqual(effects)
  })

  it('do nothing to nobody', () => {
    expect(played(['r', 's', 'u', 'l', 'j', 'G'], 10, [])).toMatchObject({ effects: [], state: { selected: null } })
  })

  it('scroll as little as shows the selected one', () => {
    expect(played(Array(8).fill('j'), 10, many).state).toMatchObject({ selected: 'p8', top: 2 })
    expect(played(['G', 'k'], 10, many).state).toMatchObject({ selected: 'p18', top: 13 })
    expect(played(['G', { type: 'terminal.resized', columns: 80, rows: 30 }], 10, many).state).toMatchObject({ top: 0 })
  })

  it('leave the selection where it was when others come and go, or to the neighbour', () => {
    const changed = (records: readonly ProcessRecord[]): TopEvent => ({ type: 'records.changed', records, hasManager: true })
    expect(played(['j', changed([idle, web, job])]).state.selected).toBe('job')
    expect(played(['j', changed([web, idle])]).state.selected).toBe('idle')
    expect(played(['G', changed([web])]).state.selected).toBe('web')
    expect(played([changed([])]).state.selected).toBe(null)
  })
})

describe('the output of a process', () => {
  const printed = (...lines: readonly string[]): TopEvent => ({ type: 'lines.printed', id: 'web', lines })
  const shown = (events: readonly (TopEvent | string)[]) => renderTop(played(['l', ...events], 5).state, PLAIN).slice(1, -1)

  it('is shown as it comes, its end first; escape sequences of it are not', () => {
    expect(shown([printed('1', '2'), printed('3', '\u001b[31m4\u001b[0m', '5\u0007')])).toEqual(['3', '4', '5\\u0007'])
    expect(shown([{ type: 'lines.printed', id: 'job', lines: ['late'] }])).toEqual(['', '', ''])
  })
  it('stays where somebody reads, and goes on at the end', () => {
    const lines = printed('1', '2', '3', '4', '5')
    expect(shown([lines, 'up'])).toEqual(['2', '3', '4'])
    expect(shown([lines, 'up', printed('6', '7')])).toEqual(['2', '3', '4'])
    expect(shown([lines, 'g'])).toEqual(['1', '2', '3'])
    expect(shown([lines, 'g', 'G'])).toEqual(['3', '4', '5'])
  })
  it('goes on with the next run after it has ended', () => {
    const ended: TopEvent = { type: 'logs.ended', id: 'web' }
    const again: TopEvent = { type: 'records.changed', records: [web], hasManager: true }
    expect(played(['l', ended, again]).effects.at(-1)).toEqual({ type: 'open-logs', id: 'web', tail: 0 })
    expect(played(['l', again]).effects).toHaveLength(1)
  })
})

const PLAIN = await colorsFor({ stdout: process.stdout, env: { NO_COLOR: '1' } })

describe('what is drawn', () => {
  const usages = new Map([[4711, { cpuPercent: 12.4, memoryBytes: 45_600_000 }]])
  const draw = (columns: number, rows = 7, events: readonly (TopEvent | string)[] = []) =>
    renderTop(played([{ type: 'terminal.resized', columns, rows }, { type: 'time.passed', nowMs: EPOCH_MS + 61_000, usages }, ...events]).state, PLAIN)

  it('is a line for each process, the selected one marked', () => {
    expect(draw(110)).toEqual([
      'procman: 3 processes, 1 up, 1 failed or unhealthy',
      '  ID    STATUS      PID   RUN  RESTARTS  UPTIME  CPU   MEMORY   HEALTH  PORTS      COMMAND',
      `${'> web   running     4711  3    2         1 min   12 %  45.6 MB  -       http=8080  node server.js'.padEnd(110)}`,
      '  job   failed (3)  -     1    0         -       -     -        -       -          node server.js',
      '  idle  pending     -     0    0         -       -     -        -       -          node server.js',
      '',
      '↑ ↓ select   l logs   r restart   s stop   u start   ? help   q quit',
    ])
  })
  it.each([120, 80, 60, 40, 20, 5, 1])('is never wider than %d columns, and fills the rows', (columns) => {
    for (const events of [[], ['?'], ['l']]) {
      const lines = draw(columns, 9, events)
      expect(lines).toHaveLength(9)
      expect(lines.filter((line) => [...line].length > columns)).toEqual([])
    }
  })
  it('leaves out columns where there is no room, and keeps id and status', () => {
    expect(draw(60)[1]).toBe('  ID    STATUS      PID   UPTIME  COMMAND')
    expect(draw(34)[1]).toBe('  ID    STATUS      COMMAND')
  })
  it('tells what was done at the bottom, until the next key', () => {
    const message: TopEvent = { type: 'message', text: 'stop web: cancelled', isError: false }
    expect(draw(80, 7, [message]).at(-1)).toBe('stop web: cancelled')
    expect(draw(80, 7, [message, 'j']).at(-1)).toMatch(/q quit$/)
  })
})

it.each([
  ['\u001b[A\u001bOBj', ['up', 'down', 'j']],
  ['\u001b', ['escape']],
  ['\u0003', ['ctrl-c']],
  ['\u001b[5~\u001b[6~', ['page-up', 'page-down']],
  ['é\r', ['é', 'enter']],
  ['\u001b[1;5C', ['\u001b[1;5C']],
])('the bytes %j are the keys %j', (data, keys) => {
  expect(parseKeys(data)).toEqual(keys)
})

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1.0 kB'],
  [12_345_678, '12.3 MB'],
  [99_960_000, '100 MB'],
  [999_600_000, '1.0 GB'],
])('%d bytes are %s', (bytes, text) => {
  expect(renderSize(bytes)).toBe(text)
})

describe.skipIf(!HAS_TERMINAL)('in a terminal', () => {
  let home: Home
  beforeAll(() => {
    home = new Home()
  })
  afterAll(() => home.remove())

  interface Screen {
    readonly child: ChildProcess
    readonly code: Promise<number | null>
    text: string
    shows(pattern: RegExp): Promise<void>
  }

  function open(): Screen {
    const child = inTerminal(`echo $$ > ${join(home.dir, 'pid')}; exec ${process.execPath} ${BIN} top`, home.env)
    const screen: Screen = {
      child,
      text: '',
      code: new Promise((resolve) => child.on('close', (code) => resolve(code))),
      shows: (pattern) => vi.waitFor(() => expect(stripVTControlCharacters(screen.text)).toMatch(pattern), { timeout: 30_000, interval: 20 }),
    }
    child.stdout?.on('data', (data: Buffer) => {
      screen.text += data.toString()
    })
    return screen
  }

  const LEFT = '\u001b[?7h\u001b[?25h\u001b[?1049l'

  it('shows them, their output, and restarts and stops them', async () => {
    await home.start('--id', 'web', '--', 'sh', '-c', 'echo hello from run $PROCMAN_RUN; exec sleep 1000')
    const screen = open()
    await screen.shows(/> web +running +\d+ +1 /)
    screen.child.stdin?.write('l')
    await screen.shows(/hello from run 1/)
    screen.child.stdin?.write('q')
    screen.child.stdin?.write('r')
    await screen.shows(/restart web: running, run 2, pid \d+/)
    screen.child.stdin?.write('s')
    await screen.shows(/stop web: cancelled/)
    await screen.shows(/> web +cancelled/)
    screen.child.stdin?.write('q')
    expect(await screen.code).toBe(0)
    expect(screen.text.trimEnd().endsWith(LEFT)).toBe(true)
    // NO_COLOR is set: the screen is moved about on, and nothing is painted.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
    expect(screen.text.match(/\u001b\[[1-9][0-9;]*m/g)).toBe(null)
  })

  it('shows what becomes of them elsewhere, and gives the terminal back when it is ended', async () => {
    const screen = open()
    await screen.shows(/procman: \d+ processes/)
    await home.start('--id', 'late', '--', 'sleep', '1000')
    await screen.shows(/late +running/)
    const pid = Number(readFileSync(join(home.dir, 'pid'), 'utf8'))
    process.kill(pid, 'SIGTERM')
    expect(await screen.code).toBe(143)
    expect(screen.text.trimEnd().endsWith(LEFT)).toBe(true)
    expect(isUp(pid)).toBe(false)
  })

  it('is refused elsewhere, with what can be used instead', async () => {
    expect(await home.procman('top')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining("'procman list'") })
  })
})
