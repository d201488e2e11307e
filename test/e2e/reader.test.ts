/** Looking at a state directory without holding it. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { LogLine } from '../../src/api.ts'
import type { ProcessRecord } from '../../src/machines/process/record.ts'
import { createReader } from '../../src/reader.ts'
import { openStdin } from '../../src/stdin.ts'
import { aHome, fixture, type Home, kill, lives, obedient, rejection, sh, sleeper, until } from './harness.ts'

async function texts(lines: AsyncIterable<LogLine>): Promise<readonly string[]> {
  const all: string[] = []
  for await (const line of lines) all.push(line.text)
  return all
}

describe('a reader', () => {
  it('of a directory that is not there sees nothing', () => {
    const reader = createReader({ stateDir: aHome().path('nowhere') })
    expect(reader.list()).toEqual([])
    expect(reader.survey()).toEqual({ records: [], problems: [] })
    expect(() => reader.get('x')).toThrow(expect.objectContaining({ code: 'PROCMAN_PROCESS_UNKNOWN' }))
  })

  it('beside a living manager sees what that sees', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(sleeper({ id: 'up', labels: { a: '1' } }))
    await supervisor.start(sh('exit 3', { id: 'down' }))
    await supervisor.wait('down')
    const reader = createReader({ stateDir: home.stateDir })
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1)
    expect(reader.list()).toEqual([...supervisor.list()].sort(byId))
    expect(reader.list({ labels: { a: '1' }, status: 'running' })).toEqual([supervisor.get('up')])
    expect(reader.get('d')).toEqual(supervisor.get('down'))
  })

  it('beside a living manager waits and follows to the end, over restarts too', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const reader = createReader({ stateDir: home.stateDir })
    await supervisor.start(sh('echo run $PROCMAN_RUN; exit 2', { id: 'job', restart: { strategy: 'always', delayMs: 30, maxAttempts: 2 } }))
    const [record, lines] = await Promise.all([reader.wait('job'), texts(reader.watch('job'))])
    expect(record).toMatchObject({ state: 'exited', run: 3, exit_code: 2 })
    expect(lines).toEqual(['run 1', 'run 2', 'run 3'])
  })

  it('without any manager tells what is up, sees its end at once, and follows its output', async () => {
    const home = aHome()
    const manager = await home.manager()
    const { pid } = await manager.start(obedient({ id: 'job' }))
    await manager.kill()
    const reader = createReader({ stateDir: home.stateDir })
    expect(reader.get('job')).toMatchObject({ state: 'running', pid, run: 1 })
    const waiting = reader.wait('job')
    const watching = texts(reader.watch('job'))
    await openStdin(home.stateDir, 'job').write('echo hello; exit 9\n')
    expect(await waiting).toMatchObject({ state: 'exited', status: 'failed', exit_code: 9, pid: null })
    expect(await watching).toEqual(['hello'])
    expect(JSON.parse(readFileSync(home.jobFile('job', 'state.json'), 'utf8')).snapshot.value).toBe('running')
  })

  it('without any manager does not count a process as ended while its leftovers are being stopped', async () => {
    const home = aHome()
    const manager = await home.manager()
    const left = home.path('left')
    await manager.start(
      sh(`${fixture('escape.sh')} ${left}; until [ -s ${left} ]; do sleep 0.01; done; read go; exit 5`, { id: 'job', stdin: 'pipe', stop: { timeoutMs: 200 } }),
    )
    await manager.call('write', 'job', 'go\n')
    await manager.kill()
    const record = await createReader({ stateDir: home.stateDir }).wait('job')
    expect(record).toMatchObject({ state: 'exited', exit_code: 5 })
    expect(lives(Number(home.text('left')))).toBe(false)
  })

  it('without any manager does not count a process as ended whose keeper was killed over its leftovers: the next manager stops them', async () => {
    const home = aHome()
    const manager = await home.manager()
    const left = home.path('left')
    const deaf = `trap "" TERM; echo $$ > ${left}; while :; do sleep 0.2; done`
    await manager.start(sh(`sh -c '${deaf}' & until [ -s ${left} ]; do sleep 0.01; done; exit 5`, { id: 'job', stop: { timeoutMs: 60_000 } }))
    await until('it is over its leftovers', () => existsSync(home.jobFile('job', 'run-1.rest')))
    await manager.kill()
    kill(home.keeperPid('job'))
    await until('the keeper is gone', () => !lives(home.keeperPid('job')))
    expect(createReader({ stateDir: home.stateDir }).get('job')).toMatchObject({ state: 'stopping', status: 'running' })
    const next = await home.supervisor()
    expect(await next.wait('job')).toMatchObject({ state: 'exited', exit_code: 5 })
    expect(lives(Number(home.text('left')))).toBe(false)
  })

  it('sees a keeper that was killed, with its command alive and without', async () => {
    const home = aHome()
    const manager = await home.manager()
    const { pid } = await manager.start(sleeper({ id: 'job' }))
    await manager.kill()
    const reader = createReader({ stateDir: home.stateDir })
    kill(home.keeperPid('job'))
    await until('the keeper is gone', () => reader.get('job').keeper_lost)
    expect(reader.get('job')).toMatchObject({ state: 'running', pid })
    const waiting = reader.wait('job')
    kill(pid)
    expect(await waiting).toMatchObject({ state: 'orphaned', exit_code: null })
  })

  it('says of a process without a state what the next manager makes of its run files, and what readers say after that', async () => {
    const home = aHome()
    const first = await home.supervisor()
    await first.start(sh('exit 0', { id: 'job' }))
    await first.wait('job')
    await first.close()
    // Its first start was stopped by restarts before anything was executed, and its manager killed before it wrote that down.
    for (const file of ['state.json', 'run-1.child', 'run-1.exit']) rmSync(home.jobFile('job', file), { force: true })
    for (const run of [1, 2]) writeFileSync(home.jobFile('job', `run-${run}.claim`), JSON.stringify({ v: 1, void: true, at: Date.now() }))
    const told = ({ run, state, status }: ProcessRecord) => ({ run, state, status })
    const reader = createReader({ stateDir: home.stateDir })
    const before = told(reader.get('job'))
    const next = await home.supervisor()
    expect(told(await next.wait('job'))).toEqual({ run: 2, state: 'exited', status: 'failed' })
    expect(told(reader.get('job'))).toEqual(told(next.get('job')))
    expect(before).toMatchObject({ run: 2 })
  })

  it('gives up waiting when told to', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(sleeper({ id: 'job' }))
    const reader = createReader({ stateDir: home.stateDir })
    expect((await rejection(reader.wait('job', { timeoutMs: 20 }))).code).toBe('PROCMAN_TIMEOUT')
    expect((await rejection(reader.wait('job', { signal: AbortSignal.timeout(20) }))).code).toBe('PROCMAN_ABORTED')
    expect((await rejection(supervisor.wait('job', { timeoutMs: 20 }))).code).toBe('PROCMAN_TIMEOUT')
    expect((await rejection(supervisor.wait('job', { timeoutMs: Number.NaN }))).code).toBe('PROCMAN_INVALID_ARGUMENT')
    expect((await rejection(reader.wait('job', { timeoutMs: -1 }))).code).toBe('PROCMAN_INVALID_ARGUMENT')
    expect((await rejection(supervisor.wait('job', { signal: AbortSignal.timeout(20) }))).code).toBe('PROCMAN_ABORTED')
  })

  it('notices that what it waits for was removed', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(sleeper({ id: 'job', autostart: false }))
    const waiting = rejection(createReader({ stateDir: home.stateDir }).wait('job'))
    await supervisor.remove('job')
    expect((await waiting).code).toBe('PROCMAN_PROCESS_UNKNOWN')
  })
})

/** A process that has written `ready` and that no manager holds, and what a reader gets of it from there on. */
async function followed(home: Home): Promise<{ readonly ending: Promise<IteratorResult<LogLine>> }> {
  const manager = await home.manager()
  await manager.start(obedient({ id: 'job' }))
  await manager.call('write', 'job', 'echo ready\n')
  await manager.kill()
  const lines = createReader({ stateDir: home.stateDir }).watch('job')[Symbol.asyncIterator]()
  expect((await lines.next()).value?.text).toBe('ready')
  return { ending: lines.next() }
}

describe('following a process', () => {
  it('fails when its state can be read no more: that is not its end', async () => {
    const home = aHome()
    const { ending } = await followed(home)
    const failed = rejection(ending)
    rmSync(home.jobFile('job', 'run-1.intent'))
    writeFileSync(home.jobFile('job', 'state.json'), '{')
    expect(await failed).toMatchObject({ code: 'PROCMAN_PROCESS_DAMAGED', message: expect.stringContaining(home.jobFile('job', 'state.json')) })
    expect(home.strays()).toHaveLength(1)
    kill(home.strays()[0]?.pid)
  })

  it('ends when it is removed', async () => {
    const home = aHome()
    const { ending } = await followed(home)
    const supervisor = await home.supervisor()
    await supervisor.stop('job')
    await supervisor.remove('job')
    expect((await ending).done).toBe(true)
  })

  it.each(['job', 'job-2'])('that was removed before the first read gives nothing, whoever is called %s then', async (another) => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(sleeper({ id: 'job', autostart: false }))
    const lines = createReader({ stateDir: home.stateDir }).watch('job')
    await supervisor.remove('job')
    await supervisor.start(sh('echo of another one; exec sleep 600', { id: another }))
    await until('that one has written', () => readFileSync(home.jobFile(another, 'stdout.log'), 'utf8') !== '')
    expect(await texts(lines)).toEqual([])
  })
})
