import { readdirSync, readFileSync, statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { collectLogs } from '../../src/collect.ts'
import { aHome, rejection, sh, until } from '../e2e/harness.ts'
import { collecting, ECHO, sink } from './harness.ts'

describe('a collector', () => {
  it('delivers each line of each process as a record, from its first byte', async () => {
    const supervisor = await aHome().supervisor()
    const { records, deliver } = sink()
    const collector = collecting(supervisor, { targets: [{ type: 'function', deliver }] })
    const job = await supervisor.start(
      sh(`echo plain; echo '{"level":40,"msg":"low on fuel","left":3}' >&2; printf 'no end'`, { id: 'web-2', env: { PROCMAN_REPLICA: '2' } }),
    )
    await supervisor.wait(job.id)
    await collector.flush()
    const common = { id: 'web-2', instance: 2, run: 1, time: expect.stringMatching(/^\d{4}-.*Z$/), seq: expect.any(Number), pid: expect.any(Number) }
    expect(records.toSorted((a, b) => a.msg.localeCompare(b.msg))).toEqual([
      { ...common, stream: 'stderr', level: 'warn', msg: 'low on fuel', left: 3 },
      { ...common, stream: 'stdout', msg: 'no end', partial: true },
      { ...common, stream: 'stdout', msg: 'plain' },
    ])
    expect(collector.status()).toMatchObject([{ type: 'function', state: 'ok', lag_bytes: 0, behind_since: null, delivered: 3, error: null }])
  })

  it('goes on where the last one was, once each', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const [first, second] = [sink(), sink()]
    await supervisor.start(ECHO)
    await supervisor.write('echo', 'before\n')
    const collector = collecting(supervisor, { targets: [{ type: 'function', name: 'it', from: 'beginning', deliver: first.deliver }] })
    await until('the first has it', () => first.records.length === 1)
    await collector.close()
    await supervisor.write('echo', 'between\n')
    await supervisor.start(sh('echo of another', { id: 'other' }))
    await supervisor.wait('other')
    const next = collecting(supervisor, { targets: [{ type: 'function', name: 'it', deliver: second.deliver }] })
    await supervisor.write('echo', 'after\n')
    await until('the second has the rest', () => second.records.length === 3)
    await next.flush()
    expect(first.messages()).toEqual(['before'])
    expect(second.messages().toSorted()).toEqual(['after', 'between', 'of another'])
    const file = home.path('state/collect/it.json')
    expect([statSync(file).mode & 0o777, readdirSync(home.path('state/collect'))]).toEqual([0o600, ['it.json']])
    expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')).processes).toSorted()).toEqual(['echo', 'other'])
  })

  it('leaves out what there was before a new target, of processes that were there before', async () => {
    const supervisor = await aHome().supervisor()
    await supervisor.start(ECHO)
    await supervisor.write('echo', 'before\n')
    await until('it is written', () => readFileSync(`${supervisor.stateDir}/jobs/echo/stdout.log`, 'utf8') !== '')
    const { messages, deliver } = sink()
    const collector = collecting(supervisor, { targets: [{ type: 'function', deliver }] })
    await supervisor.start(sh('echo new', { id: 'new' }))
    await supervisor.wait('new')
    await collector.flush()
    await supervisor.write('echo', 'after\n')
    await until('both are there', () => messages().length === 2)
    expect(messages()).toEqual(['new', 'after'])
  })

  it('gives each target what it wants, and rules of a process count for all', async () => {
    const supervisor = await aHome().supervisor()
    const [all, some, redacted] = [sink(), sink(), sink()]
    const collector = collecting(supervisor, {
      targets: [
        { type: 'function', name: 'all', deliver: all.deliver },
        { type: 'function', name: 'some', include: { labels: { tier: 'front' }, message: 'o' }, level: 'error', deliver: some.deliver },
        { type: 'function', name: 'redacted', ids: ['front'], redact: [/t.o/], deliver: redacted.deliver },
      ],
      processes: { quiet: { collect: false }, front: { parse: 'none' } },
    })
    const script = 'echo one; echo two >&2; echo level=warn msg=three >&2'
    await supervisor.start(sh(script, { id: 'front', labels: { tier: 'front' } }))
    await supervisor.start(sh('echo back', { id: 'back' }))
    await supervisor.start(sh('echo quiet', { id: 'quiet' }))
    await Promise.all(['front', 'back', 'quiet'].map((id) => supervisor.wait(id)))
    await collector.flush()
    expect(all.messages().toSorted()).toEqual(['back', 'level=warn msg=three', 'one', 'two'])
    expect(some.messages()).toEqual(['two'])
    expect(redacted.messages().toSorted()).toEqual(['[redacted]', 'level=warn msg=three', 'one'])
  })

  it('goes on with the others when a target is stuck or fails; that one keeps its place', async () => {
    const supervisor = await aHome().supervisor()
    await supervisor.start(ECHO)
    let isStuck = true
    const stuck = sink(() => (isStuck ? new Promise((resolve) => setTimeout(resolve, 2 ** 30).unref()) : undefined))
    const failing = sink(() => {
      if (isStuck) throw new Error('not today')
    })
    const fine = sink()
    const targets = Object.entries({ stuck, failing, fine }).map(([name, { deliver }]) => ({ type: 'function', name, deliver }) as const)
    const collector = collecting(supervisor, { targets })
    for (let n = 1; n <= 50; n++) await supervisor.write('echo', `line ${n}\n`)
    await until('the one that is fine has all', () => fine.records.length === 50)
    expect(collector.status()).toMatchObject([
      { name: 'stuck', state: 'ok', lag_bytes: 391, delivered: 0 },
      { name: 'failing', state: 'retrying', lag_bytes: 391, delivered: 0, error: 'not today' },
      { name: 'fine', state: 'ok', lag_bytes: 0, delivered: 50 },
    ])
    isStuck = false
    await until('the one that has failed has all', () => failing.records.length === 50)
    expect(failing.messages()).toEqual(fine.messages())
  })

  it('delivers what a process that is removed has said, unless its target cannot take it: that is counted', async () => {
    const supervisor = await aHome().supervisor()
    const fine = sink()
    const failing = sink(() => {
      throw new Error('not today')
    })
    const collector = collecting(supervisor, {
      targets: [
        { type: 'function', name: 'fine', batchWaitMs: 60_000, deliver: fine.deliver },
        { type: 'function', name: 'failing', deliver: failing.deliver },
      ],
    })
    await supervisor.start(sh('echo first', { id: 'first' }))
    await supervisor.wait('first')
    await until('it has failed', () => collector.status()[1]?.state === 'retrying')
    await supervisor.remove('first')
    expect(fine.messages()).toEqual(['first'])
    expect(collector.status()).toMatchObject([{ lost_bytes: 0 }, { lost_bytes: 6, lag_bytes: 0 }])
    // Another one with its id is told apart.
    await supervisor.start(sh('echo second', { id: 'first' }))
    await supervisor.wait('first')
    await supervisor.remove('first')
    expect(fine.messages()).toEqual(['first', 'second'])
  })

  it('counts what was removed before it was read for the first time', async () => {
    const supervisor = await aHome().supervisor()
    let isAway = true
    const late = sink(() => {
      if (isAway) throw new Error('not today')
    })
    const collector = collecting(supervisor, { targets: [{ type: 'function', name: 'late', deliver: late.deliver }] })
    await supervisor.start(sh('echo first', { id: 'first' }))
    await until('it has failed', () => collector.status()[0]?.state === 'retrying')
    await supervisor.start(sh('echo words', { id: 'second' }))
    await supervisor.wait('second')
    await supervisor.clearLogs('second')
    await supervisor.restart('second')
    await supervisor.wait('second')
    isAway = false
    await collector.flush()
    expect(late.messages()).toEqual(['first', 'words'])
    expect(collector.status()).toMatchObject([{ lost_bytes: 6, lag_bytes: 0 }])
  })

  it('is told other targets: one that is the same goes on, one that is gone is forgotten', async () => {
    const supervisor = await aHome().supervisor()
    await supervisor.start(ECHO)
    const [kept, changed, gone] = [sink(), sink(), sink()]
    const target = (name: string, { deliver }: typeof kept, more = {}) => ({ type: 'function', name, deliver, ...more }) as const
    const collector = collecting(supervisor, { targets: [target('kept', kept), target('changed', changed, { exclude: 'echo' }), target('gone', gone)] })
    await supervisor.write('echo', 'one\n')
    await until('they have it', () => kept.records.length === 1 && gone.records.length === 1)
    collector.update({ targets: [target('kept', kept), target('changed', changed)] })
    await collector.flush()
    await supervisor.write('echo', 'two\n')
    await until('those that are left have it', () => kept.records.length === 2 && changed.records.length === 1)
    expect([kept, changed, gone].map(({ messages }) => messages())).toEqual([['one', 'two'], ['two'], ['one']])
    expect(readdirSync(`${supervisor.stateDir}/collect`).toSorted()).toEqual(['changed.json', 'kept.json'])
    expect(() => collector.update({ targets: [{ type: 'file', path: '' }] })).toThrow(/targets.0.path must be the path of a file, not ""/)
    expect(collector.status().map(({ name }) => name)).toEqual(['kept', 'changed'])
  })

  it.each([
    [{}, 'targets.0.type must be one of file, stdout, stderr, process_manager_stdout, process_manager_stderr, syslog, http, function, not undefined'],
    [{ type: 'file', path: 'x', pth: 1 }, 'targets.0 has no option "pth"'],
    [{ type: 'http', url: 'ftp://x' }, 'targets.0.url must be an address that begins with http: or https:, not "ftp://x"'],
    [{ type: 'http', url: 'http://x', headers: { a: 'b\nc: d' } }, 'targets.0.headers.a must be a text of one line'],
    [{ type: 'stdout', include: { id: 'x' } }, 'targets.0.include must be a name or glob of ids'],
    [{ type: 'stdout', redact: ['('] }, 'targets.0.redact.0 must be a regular expression, not "("'],
    [{ type: 'stdout', level: 'loud' }, 'targets.0.level must be "trace" or'],
    [{ type: 'syslog', address: 'tcp://x:99999' }, 'targets.0.address must be udp://HOST:PORT, tcp://HOST:PORT or unix:///PATH, not "tcp://x:99999"'],
    [{ type: 'function', deliver: 1 }, 'targets.0.deliver must be a function, not 1'],
  ])('refuses %j', async (target, message) => {
    const supervisor = await aHome().supervisor()
    const error = await rejection((async () => collectLogs(supervisor, { targets: [target as never] }))())
    expect(error).toMatchObject({ code: 'PROCMAN_INVALID_ARGUMENT', message: expect.stringContaining(message) })
  })
})
