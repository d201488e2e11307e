import { describe, expect, it } from 'vitest'
import { parseProcessInput } from '../../src/spec/parse.ts'
import { fillSpec } from '../../src/template.ts'
import { built, load, problemsOf } from './harness.ts'

const ENV = { NAME: 'two words', EMPTY: '', DOLLARS: '$$ ${id}', PORT: '8080', YES: 'true', WAIT: '3s', EVIL: '"; touch /tmp/evil; "' }

/** What the process gets, once the templates are filled in. */
async function launched(lines: string) {
  const { spec } = parseProcessInput(await built(lines, ENV), () => 'it')
  return fillSpec(spec, { run: 1, ports: { http: 1 }, env: {} })
}

describe('${env.NAME}', () => {
  it('is filled in from the environment, in a line and in a list, and stays one word', async () => {
    expect((await built('command: say ${env.NAME} "a ${env.NAME}"', ENV)).args).toEqual(['two words', 'a two words'])
    expect((await built('command: [say, "${env.NAME}"]\nargs: ["${env.NAME}!"]', ENV)).args).toEqual(['two words', 'two words!'])
  })

  it.each([
    ['${env.EMPTY}', ''],
    ['${env.EMPTY:-default}', 'default'],
    ['${env.NOT:-default}', 'default'],
    ['${env.NOT:-}', ''],
    ['${env.NOT:-a:-b}', 'a:-b'],
    ['${env.NAME:-default}', 'two words'],
  ])('%s is %j', async (text, value) => {
    expect((await built(`command: x\nenv: { IT: "${text}" }`, ENV)).env).toEqual({ IT: value })
  })

  it('may stand for numbers, flags, durations, ports', async () => {
    const process = await built(
      'command: x\nports: { http: "${env.PORT:-1}" }\nautostart: "${env.YES}"\nstartup_timeout: "${env.WAIT}"\nreplicas: "${env.NOT:-1}"\nlabels: { a: "${env.NAME}" }',
      ENV,
    )
    expect(process).toMatchObject({ ports: { http: { port: 8080 } }, autostart: true, startupTimeoutMs: 3_000, id: 'it-1', labels: { a: 'two words' } })
  })

  it('puts values in that are not filled in again at launch; other templates are', async () => {
    const { args, env, cwd } = await launched('command: [x, "${env.DOLLARS} ${id}"]\nenv: { IT: "${env.DOLLARS} ${id}" }\ncwd: "/a/${env.DOLLARS}"')
    expect([args, env, cwd]).toEqual([['$$ ${id} it'], { IT: '$$ ${id} it' }, '/a/$$ ${id}'])
    expect((await launched('command: [x, "${env.DOLLARS}"]\ntemplate: false\nenv: { IT: "${env.DOLLARS}" }')).args).toEqual(['$$ ${id}'])
  })

  it('is the text itself behind a second dollar', async () => {
    expect((await launched('command: [x, "$${env.NAME}"]\nlabels: { a: "$${env.NAME}" }')).args).toEqual(['${env.NAME}'])
    expect((await built('command: x\nlabels: { a: "$${env.NAME}", b: "$$" }', ENV)).labels).toEqual({ a: '${env.NAME}', b: '$$' })
  })

  it('looks into .env beside the file, where the environment has none', async () => {
    const files = { 'procman.yaml': 'processes: { a: "x ${env.A} ${env.B}" }', '.env': 'A=from file\nB=from file\n' }
    const project = await load(files, { env: { A: 'from env' } })
    expect(project.processes[0]?.args).toEqual(['from env', 'from file'])
    expect(project.processes[0]?.env).toEqual({})
    expect(project.files).toEqual([project.path, `${project.dir}/.env`])
  })

  it.each([
    ['${env.NOT}', 'there is no variable NOT in the environment or in .env; set it, or write ${env.NOT:-default}'],
    ['${env.NAME-x}', '"${env.NAME-x}" is no reference: write ${env.NAME} or ${env.NAME:-default}'],
    ['${env.}', '"${env.}" is no reference: write ${env.NAME} or ${env.NAME:-default}'],
    ['${env.A:-${env.B}}', 'the default in "${env.A:-${env.B}" cannot have a reference of its own'],
    ['${env.NAME', 'there is no } after "${env.NAME"'],
  ])('%s is refused, with its place', async (text, problem) => {
    expect(await problemsOf(`processes:\n  a:\n    command: x\n    labels: { b: '${text}' }\n`, { env: ENV })).toEqual([
      `4:18 processes.a.labels.b: ${problem}`,
    ])
  })
})

describe('${env.NAME} in code', () => {
  it.each([
    ['shell: true\ncommand: "echo ${env.EVIL} \\"${env.EVIL}\\""'],
    ['command: [sh, -c, "echo ${env.EVIL} \\"${env.EVIL}\\""]'],
    [`command: sh -c 'echo \${env.EVIL} "\${env.EVIL}"'`],
  ])('is a variable for a shell, whose value is data: %s', async (lines) => {
    const { args, env } = await launched(lines)
    expect(args).toEqual(['-c', 'echo ${PROCMAN_CONFIG_ENV_EVIL} "${PROCMAN_CONFIG_ENV_EVIL}"'])
    expect(env).toEqual({ PROCMAN_CONFIG_ENV_EVIL: ENV.EVIL })
  })

  it('is another variable with another default, and leaves what is the shell’s own', async () => {
    const { args, env } = await launched('shell: true\ncommand: "${env.A:-1} ${env.A:-2} ${env.A:-1} $$ ${HOME} ${port.http}"\nports: { http: any }')
    expect(args[1]).toBe('${PROCMAN_CONFIG_ENV_A} ${PROCMAN_CONFIG_ENV_2_A} ${PROCMAN_CONFIG_ENV_A} $$ ${HOME} 1')
    expect(env).toEqual({ PROCMAN_CONFIG_ENV_A: '1', PROCMAN_CONFIG_ENV_2_A: '2' })
  })

  it('is taken for an argument of the script where it is one', async () => {
    expect((await launched('shell: true\ncommand: echo "$1"\nargs: ["${env.EVIL}"]')).args).toEqual(['-c', 'echo "$1"', 'sh', ENV.EVIL])
  })

  it('goes to the environment of the process for the command of a probe, too', async () => {
    const process = await built(`command: x\nhealth: { exec: [sh, -c, 'test "\${env.NAME}" && x'] }`, ENV)
    expect(process.health?.liveness).toMatchObject({ exec: { command: 'sh', args: ['-c', 'test "${PROCMAN_CONFIG_ENV_NAME}" && x'] } })
    expect(process.env).toEqual({ PROCMAN_CONFIG_ENV_NAME: 'two words' })
  })

  it.each([
    [`command: "echo '\${env.NAME}'"\nshell: true`, 'stands in single quotes, in which a shell puts nothing in; write double quotes'],
    [`command: [node, -e, "\${env.NAME}"]`, 'in code would be run as code: have the code read its environment'],
  ])('is refused where it could not be data: %s', async (lines, problem) => {
    expect(await problemsOf(`processes:\n  it:\n${lines.replace(/^/gm, '    ')}\n`, { env: ENV })).toEqual([expect.stringContaining(`\${env.NAME} ${problem}`)])
  })
})

describe('env_file', () => {
  it('gives variables as they stand there; the last file counts, and env counts more', async () => {
    const files = {
      'procman.yaml': 'processes: { a: { command: x, env_file: [one.env, sub/two.env], env: { C: own } } }',
      'one.env': 'A=1\nB=1\nC=1',
      'sub/two.env': 'B=${id}$$',
    }
    const project = await load(files)
    expect(project.processes[0]?.env).toEqual({ A: '1', B: '$${id}$$$$', C: 'own' })
    expect(project.files).toEqual([project.path, `${project.dir}/.env`, `${project.dir}/one.env`, `${project.dir}/sub/two.env`])
  })

  it('may be a .env that is not there, which is told', async () => {
    const project = await load('processes: { a: { command: x, env_file: .env } }')
    expect(project.processes[0]?.env).toEqual({})
    expect(project.warnings).toEqual([`env_file of a: there is no file ${project.dir}/.env`])
    expect(project.files).toContain(`${project.dir}/.env`)
  })

  it('that is missing is refused with its place', async () => {
    expect(await problemsOf('processes:\n  a:\n    command: x\n    env_file: [nothing.env]\n')).toEqual([
      expect.stringMatching(/^4:16 processes\.a\.env_file\.0: there is no file .*nothing\.env$/),
    ])
  })
})
