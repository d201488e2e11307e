import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { CheckerPorts } from '../../../src/effects/probe/checker.ts'
import { fixture, lives, until } from '../../e2e/harness.ts'
import { ask, checkerOf, fails, never, PASSES } from './harness.ts'

let dir = ''
beforeEach(() => {
  const made = mkdtempSync(join(tmpdir(), 'procman-exec-probe-'))
  dir = made
  return () => rmSync(made, { recursive: true })
})

const KEEPER = fileURLToPath(new URL('../../../dist/keeper/procman-keeper', import.meta.url))
const WAYS = [
  { way: 'guarded', guard: KEEPER },
  { way: 'alone', guard: null },
].filter(({ guard }) => guard === null || existsSync(guard))

/** Set by each suite. */
let program: string | null = null

type Exec = { command: string; args?: readonly string[]; cwd?: string | null; env?: Record<string, string> }

const exec = ({ command, args = [], cwd = null, env = {} }: Exec, ports: Partial<CheckerPorts> = {}) =>
  checkerOf({ kind: 'exec', command, args, cwd, env }, { cwd: dir, guard: () => program, ...ports })

const sh = (script: string, ...args: string[]) => exec({ command: 'sh', args: ['-c', script, 'sh', ...args] })

const node = (script: string) => exec({ command: process.execPath, args: ['-e', script] })

describe.each(WAYS)('an exec probe, $way', ({ guard }) => {
  beforeEach(() => {
    program = guard
  })

  it('passes with exit code 0, whatever it says', async () => {
    expect(await ask(sh('echo fine; echo oh >&2'))).toEqual(PASSES)
  })

  it.each([
    ['exit 3', 'exited with code 3'],
    ['echo a; echo b >&2; echo; exit 1', 'exited with code 1: b'],
    ['printf "first\\r\\n  last \\033[31mwords\\t\\n\\n"; exit 1', 'exited with code 1: last  [31mwords'],
    ['kill -9 $$', 'ended by SIGKILL'],
    ['echo bye; kill -TERM $$', 'ended by SIGTERM: bye'],
  ])('that does %j fails as %j', async (script, cause) => {
    expect(await ask(sh(script))).toEqual(fails(cause))
  })

  it('shows its last words although it says much, and ends at once', async () => {
    const script = "for (let i = 0; i < 20000; i++) process.stdout.write('line ' + i + '\\n'); process.stdout.write('last\\n', () => process.exit(2))"
    expect(await ask(node(script))).toEqual(fails('exited with code 2: last'))
    expect(await ask(node("require('fs').writeSync(2, 'x'.repeat(60000)); process.exit(1)"))).toEqual(fails(`exited with code 1: ${'x'.repeat(1024)}`))
  })

  it('is executed as it stands, without a shell, with nothing to read, in the directory of the process', async () => {
    const script = "require('fs').writeFileSync('seen', JSON.stringify([process.argv.slice(1), require('fs').readFileSync(0, 'utf8'), process.cwd()]))"
    expect(await ask(exec({ command: process.execPath, args: ['-e', script, '$HOME', '* ; exit 1', ''] }))).toEqual(PASSES)
    expect(JSON.parse(readFileSync(join(dir, 'seen'), 'utf8'))).toEqual([['$HOME', '* ; exit 1', ''], '', dir])
    expect(await ask(exec({ command: 'pwd', cwd: '/' }))).toEqual(PASSES)
    expect(await ask(exec({ command: 'sh', args: ['-c', 'pwd; exit 1'], cwd: '/usr' }))).toEqual(fails('exited with code 1: /usr'))
  })

  it('has the environment of the process and its own, and a token of its own each time', async () => {
    const script = 'env | sort | tr "\\n" " "; exit 1'
    const run = { PATH: process.env.PATH ?? '', A: 'process', B: 'process', PROCMAN_ID: 'web', PROCMAN_TOKEN: 'of the run' }
    const checker = exec({ command: '/bin/sh', args: ['-c', script], env: { B: 'probe', C: 'probe' } }, { env: () => run })
    const [one, other] = [(await ask(checker))?.cause ?? '', (await ask(checker))?.cause ?? '']
    expect(one).toMatch(/A=process B=probe C=probe .*PROCMAN_ID=web PROCMAN_TOKEN=probe\.[0-9a-f]{24} /)
    expect(one).not.toEqual(other)
  })

  it('that cannot be executed says why', async () => {
    writeFileSync(join(dir, 'plain'), 'no program')
    expect(await ask(exec({ command: 'no-such-command' }))).toEqual(fails('command "no-such-command" not found (ENOENT)'))
    expect(await ask(exec({ command: './plain' }))).toEqual(fails('command "./plain" cannot be executed (EACCES)'))
    expect(await ask(exec({ command: 'true', cwd: '/no/such/place' }))).toEqual(fails('working directory "/no/such/place" not found (ENOENT)'))
    expect((await ask(exec({ command: 'true', args: ['a\0b'] })))?.cause).toMatch(/null bytes/)
    chmodSync(join(dir, 'plain'), 0o755)
    writeFileSync(join(dir, 'script'), '#!/no/such/interpreter\n', { mode: 0o755 })
    expect((await ask(exec({ command: './script' })))?.cause).toMatch(/ENOENT/)
  })
})

describe.skipIf(process.platform !== 'linux').each(WAYS)('the tree of an exec probe, $way', ({ guard }) => {
  beforeEach(() => {
    program = guard
  })

  const TREE = 5
  const grow = () => {
    const file = join(dir, 'pids')
    const checker = exec({ command: 'sh', args: [fixture('probe-tree.sh'), file] })
    const pids = () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [])
    onTestFinished(() => {
      for (const pid of pids().filter(lives)) process.kill(pid, 'SIGKILL')
    })
    return { checker, pids, grown: () => until('it has grown', () => pids().length === TREE && pids()) }
  }

  it('is gone after the timeout, all of it', async () => {
    const { checker, pids } = grow()
    expect(await ask(checker, 1_000)).toEqual(fails('timeout after 1000 ms'))
    await until('none lives', () => pids().filter(lives).length === 0)
  })

  it.each(['abort', 'close'])('is gone after %s, all of it', async (how) => {
    const { checker, pids, grown } = grow()
    const over = new AbortController()
    const answer = ask(checker, 60_000, over.signal)
    await grown()
    if (how === 'abort') over.abort()
    else checker.close()
    expect(await answer).toEqual(fails('aborted'))
    await until('none lives', () => pids().filter(lives).length === 0)
  })

  it('that cleared its own environment is gone too', async () => {
    const file = join(dir, 'pids')
    const script = 'setsid sleep 600 & echo $! >> "$0"; (setsid sleep 600 & echo $! >> "$0"); echo $$ >> "$0"; exec sleep 600'
    const checker = exec({ command: 'env', args: ['-i', `PATH=${process.env.PATH}`, 'sh', '-c', script, file] })
    const over = new AbortController()
    const answer = ask(checker, 60_000, over.signal)
    const pids = await until('it has grown', () => existsSync(file) && readFileSync(file, 'utf8').trim().split('\n').length === 3 && readFileSync(file, 'utf8'))
    const [child, twiceForked, leader] = pids.split('\n').map(Number)
    onTestFinished(() => {
      if (twiceForked !== undefined && lives(twiceForked)) process.kill(twiceForked, 'SIGKILL')
    })
    over.abort()
    await answer
    // Forked twice, in a session of its own and without the token: only a guard knows whose it is.
    const known = guard === null ? [child, leader] : [child, twiceForked, leader]
    await until('none lives', () => known.every((pid) => pid !== undefined && !lives(pid)))
  })

  it('is all that is ended: what another probe has started lives', async () => {
    const { checker, pids, grown } = grow()
    const stranger = sh('echo $$ > stranger; exec sleep 600')
    const over = new AbortController()
    let told: unknown = 'nothing'
    const others = stranger.check(60_000, never()).then((answer) => {
      told = answer
    })
    const pid = Number(await until('the stranger is there', () => existsSync(join(dir, 'stranger')) && readFileSync(join(dir, 'stranger'), 'utf8').trim()))
    const answer = ask(checker, 60_000, over.signal)
    await grown()
    over.abort()
    await answer
    await until('none lives', () => pids().filter(lives).length === 0)
    expect([told, lives(pid)]).toEqual(['nothing', true])
    stranger.close()
    await others
    await until('it is gone', () => !lives(pid))
  })

  it('is gone before the next probe begins', async () => {
    const file = join(dir, 'pids')
    const checker = sh('echo $$ >> "$1"; exec sleep 600', file)
    const pids = () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [])
    for (let probes = 1; probes <= 3; probes++) {
      await ask(checker, 500)
      expect(pids().slice(0, -1).filter(lives)).toEqual([])
    }
    await until('none lives', () => pids().filter(lives).length === 0)
  })

  it('loses what it left behind when the command ends by itself, and who holds its output is not waited for', async () => {
    const [inGroup, outside] = [join(dir, 'in'), join(dir, 'out')]
    const script = 'sleep 600 & echo $! > "$1"; setsid sh -c "echo \\$\\$ > $2; exec sleep 600" & until [ -s "$2" ]; do :; done; exit 7'
    expect(await ask(sh(script, inGroup, outside), 60_000)).toEqual(fails('exited with code 7'))
    const [left, escaped] = [inGroup, outside].map((file) => Number(readFileSync(file, 'utf8')))
    onTestFinished(() => {
      if (lives(escaped ?? 0)) process.kill(escaped ?? 0, 'SIGKILL')
    })
    await until('it is gone', () => !lives(left ?? 0))
    // Without a guard that is its group only.
    if (guard === null) expect(lives(escaped ?? 0)).toBe(true)
    else await until('it is gone, too', () => !lives(escaped ?? 0))
  })

  it('leaves no descriptor behind', async () => {
    const fds = () => readdirSync('/proc/self/fd').length
    const checker = sh('sleep 600 & exit 1')
    await ask(checker)
    const before = fds()
    for (let probes = 1; probes <= 5; probes++) await ask(checker)
    await until('they are closed', () => fds() <= before)
  })
})

describe.skipIf(!existsSync(KEEPER))('the guard of an exec probe', () => {
  beforeEach(() => {
    program = KEEPER
  })

  it('that cannot be executed is not taken for the command', async () => {
    expect(await ask(exec({ command: 'true' }, { guard: () => '/no/such/keeper' }))).toEqual(fails('the keeper cannot be executed (ENOENT)'))
  })

  it('that is killed leaves the end of the command unknown', async () => {
    const answer = await ask(sh('echo $$ > pid; kill -9 $PPID; exec sleep 600'))
    const pid = Number(readFileSync(join(dir, 'pid'), 'utf8'))
    onTestFinished(() => {
      if (lives(pid)) process.kill(pid, 'SIGKILL')
    })
    expect(answer).toEqual(fails('the guard of the command was killed'))
  })

  it.skipIf(process.platform !== 'linux')('tells signals that Node does not know', async () => {
    expect(await ask(sh('kill -40 $$'))).toEqual(fails('ended by SIGRTMIN+6'))
  })
})
