/** The same promises where only the keeper in Node can run. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { agreed, aHome, fixture, inState, kill, lives, obedient, outputOf, rejection, sh, sleeper, until } from './harness.ts'

const keeper = 'node'

describe('with the keeper in Node', () => {
  it('processes are started with their arguments, environment and stdin, and their ends are exact', async () => {
    const supervisor = await aHome().supervisor({ keeper })
    const [argv, exits, killed] = await Promise.all([
      supervisor.start({ command: process.execPath, args: [fixture('argv.mjs'), '', 'ü $HOME\n'], env: { ADDED: '1' } }),
      supervisor.start(obedient()),
      supervisor.start(sh('kill -9 $$')),
    ])
    const seen = JSON.parse(await outputOf(supervisor, argv.id))
    expect(seen).toMatchObject({ args: ['', 'ü $HOME\n'], env: { ADDED: '1', PROCMAN_ID: argv.id, PROCMAN_RUN: '1' } })
    await supervisor.write(exits.id, 'echo hello; exit 137\n')
    expect(await supervisor.wait(exits.id)).toMatchObject({ exit_code: 137, signal: null })
    expect(await outputOf(supervisor, exits.id)).toBe('hello\n')
    expect(await supervisor.wait(killed.id)).toMatchObject({ exit_code: null, signal: 'SIGKILL' })
  })

  it.each([
    [{ command: 'no-such-command-here' }, 'command', 'ENOENT'],
    [{ command: fixture('argv.mjs') }, 'command', 'EACCES'],
    [{ command: 'true', cwd: '/no/where' }, 'cwd', 'ENOENT'],
  ])('what cannot be executed is refused with the cause: %j', async (input, step, errno) => {
    const home = aHome()
    const supervisor = await home.supervisor({ keeper })
    expect(await rejection(supervisor.start(input))).toMatchObject({ code: 'PROCMAN_LAUNCH_FAILED', details: { step, errno } })
    expect(home.ids()).toEqual([])
  })

  it('a manager that is killed is followed by one that knows everything', async () => {
    const home = aHome()
    const manager = await home.manager({ keeper })
    const { pid } = await manager.start(obedient({ id: 'job' }))
    await manager.kill()
    expect(lives(pid)).toBe(true)
    const next = await home.supervisor({ keeper })
    await inState(next.ref('job'), 'running')
    expect(agreed(next.get('job'))).toMatchObject({ pid, run: 1 })
    await next.write('job', 'exit 8\n')
    expect(await next.wait('job')).toMatchObject({ exit_code: 8 })
    expect(readFileSync(home.jobFile('job', 'run-1.exit'), 'utf8')).toContain('"code":8')
  })

  it('a stop ends the deaf, and what left group and session', async () => {
    const home = aHome()
    const supervisor = await home.supervisor({ keeper })
    const { id } = await supervisor.start(sh(`trap "" TERM; ${fixture('escape.sh')} ${home.path('escaped')}; while :; do sleep 1; done`))
    const pid = await until('the grandchild is there', () => Number(home.text('escaped')))
    expect(await supervisor.stop(id, { timeoutMs: 100 })).toMatchObject({ status: 'cancelled', signal: 'SIGKILL' })
    expect(lives(pid)).toBe(false)
  })

  it('a restart is the next run, and a service that was killed comes back', async () => {
    const supervisor = await aHome().supervisor({ keeper })
    const { id } = await supervisor.start(sleeper({ restart: { strategy: 'always', delayMs: 0 } }))
    expect(await supervisor.restart(id)).toMatchObject({ state: 'running', run: 2 })
    kill(supervisor.get(id).pid)
    await until('run 3 is up', () => supervisor.get(id).run === 3 && supervisor.get(id).state === 'running')
  })

  it('a killed keeper leaves a command that is known and can be stopped', async () => {
    const home = aHome()
    const supervisor = await home.supervisor({ keeper })
    const { id } = await supervisor.start(sleeper())
    kill(home.keeperPid(id))
    await until('the loss is known', () => supervisor.get(id).keeper_lost)
    expect((await supervisor.stop(id)).state).toBe('orphaned')
  })
})
