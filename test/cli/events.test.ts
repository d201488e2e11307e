/** `events`: what two records of a process tell of what happened between them; and the command, over real processes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventsBetween } from '../../src/cli/events/between.ts'
import type { ProcessRecord } from '../../src/machines/process/record.ts'
import { Home } from './harness.ts'
import { later, recordOf, upRecord } from './records.ts'

const NOW = later(60_000)
const told = (before: ProcessRecord | null, now: ProcessRecord | null) => eventsBetween(before, now, NOW).map(({ at, what, why }) => [at, what, why])
const because = (ms: number, text: string) => ({ at: later(ms), text })

const up = upRecord()
const down = upRecord({
  state: 'exited',
  status: 'failed',
  pid: null,
  exit_code: 3,
  completed_at: later(5_000),
  reasons: [because(5_000, 'exited with code 3')],
})

describe('what happened between two records', () => {
  it.each<[string, ProcessRecord | null, ProcessRecord | null, unknown]>([
    ['nothing', up, { ...up }, []],
    ['nobody', null, null, []],
    ['it was created', null, recordOf(), [[later(0), 'created', null]]],
    ['it waits', recordOf(), recordOf({ waiting_for: 'waits for db' }), [[NOW, 'waiting', 'waits for db']]],
    ['it waits for the same', recordOf({ waiting_for: 'waits for db' }), recordOf({ waiting_for: 'waits for db' }), []],
    [
      'it was started, and is ready',
      recordOf(),
      up,
      [
        [later(1_000), 'started', 'run 1, pid 4711'],
        [later(2_000), 'ready', null],
      ],
    ],
    ['it failed', up, down, [[later(5_000), 'failed', 'exited with code 3']]],
    ['it gave up', up, { ...down, gave_up: true }, [[later(5_000), 'gave-up', 'exited with code 3']]],
    ['it is unhealthy', up, { ...up, state: 'unhealthy', waiting_for: 'status 503' }, [[NOW, 'unhealthy', 'status 503']]],
    [
      'it waits for its next run',
      up,
      { ...up, state: 'backoff', reasons: [because(5_000, 'restart 1 of 3')] },
      [[later(5_000), 'backing-off', 'restart 1 of 3']],
    ],
    [
      'it is being stopped',
      up,
      { ...up, state: 'stopping', reasons: [because(4_000, 'stopped by the user')] },
      [[later(4_000), 'stopping', 'stopped by the user']],
    ],
    [
      'it is being stopped, and nobody has said why yet',
      up,
      { ...up, state: 'stopping', stopping: { purpose: 'restart', kill_at: later(9_000) } },
      [[NOW, 'stopping', 'to be started again']],
    ],
    ['something was noted', up, { ...up, reasons: [because(3_000, 'probe failed')] }, [[later(3_000), 'noted', 'probe failed']]],
    [
      'it was noted before',
      { ...up, reasons: [because(3_000, 'a')] },
      { ...up, reasons: [because(3_000, 'a'), because(4_000, 'b')] },
      [[later(4_000), 'noted', 'b']],
    ],
    ['it was removed', down, null, [[NOW, 'removed', null]]],
    [
      'it was removed, and another has its id',
      down,
      recordOf({ created_at: later(9_000) }),
      [
        [NOW, 'removed', null],
        [later(9_000), 'created', null],
      ],
    ],
    [
      'all that is still known',
      null,
      { ...down, reasons: [because(1_500, 'a'), ...down.reasons] },
      [
        [later(0), 'created', null],
        [later(1_000), 'started', 'run 1'],
        [later(1_500), 'noted', 'a'],
        [later(2_000), 'ready', null],
        [later(5_000), 'failed', 'exited with code 3'],
      ],
    ],
  ])('%s', (_name, before, now, wanted) => {
    expect(told(before, now)).toEqual(wanted)
  })

  it('tells the exit code of the run that ended by it, and of no other', () => {
    expect(eventsBetween(null, down, NOW).map(({ what, exit_code }) => [what, exit_code])).toEqual([
      ['created', null],
      ['started', null],
      ['ready', null],
      ['failed', 3],
    ])
  })
})

describe('events', () => {
  let home: Home
  beforeAll(() => {
    home = new Home()
  })
  afterAll(() => home.remove())

  it('tells what is known, in order; of one process, the last ones, as JSON', async () => {
    await home.procman('run', '--id', 'one', '--', 'sh', '-c', 'exit 3')
    await home.start('--id', 'other', '--', 'true')
    await home.procman('wait', 'other')
    const whats = (text: string) => [...text.matchAll(/^\S+ {2}(\S+) +(\S+)/gm)].map(([, id, what]) => `${id} ${what}`)
    expect(whats(await home.stdoutOf('events')).slice(0, 3)).toEqual(['one created', 'one started', 'one failed'])
    expect(whats(await home.stdoutOf('events', 'oth'))).toEqual(['other created', 'other started', 'other completed'])
    const [line, ...rest] = (await home.stdoutOf('events', 'one', '--tail', '1', '--json')).trim().split('\n')
    expect(rest).toEqual([])
    expect(JSON.parse(line ?? '')).toMatchObject({
      id: 'one',
      what: 'failed',
      why: 'exited with code 3: restart policy: never',
      run: 1,
      pid: null,
      exit_code: 3,
      signal: null,
    })
    expect(await home.procman('events', 'nobody')).toMatchObject({ code: 3, stdout: '' })
  })

  it('-f goes on with what happens, until its reader has gone', async () => {
    const following = home.begin('events', '-f', '--json')
    await home.start('--id', 'next', '--', 'sleep', '1000')
    await following.prints('"id":"next","what":"started"')
    await home.stdoutOf('cancel', 'next')
    await following.prints('"id":"next","what":"cancelled"')
    await home.stdoutOf('remove', 'next')
    await following.prints('"id":"next","what":"removed"')
    following.child.stdout?.destroy()
    await home.start('--id', 'last', '--', 'true')
    expect(await following.answer).toMatchObject({ code: 0, stderr: '' })
  })
})
