/** `${…}` in what is launched and asked: filled in anew for each run, never by a shell, and wrong names are errors that say where. */
import { describe, expect, it } from 'vitest'
import type { ProcessInput } from '../../src/api.ts'
import { aHome, type Home, kill, outputOf, pause, rejection, until } from './harness.ts'
import { aPeer, http, isState } from './services.ts'

/** Prints its arguments, a line each. */
const prints = (args: readonly string[], more: Partial<ProcessInput> = {}): ProcessInput => ({ command: 'printf', args: ['%s\\n', ...args], ...more })

async function printed(input: ProcessInput): Promise<string[]> {
  const supervisor = await aHome().supervisor()
  const { id } = await supervisor.start(input)
  return (await outputOf(supervisor, id)).split('\n').slice(0, -1)
}

describe('a template', () => {
  it('knows port, id, run, labels, meta and env', async () => {
    const args = ['${id}', '${run}', '${labels.tier}', '${meta.size}/${meta.big}/${meta.name}', '${env.OWN}', '${env.HOME}', '${port}${port.http}']
    const input = prints(args, {
      ...{ id: 'web', labels: { tier: 'front' }, meta: { size: 3, big: true, name: 'a b' }, env: { OWN: 'mine' } },
      ports: { http: 'any' },
    })
    const lines = await printed(input)
    expect(lines.slice(0, 6)).toEqual(['web', '1', 'front', '3/true/a b', 'mine', process.env.HOME ?? ''])
    expect(lines[6]).toMatch(/^(\d+)\1$/)
  })

  it('$$ is a dollar sign, and a dollar alone is itself', async () => {
    expect(await printed(prints(['$$', '$${id}', 'a$b', '$', '$HOME', '$(id)', '`id`']))).toEqual(['$', '${id}', 'a$b', '$', '$HOME', '$(id)', '`id`'])
  })

  it('is filled in once, literally: what is in a value stays what it is, and no shell sees it', async () => {
    const evil = '$(touch /nowhere/procman-evil); ${id} $$ `id` "\'* \\'
    expect(
      await printed(prints(['${meta.evil}', '${labels.evil}', '${env.EVIL}'], { meta: { evil }, labels: { evil }, env: { EVIL: '${meta.evil}' } })),
    ).toEqual([evil, evil, evil])
  })

  it('may be in the command, the directory and variables', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start({
      ...{ command: '${meta.program}', args: ['-c', 'pwd; echo "$GREETING"'], cwd: `${home.dir.slice(0, -1)}\${meta.last}` },
      ...{ env: { GREETING: 'I am ${id}, run ${run}' }, meta: { program: 'sh', last: home.dir.slice(-1) }, id: 'web' },
    })
    expect(await outputOf(supervisor, id)).toBe(`${home.dir}\nI am web, run 1\n`)
  })

  it('${env.NAME} in a variable is what is inherited, elsewhere what the process gets', async () => {
    expect(await printed(prints(['${env.HOME}'], { env: { HOME: '<${env.HOME}>' } }))).toEqual([`<${process.env.HOME}>`])
    expect(await printed(prints(['${env.A}'], { inheritEnv: false, command: '/usr/bin/printf', env: { A: 'own' } }))).toEqual(['own'])
    const supervisor = await aHome().supervisor()
    const error = await rejection(supervisor.start({ ...prints([]), inheritEnv: false, env: { A: '${env.HOME}' } }))
    expect(error).toMatchObject({ code: 'PROCMAN_INVALID_SPEC', message: expect.stringMatching(/^env\.A: there is no \$\{env\.HOME\} in the environment/) })
  })

  it('is filled in anew for each run', async () => {
    const peer = await aPeer()
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start({
      ...{ command: 'sh', args: ['-c', 'echo "$0"; exec sleep 600', 'run ${run}'], restart: { strategy: 'always', delayMs: 0 } },
      health: { liveness: http(`http://127.0.0.1:${peer.port}/run-\${run}`) },
    })
    await until('run 1 is asked', () => peer.asked.length > 0)
    kill(supervisor.get(id).pid)
    await isState(supervisor, id, 'running', 2)
    await until('run 2 is asked', () => peer.asked.some(({ path }) => path === '/run-2'))
    const texts: string[] = []
    for await (const line of supervisor.watch(id)) if (texts.push(line.text) === 2) break
    expect(texts).toEqual(['run 1', 'run 2'])
    const first = peer.asked.findIndex(({ path }) => path === '/run-2')
    expect(peer.asked.every(({ path }, index) => path === (index < first ? '/run-1' : '/run-2'))).toBe(true)
  })

  it('is left as it is with template: false', async () => {
    expect(await printed(prints(['${id}', '$$', '${nonsense}'], { template: false }))).toEqual(['${id}', '$$', '${nonsense}'])
  })

  it('in the code of a shell is only filled in where it can do no harm', async () => {
    const supervisor = await aHome().supervisor()
    const { id } = await supervisor.start({
      ...{ command: 'sh', args: ['-c', 'name=shell; echo ${port} ${port.http} ${id} ${run} ${name} $$'], id: 'web', ports: { http: 'any' } },
    })
    const port = supervisor.get(id).ports.http
    expect(await outputOf(supervisor, id)).toMatch(new RegExp(`^${port} ${port} web 1 shell \\d+\\n$`))
    const error = await rejection(supervisor.start({ command: 'sh', args: ['-c', 'echo ${meta.evil}'], meta: { evil: '$(id)' } }))
    expect(error).toMatchObject({ code: 'PROCMAN_INVALID_SPEC', message: expect.stringMatching(/args\.1: .*would be run as code/) })
  })
})

describe('an unknown name', () => {
  it.each<[Partial<ProcessInput>, RegExp]>([
    [{ args: ['x', '${nobody}'] }, /args\.1: there is no \$\{nobody\}; there are port/],
    [{ args: ['${port.admin}'], ports: { http: 'any' } }, /args\.0: there is no \$\{port\.admin\}; the ports of this process are http/],
    [{ args: ['${port}'] }, /args\.0: there is no \$\{port\}; this process has no ports/],
    [{ args: ['${port}'], ports: { a: 'any', b: 'any' } }, /args\.0: there is no \$\{port\}; the ports of this process are port\.a, port\.b/],
    [{ env: { WHERE: '${labels.zone}' } }, /env\.WHERE: there is no \$\{labels\.zone\}; this process has no labels/],
    [{ cwd: '/${meta.dir}', meta: { name: 'x' } }, /cwd: there is no \$\{meta\.dir\}; the meta of this process are name/],
    [{ health: { liveness: { http: 'http://localhost:${port.http}/' } } }, /health\.liveness\.http\.url: there is no \$\{port\.http\}/],
    [{ health: { startup: { exec: ['true', '${what}'] } } }, /health\.startup\.exec\.args\.0: there is no \$\{what\}/],
    [{ args: ['${id'] }, /args\.0: there is no } after/],
  ])('%j is an error that names it and the place, and leaves nothing', async (more, message) => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const error = await rejection(supervisor.start({ command: 'sleep', args: ['600'], ...more }))
    expect(error.code).toBe('PROCMAN_INVALID_SPEC')
    expect(error.message).toMatch(message)
    expect(home.ids()).toEqual([])
  })

  it('of a variable is known at the launch only: an error that names it then, and leaves nothing', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const error = await rejection(supervisor.start({ command: 'sleep', args: ['${env.PROCMAN_NO_SUCH_VARIABLE}'], restart: 'always' }))
    expect(error.code).toBe('PROCMAN_INVALID_SPEC')
    expect(error.message).toMatch(/args\.0: there is no \$\{env\.PROCMAN_NO_SUCH_VARIABLE\} in its environment/)
    expect(home.ids()).toEqual([])
    expect(supervisor.list()).toEqual([])
  })

  it('of a variable that a later manager does not have is a failed start of the next run, with the place', async () => {
    const home = aHome()
    const name = 'PROCMAN_TEST_ONLY_FIRST'
    const first = await home.manager({}, { node: ['env', `${name}=600`, process.execPath] })
    const { pid } = await first.start({
      id: 'web',
      command: 'sleep',
      args: [`\${env.${name}}`],
      restart: { strategy: 'always', delayMs: 0, maxDelayMs: 60_000 },
    })
    await first.kill()
    const next = await home.supervisor()
    await pause(20)
    expect(next.get('web')).toMatchObject({ state: 'running', pid, args: [`\${env.${name}}`] })
    kill(pid)
    const record = await isState(next, 'web', 'backoff', 2)
    expect(record.error).toBe(`args.0: there is no \${env.${name}} in its environment`)
    expect(record.attempts).toMatchObject({ crash: { in_a_row: 1 }, start: { in_a_row: 1 } })
  })
})

describe('a manager that is killed', () => {
  it('has an heir that asks what was filled in for the run, whatever its own environment is', async () => {
    const peer = await aPeer()
    const home: Home = aHome()
    const first = await home.manager({}, { node: ['env', 'PROCMAN_TEST_PATH=first', process.execPath] })
    const { pid } = await first.start({
      id: 'web',
      command: 'sleep',
      args: ['600'],
      health: { liveness: http(`http://127.0.0.1:${peer.port}/\${env.PROCMAN_TEST_PATH}`) },
    })
    await until('it is asked', () => peer.asked.length > 0)
    await first.kill()
    const before = peer.asked.length
    const next = await home.supervisor()
    await until('it is asked on', () => peer.asked.length > before + 2)
    expect(new Set(peer.asked.map(({ path }) => path))).toEqual(new Set(['/first']))
    expect(next.get('web')).toMatchObject({ pid, run: 1 })
  })
})
