import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { kindOfArgument } from '../src/template/code.ts'
import { checkTemplates, fillSpec, TemplateError } from '../src/template.ts'
import type { ProcessSpec } from '../src/types.ts'
import { parse, problemsOf } from './spec/harness.ts'

const rest = { id: 'web', ports: { http: 'any' }, labels: { tier: 'one' }, meta: { db: 'x.sqlite', size: 5, on: true } }
const facts = { run: 7, ports: { http: 30_001 }, env: { HOME: '/home/me', EMPTY: '' } }

function fill(input: object, more: object = {}): ProcessSpec {
  return fillSpec(parse({ command: 'x', ...rest, ...input }), { ...facts, ...more })
}

function errorOf(act: () => unknown): TemplateError {
  try {
    act()
  } catch (error) {
    if (error instanceof TemplateError) return error
    throw error
  }
  throw new Error('it was filled in')
}

describe('a text', () => {
  it.each([
    ['${port.http}', '30001'],
    ['${port}', '30001'],
    ['${id}-${run}', 'web-7'],
    ['${env.HOME}/x', '/home/me/x'],
    ['${env.EMPTY}', ''],
    ['${labels.tier}', 'one'],
    ['${meta.db}', 'x.sqlite'],
    ['${meta.size} ${meta.on}', '5 true'],
    ['$$', '$'],
    ['$${id}', '${id}'],
    ['$$$${id}', '$${id}'],
    ['$$${id}', '$web'],
    ['$', '$'],
    ['$x $1 cost: 5$', '$x $1 cost: 5$'],
    ['{id} $ {id}', '{id} $ {id}'],
    ['', ''],
  ])('%s becomes %s', (text, filled) => {
    expect(fill({ args: [text] }).args).toEqual([filled])
  })

  it('takes values literally: a template in a value stays what it is', () => {
    expect(fill({ args: ['${meta.x}'], meta: { x: '${id} $$ $& $1' } }).args).toEqual(['${id} $$ $& $1'])
  })

  it('without a dollar sign stays what it is', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }).map((text) => text.replaceAll(/[$\0]/g, ''))), (args) => {
        expect(fill({ args }).args).toEqual(args)
      }),
    )
  })

  it('of any kind is what it was once its dollar signs are doubled', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom('$', '{', '}', 'id', '.', 'x') })), (args) => {
        expect(fill({ args: args.map((arg) => arg.replaceAll('$', () => '$$')) }).args).toEqual(args)
      }),
    )
  })
})

describe('the places', () => {
  it('are command, arguments, environment, directory and probes', () => {
    const filled = fill({
      command: '/bin/${meta.db}',
      args: ['--port=${port}', '-dbPath', '${meta.db}'],
      env: { ADDRESS: ':${port}' },
      cwd: 'data/${id}',
      health: {
        startup: { exec: { command: 'check-${id}', args: ['${port}'], cwd: '${env.HOME}/${run}', env: { P: '${port}' } } },
        liveness: { http: { path: '/${meta.db}', headers: { 'X-Run': '${run}' } } },
        readiness: { grpc: { host: '${labels.tier}.local', service: '${id}.Health' } },
      },
    })
    expect(filled).toMatchObject({
      command: '/bin/x.sqlite',
      args: ['--port=30001', '-dbPath', 'x.sqlite'],
      env: { ADDRESS: ':30001' },
      cwd: `${process.cwd()}/data/web`,
      health: {
        startup: { check: { command: 'check-web', args: ['30001'], cwd: '/home/me/7', env: { P: '30001' } } },
        liveness: { check: { url: 'http://localhost:30001/x.sqlite', headers: { 'X-Run': '7' } } },
        readiness: { check: { host: 'one.local', port: '30001', service: 'web.Health' } },
      },
    })
  })

  it('are nothing else: labels, metadata and the id stay what they are', () => {
    const given = { labels: { a: '${id}' }, meta: { b: '${id}' }, ready: { logLine: 'a${id}' } }
    expect(fill(given)).toMatchObject({ labels: { a: '${id}' }, meta: { b: '${id}' }, ready: { source: 'a${id}' } })
  })

  it('do not change the spec that they are filled in of', () => {
    const spec = parse({ command: 'x', ...rest, args: ['${id}'], health: { liveness: { http: {} } } })
    const before = structuredClone(spec)
    fillSpec(spec, facts)
    expect(spec).toEqual(before)
  })

  it('are left alone with template: false', () => {
    const spec = parse({ command: '${x}', args: ['$$ ${', '${port}'], env: { A: '${env.B}' }, template: false })
    expect(fillSpec(spec, facts)).toBe(spec)
  })
})

describe('the environment', () => {
  it('is for its own variables the inherited one, for all else what the process gets', () => {
    const filled = fill({ env: { HOME: '${env.HOME}/web', A: '${env.HOME}' }, args: ['${env.HOME}', '${env.A}'] })
    expect(filled.env).toEqual({ HOME: '/home/me/web', A: '/home/me' })
    expect(filled.args).toEqual(['/home/me/web', '/home/me'])
  })

  it('is judged at launch', () => {
    const spec = parse({ command: 'x', args: ['a', '${env.HOMEE}'], env: { A: '1' } })
    const error = errorOf(() => fillSpec(spec, facts))
    expect(error).toMatchObject({ place: 'args.1', what: 'there is no ${env.HOMEE} in its environment' })
    expect(error.message).toBe('args.1: there is no ${env.HOMEE} in its environment')
    const own = errorOf(() => fill({ env: { A: '1', B: '${env.A}' } }))
    expect(own.message).toBe('env.B: there is no ${env.A} in the environment that it inherits')
  })

  it('has no variables but those that are there', () => {
    expect(errorOf(() => fill({ args: ['${env.toString}'] })).place).toBe('args.0')
    expect(errorOf(() => fill({ args: ['${env.U}'] }, { env: { U: undefined } })).place).toBe('args.0')
  })
})

describe('a wrong template is told when the process is declared', () => {
  it.each<[object, string]>([
    [{ args: ['a', 'b', '${port.htpp}'] }, 'args.2: there is no ${port.htpp}; the ports of this process are http'],
    [{ args: ['${port.a}'], ports: {} }, 'args.0: there is no ${port.a}; this process has no ports'],
    [{ args: ['${port}'], ports: {} }, 'args.0: there is no ${port}; this process has no ports'],
    [{ args: ['${port}'], ports: { a: 1, b: 2 } }, 'args.0: there is no ${port}; the ports of this process are port.a, port.b'],
    [{ command: '${labels.x}' }, 'command: there is no ${labels.x}; the labels of this process are tier'],
    [{ env: { A: '${meta.x}' }, meta: {} }, 'env.A: there is no ${meta.x}; this process has no meta'],
    [{ args: ['${meta.toString}'] }, 'args.0: there is no ${meta.toString}; the meta of this process are db, size, on'],
    [
      { args: ['${name}'] },
      'args.0: there is no ${name}; there are port, port.NAME, id, run, env.NAME, labels.NAME and meta.NAME; for the text itself write $${name}',
    ],
    [{ args: ['${}'] }, 'args.0: there is no ${}; there are port, port.NAME, id, run, env.NAME, labels.NAME and meta.NAME; for the text itself write $${}'],
    [{ args: ['a ${port'] }, 'args.0: there is no } after ${port; for the text itself write $${port'],
    [{ args: ['${meta.n}'], meta: { n: 'a\0b' } }, 'args.0: the value of ${meta.n} has a NUL'],
    [{ cwd: '${meta.db}/x' }, 'cwd: it must be absolute, and "x.sqlite/x" is not'],
    [{ health: { liveness: { http: 'http://x/${meta.y}' } } }, 'health.liveness.http.url: there is no ${meta.y}; the meta of this process are db, size, on'],
    [{ health: { startup: { exec: ['a', '${port.x}'] } } }, 'health.startup.exec.args.0: there is no ${port.x}; the ports of this process are http'],
    [{ health: { readiness: { tcp: '${port.x}' } } }, 'health.readiness.tcp.port: there is no ${port.x}; the ports of this process are http'],
  ])('%j: %s', (input, problem) => {
    expect(problemsOf({ command: 'x', ...rest, ...input })).toEqual([problem])
  })

  it('all at once', () => {
    expect(problemsOf({ command: '${a', args: ['${b} ${c}'], env: { D: '${d}' } })).toHaveLength(4)
  })

  it('and is not told of a spec without templates', () => {
    expect(checkTemplates(parse({ command: '${x', template: false }))).toEqual([])
  })
})

describe('an argument is code', () => {
  const kinds = (command: string, ...args: string[]) => args.map((arg, index) => kindOfArgument(arg, command, args.slice(0, index)))
  const text = 'text'
  it.each<[string, string[], string[]]>([
    ['sh', ['-c', 'CODE', 'data', '-c', 'data'], [text, 'shell', text, text, text]],
    ['/bin/bash', ['-euo', 'pipefail', '-c', 'CODE', 'data'], [text, text, text, 'shell', text]],
    ['bash', ['-ceuo', 'pipefail', 'CODE'], [text, text, 'shell']],
    ['bash', ['-c', '-x', '--', 'CODE'], ['text', 'shell', 'shell', 'shell']],
    ['bash', ['-e', 'script.sh', 'data'], [text, text, text]],
    ['dash', ['-ec', 'CODE'], [text, 'shell']],
    ['zsh-5.9', ['-c', 'CODE'], [text, 'shell']],
    ['ksh93', ['-c', 'CODE'], [text, 'shell']],
    ['fish', ['-C', 'CODE', '--command=CODE', '-c', 'CODE'], [text, 'shell', text, text, 'shell']],
    ['sh', ['script.sh', 'data'], [text, text]],
    ['node', ['-e', 'CODE', 'data'], [text, 'code', text]],
    ['node20', ['--no-warnings', '-pe', 'CODE'], [text, text, 'code']],
    ['nodejs', ['--eval=CODE'], ['code']],
    ['node', ['--print', 'CODE'], [text, 'code']],
    ['node', ['server.js', '--port=1', '-x'], [text, text, text]],
    ['deno', ['eval', 'CODE'], [text, 'code']],
    ['bun', ['-e', 'CODE'], [text, 'code']],
    ['tsx', ['-e', 'CODE'], [text, 'code']],
    ['perl', ['-w', '-0777ne', 'CODE', 'data'], [text, text, 'code', text]],
    ['perl', ['-eCODE'], ['code']],
    ['/usr/bin/python3.11', ['-c', 'CODE', '-config', 'data'], [text, 'code', text, text]],
    ['python', ['-cCODE'], ['code']],
    ['python3', ['server.py', '-count=1'], [text, text]],
    ['ruby', ['-ne', 'CODE'], [text, 'code']],
    ['lua5.4', ['-e', 'CODE'], [text, 'code']],
    ['php8.2', ['-r', 'CODE'], [text, 'code']],
    ['awk', ['-F', ':', '-v', 'x=1', 'CODE', 'file'], [text, text, text, text, 'code', text]],
    ['gawk', ['-F:', 'CODE'], [text, 'code']],
    ['mawk', ['-f', 'prog.awk', 'file'], [text, text, text]],
    ['gawk', ['-e', 'CODE'], [text, 'code']],
    ['env', ['A=1', 'sh', '-c', 'CODE'], [text, text, text, 'shell']],
    ['sudo', ['-u', 'me', '/usr/bin/python3', '-c', 'CODE'], [text, text, text, text, 'code']],
    ['busybox', ['sh', '-c', 'CODE'], [text, text, 'shell']],
    ['busybox', ['awk', 'CODE'], [text, 'code']],
    ['servicehost', ['-c', 'data', '-e', 'data'], [text, text, text, text]],
    ['docker', ['run', 'x', '-e', 'A=1'], [text, text, text, text]],
  ])('%s %j', (command, args, expected) => {
    expect(kinds(command, ...args)).toEqual(expected)
  })
})

describe('in code', () => {
  it.each<[string, string[], string]>([
    ['ports, the id and the run are filled in for a shell', ['-c', 'x ${port} ${port.http} ${id} ${run}'], 'x 30001 30001 web 7'],
    [
      'all of a shell stays',
      ['-c', 'echo $$ $x ${x} ${x:-y} ${#x} $((1+1)) ${x:-${port}} $${id}'],
      'echo $$ $x ${x} ${x:-y} ${#x} $((1+1)) ${x:-30001} $${id}',
    ],
    ['what is not closed stays', ['-c', 'echo "${'], 'echo "${'],
  ])('%s', (_name, args, expected) => {
    expect(fill({ command: 'sh', args }).args[1]).toBe(expected)
  })

  it.each([
    ['`${id} ${run} ${env.X} ${meta.y} ${z}` $$ ${port} ${port.http}', '`${id} ${run} ${env.X} ${meta.y} ${z}` $$ 30001 30001'],
    ['`${port.toString()}` ${port.other}', '`${port.toString()}` ${port.other}'],
  ])('for another interpreter only ports are filled in: %s', (code, expected) => {
    expect(fill({ command: 'node', args: ['-e', code] }).args[1]).toBe(expected)
  })

  it('a port that is not declared, or is one of several, is a variable of the code', () => {
    expect(fill({ command: 'sh', args: ['-c', '${port}'], ports: {} }, { ports: {} }).args[1]).toBe('${port}')
    const two = { ports: { a: 1, b: 2 } }
    expect(fill({ command: 'sh', args: ['-c', '${port} ${port.b}'], ...two }, two).args[1]).toBe('${port} 2')
  })

  const danger = (name: string) => `args.1: \${${name}} in code for a shell would be run as code: pass it as an argument or a variable instead`
  it.each([
    ['${labels.tier}', danger('labels.tier')],
    ['${meta.db}', danger('meta.db')],
    ['${env.HOME}', danger('env.HOME')],
    ['${port.htpp}', 'args.1: there is no ${port.htpp}; the ports of this process are http'],
  ])('for a shell %s is refused', (code, problem) => {
    expect(problemsOf({ command: 'sh', ...rest, args: ['-c', code] })).toEqual([problem])
  })

  it('of a probe the same holds', () => {
    const probe = (code: string) => ({ command: 'x', ...rest, health: { liveness: { exec: ['sh', '-c', code] } } })
    expect(problemsOf(probe('${meta.db}'))).toEqual([expect.stringMatching(/^health\.liveness\.exec\.args\.1: /)])
    expect(fillSpec(parse(probe('nc -z localhost ${port}; test $? = 0')), facts).health?.liveness?.check).toMatchObject({
      args: ['-c', 'nc -z localhost 30001; test $? = 0'],
    })
  })

  it('it counts which program the filled in command is', () => {
    const given = { command: '${env.SHELL}', args: ['-c', 'echo ${meta.evil}'], meta: { evil: '$(touch /tmp/x)' } }
    expect(errorOf(() => fill(given, { env: { SHELL: '/bin/bash' } })).message).toContain('would be run as code')
    const flag = { command: 'bash', args: ['${meta.flag}', '${meta.evil}'], meta: { flag: '-c', evil: '' } }
    expect(problemsOf(flag)).toEqual([expect.stringContaining('would be run as code')])
  })

  it('a value never reaches the shell as code, and always as data', () => {
    const evil = '$(echo run) `echo run` "; echo run; \'$$ ${id} \\'
    const { command, args, env } = fill({
      command: 'sh',
      args: ['-c', 'printf "%s|%s|%s" "$1" "$EVIL" ${port}', 'sh', '${meta.evil}'],
      env: { EVIL: '${labels.evil}' },
      meta: { evil },
      labels: { evil },
    })
    expect(execFileSync(command, args, { env, encoding: 'utf8' })).toBe(`${evil}|${evil}|30001`)
  })
})
