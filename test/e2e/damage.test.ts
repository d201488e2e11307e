/** Files that are not as we left them. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { aHome, type Home, inState, lives, rejection, sh, sleeper, until } from './harness.ts'

async function twoProcesses(home: Home): Promise<number | null> {
  const first = await home.supervisor()
  await first.start(sleeper({ id: 'bad', labels: { kept: 'yes' } }))
  await first.start(sleeper({ id: 'good' }))
  await first.stop('good')
  await first.launch('good')
  const { pid } = first.get('bad')
  await first.close()
  return pid
}

describe('a state file that cannot be read', () => {
  const rows: readonly [string, (text: string) => string | Buffer][] = [
    ['is empty', () => ''],
    ['was cut off after 1 byte', (text) => text.slice(0, 1)],
    ['was cut off in the middle', (text) => text.slice(0, text.length / 2)],
    ['was cut off before its last byte', (text) => text.slice(0, -1)],
    ['is random bytes', () => randomBytes(500)],
    ['is other JSON', () => '[1, 2]'],
    ['is of a later format', (text) => text.replace(/"format":\d+/, '"format":999')],
    ['is of no format', (text) => text.replace(/"format":\d+/, '"format":"x"')],
    ['names a state that there is not', (text) => text.replace('"value":"running"', '"value":"flying"')],
    ['belongs to another process', (text) => text.replaceAll('"bad"', '"good"')],
  ]

  it.each(rows)('because it %s: is moved aside and told; the process, which runs, is rebuilt; the others go on', async (_, damage) => {
    const home = aHome()
    const pid = await twoProcesses(home)
    writeFileSync(home.jobFile('bad', 'state.json'), damage(readFileSync(home.jobFile('bad', 'state.json'), 'utf8')))
    const next = await home.supervisor()
    await inState(next.ref('bad'), 'running')
    expect(next.get('bad')).toMatchObject({ pid, run: 1, labels: { kept: 'yes' } })
    expect(next.get('good')).toMatchObject({ state: 'running', run: 2 })
    expect(next.problems).toMatchObject([{ id: 'bad', path: home.jobFile('bad', 'state.json') }])
    expect(readdirSync(`${home.stateDir}/quarantine`)).toHaveLength(1)
    expect(await next.stop('bad')).toMatchObject({ status: 'cancelled' })
    expect(lives(pid)).toBe(false)
  })

  it('because it is gone: the process is rebuilt, too', async () => {
    const home = aHome()
    const pid = await twoProcesses(home)
    rmSync(home.jobFile('bad', 'state.json'))
    const next = await home.supervisor()
    await inState(next.ref('bad'), 'running')
    expect(next.get('bad')).toMatchObject({ pid, run: 1 })
  })

  it('of a process that has ended is rebuilt as ended, and not started again', async () => {
    const home = aHome()
    const first = await home.supervisor()
    await first.start(sh('exit 6', { id: 'bad' }))
    await first.wait('bad')
    await first.close()
    writeFileSync(home.jobFile('bad', 'state.json'), 'x')
    const next = await home.supervisor()
    expect(next.get('bad')).toMatchObject({ state: 'exited', exit_code: 6, run: 1 })
  })

  it('with nothing to rebuild from is moved aside with all there is', async () => {
    const home = aHome()
    await (await home.supervisor()).close()
    mkdirSync(home.jobFile('junk', ''), { recursive: true })
    writeFileSync(home.jobFile('junk', 'state.json'), 'junk')
    mkdirSync(home.jobFile('empty', ''))
    // The first start of a process was stopped before it was written down, and its manager killed before anything else was.
    mkdirSync(home.jobFile('void', ''))
    writeFileSync(home.jobFile('void', 'run-1.claim'), JSON.stringify({ v: 1, void: true, at: 1 }))
    const next = await home.supervisor()
    expect(next.list()).toEqual([])
    expect(next.problems).toMatchObject([{ id: 'junk' }])
    await until('nothing is left', () => home.ids().length === 0)
    expect((await next.start(sleeper({ id: 'junk' }))).id).toBe('junk')
  })

  it('is told as an event, too', async () => {
    const home = aHome()
    await twoProcesses(home)
    writeFileSync(home.jobFile('bad', 'state.json'), 'x')
    const told: unknown[] = []
    const next = await home.supervisor({
      inspect: (event) => {
        if (event.type === '@xstate.event' && event.event.type === 'directory.damaged') told.push((event.event as unknown as { id: string }).id)
      },
    })
    expect(told).toEqual(['bad'])
    expect(next.problems[0]?.message).toContain('rebuilt from its run files')
  })
})

describe('run files that cannot be read', () => {
  it.each(['claim', 'child', 'intent', 'exit'])('%s: crash nobody; the others go on, and the process settles when it is stopped', async (name) => {
    const home = aHome()
    const pid = await twoProcesses(home)
    writeFileSync(home.jobFile('bad', `run-1.${name}`), randomBytes(100))
    const next = await home.supervisor()
    expect(next.get('good')).toMatchObject({ state: 'running' })
    expect(next.get('bad').run).toBe(1)
    await next.stop('bad', { timeoutMs: 100 })
    await next.shutdown({ timeoutMs: 0 })
    if (name !== 'exit') expect(lives(pid)).toBe(false)
    for (const { pid: stray } of home.strays()) process.kill(stray, 'SIGKILL')
  })
})

describe('a state directory', () => {
  it('that is a file is refused', async () => {
    const home = aHome()
    writeFileSync(home.path('file'), '')
    expect((await rejection(home.supervisor({ stateDir: home.path('file') }))).code).toBe('PROCMAN_STATE_DIR_UNUSABLE')
  })

  it('is private', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(sleeper({ id: 'a', env: { SECRET: 'x' } }))
    expect(statSync(home.stateDir).mode & 0o777).toBe(0o700)
    for (const name of readdirSync(home.jobFile('a', ''))) expect(statSync(home.jobFile('a', name)).mode & 0o077, name).toBe(0)
    expect(existsSync(home.jobFile('a', 'state.json'))).toBe(true)
  })
})
