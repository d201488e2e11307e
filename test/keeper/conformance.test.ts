/** The contract of keeper/README.md, against both keepers, with real processes. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const cKeeper = process.env.PROCMAN_TEST_KEEPER ?? join(root, 'dist/keeper/procman-keeper') // e.g. a prebuilt one
const nodeKeeper = join(root, 'dist/keeper/node-keeper.js')
const linux = process.platform === 'linux'
const PATH = '/usr/local/bin:/usr/bin:/bin'

/** waits for a fact: looks every few milliseconds, fails loudly after 10 s */
const until = async <T>(what: string, look: () => T | undefined | false | null): Promise<T> => {
  for (const end = Date.now() + 10_000; ; ) {
    const seen = look()
    if (seen !== undefined && seen !== false && seen !== null) return seen
    if (Date.now() > end) throw new Error(`never came true: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 4))
  }
}
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const quiet = <T>(work: () => T): T | undefined => {
  try {
    return work()
  } catch {
    return undefined
  }
}

/** alive and no zombie */
const lives = (pid: number): boolean => {
  if (linux) {
    const text = quiet(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
    return text !== undefined && !'ZX'.includes(text[text.lastIndexOf(')') + 2] ?? 'Z')
  }
  return !(quiet(() => execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim()) ?? 'Z').startsWith('Z')
}

interface Spec {
  args: (string | Buffer)[]
  env?: string[]
  cwd?: string
  stdin?: string
  stdout?: string
  leftovers?: string
  graceMs?: number
  extra?: string[]
}

interface Started {
  process: ChildProcess
  bell: () => string
  /** the bell's end has been closed */
  quiet: Promise<void>
  exited: Promise<number | null>
}

let dir = ''
let started: Started[] = []
let extraPids: number[] = []

const file = (name: string) => join(dir, name)
const text = (name: string) => readFileSync(file(name), 'utf8')
const json = (name: string) => JSON.parse(text(name))
const token = (n = 1) => `${dir}#${n}`
const sh = (script: string, ...args: string[]) => ['sh', '-c', script, 'sh', ...args]

const intentOf = (spec: Spec, n = 1): Buffer => {
  const fields: (string | Buffer)[] = ['v=1', `token=${token(n)}`, `cwd=${spec.cwd ?? dir}`]
  for (const arg of spec.args) fields.push(Buffer.concat([Buffer.from('arg='), Buffer.from(arg)]))
  for (const env of spec.env ?? [`PATH=${PATH}`, `PROCMAN_TOKEN=${token(n)}`]) fields.push(`env=${env}`)
  fields.push(`stdin=${spec.stdin ?? 'null'}`, `stdout=${spec.stdout ?? 'out.log'}`, 'stderr=err.log')
  fields.push(`leftovers=${spec.leftovers ?? 'stop'}`, `graceMs=${spec.graceMs ?? 300}`, ...(spec.extra ?? []))
  return Buffer.concat(fields.flatMap((field) => [Buffer.from(field), Buffer.from([0])]))
}
const write = (spec: Spec, n = 1) => {
  writeFileSync(file(`run-${n}.intent.tmp`), intentOf(spec, n), { mode: 0o600 })
  renameSync(file(`run-${n}.intent.tmp`), file(`run-${n}.intent`))
}

/** A directory that cannot be moved aside either: rename(2) onto it fails. @returns a function that takes it away */
const obstruct = (name: string): (() => void) => {
  mkdirSync(file(name))
  mkdirSync(join(file(`${name}.odd`), 'full'), { recursive: true })
  return () => {
    rmdirSync(file(name))
    rmSync(file(`${name}.odd`), { recursive: true })
  }
}

/** EAGAIN: somebody holds the FIFO; 0: nobody does */
const held = (name: string): boolean => {
  const fd = openSync(file(name), constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    return readSync(fd, Buffer.alloc(1)) !== 0
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN'
  } finally {
    closeSync(fd)
  }
}
const tell = (what: string, name = 'run-1.ctl') => {
  const fd = openSync(file(name), constants.O_WRONLY | constants.O_NONBLOCK)
  writeSync(fd, what)
  closeSync(fd)
}
const ctlError = (name = 'run-1.ctl') => {
  try {
    closeSync(openSync(file(name), constants.O_WRONLY | constants.O_NONBLOCK))
    return ''
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}
const ended = () => until('run-1.exit', () => existsSync(file('run-1.exit')) && json('run-1.exit'))
const says = (what: string, name = 'out.log') => until(`"${what}" in ${name}`, () => quiet(() => text(name))?.includes(what))
const pidIn = (name: string) => until(name, () => Number(quiet(() => text(name).match(/^(\d+)\n/)?.[1])) || undefined)

const adopt = (child: ChildProcess, bell: Readable): Started => {
  let heard = ''
  bell.on('data', (chunk: Buffer) => {
    heard += chunk.toString()
  })
  const it = {
    process: child,
    bell: () => heard,
    quiet: new Promise<void>((resolve) => bell.on('close', resolve)),
    exited: new Promise<number | null>((resolve) => child.on('exit', resolve)),
  }
  started.push(it)
  return it
}

beforeAll(() => {
  if (!existsSync(cKeeper)) execFileSync(process.execPath, [join(root, 'scripts/build-keeper.mjs')])
  if (!existsSync(nodeKeeper)) execFileSync('npx', ['tsc', '-p', 'tsconfig.keeper.json'], { cwd: root })
}, 60_000)

beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'procman-keeper-')))
  started = []
  extraPids = []
})

afterEach(async () => {
  for (const name of existsSync(dir) ? readdirSync(dir).filter((entry) => entry.endsWith('.ctl')) : []) quiet(() => tell('k\n', name))
  for (const name of existsSync(dir) ? readdirSync(dir).filter((entry) => entry.endsWith('.alive')) : [])
    await until(`${name} let go`, () => !held(name) || started.every((s) => s.process.exitCode !== null || s.process.signalCode !== null)).catch(() => {})
  // whatever a failed test, or a killed keeper, has left: known by its token
  for (const pid of extraPids) quiet(() => process.kill(pid, 'SIGKILL'))
  if (linux)
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
      if (quiet(() => readFileSync(`/proc/${pid}/environ`, 'utf8'))?.includes(`PROCMAN_TOKEN=${dir}#`)) quiet(() => process.kill(Number(pid), 'SIGKILL'))
  for (const s of started) {
    if (!(await Promise.race([s.exited.then(() => true), pause(3000)]))) s.process.kill('SIGKILL')
    await s.exited
  }
  rmSync(dir, { recursive: true, force: true })
})

/** No claim is longer, and no claim with a child behind it, nor any child, is shorter. */
const CLAIM_BYTES = 110

const keepers = [
  { name: 'C', command: [cKeeper] },
  { name: 'Node', command: [process.execPath, nodeKeeper] },
]

describe.each(keepers)('the keeper in $name', { timeout: 20_000 }, ({ name, command }) => {
  const isC = name === 'C'
  /** @param how it is called */
  const keep = (n = 1, how: readonly string[] = []) => {
    const [program = '', ...args] = [...how, ...command, 'keep', `run-${n}`, '3']
    const child = spawn(program, args, { cwd: dir, detached: true, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
    return adopt(child, child.stdio[3] as Readable)
  }
  const run = (spec: Spec) => {
    write(spec)
    return keep()
  }
  const launched = async (spec: Spec) => {
    const keeper = run(spec)
    await until('the bell', () => keeper.bell() !== '')
    expect(keeper.bell()).toBe(`${token()} L\n`)
    return keeper
  }

  it('tells its version', () => {
    const [program = '', ...args] = command
    expect(execFileSync(program, [...args, 'version'], { encoding: 'utf8' })).toBe('procman-keeper 1\n')
  })

  describe('how it ended', () => {
    it.each([0, 3, 137, 255])('records exit code %i', async (code) => {
      const keeper = run({ args: sh(`exit ${code}`) })
      expect(await ended()).toEqual({ v: 1, kind: 'code', code, at: expect.any(Number) })
      expect(await keeper.exited).toBe(0)
      expect(keeper.bell()).toBe(`${token()} L\n`)
    })

    it.each([9, 15, 6])('records signal %i, which is not an exit code', async (signal) => {
      const keeper = run({ args: sh(`ulimit -c 0; kill -${signal} $$`) })
      expect(await ended()).toEqual({ v: 1, kind: 'signal', signal, core: false, at: expect.any(Number) })
      expect(await keeper.exited).toBe(0)
    })

    it('has the exit file on disk before it lets go of alive', async () => {
      const keeper = await launched({ args: ['cat'], stdin: 'pipe' })
      expect(held('run-1.alive')).toBe(true)
      expect(existsSync(file('run-1.exit'))).toBe(false)
      tell('c\n')
      await until('alive let go', () => {
        if (held('run-1.alive')) return false
        expect(existsSync(file('run-1.exit'))).toBe(true)
        return true
      })
      expect(json('run-1.exit').code).toBe(0)
      await keeper.exited
      expect(ctlError()).toBe('ENXIO')
    })

    it.each([
      ['exit', ['exit']],
      ['child and an exit', ['child', 'exit']],
    ])('is a further line of the claim where there is no room for a file named %s', async (_, names) => {
      const ways = names.map((name) => obstruct(`run-1.${name}`))
      const keeper = await launched({ args: sh('exit 4') })
      expect(await keeper.exited).toBe(0)
      for (const giveWay of ways) giveWay()
      const [claim, ...lines] = text('run-1.claim').split('\n')
      expect(JSON.parse(claim ?? '')).toMatchObject({ v: 1, pid: keeper.process.pid })
      expect(lines.pop()).toBe('')
      const child = { v: 1, pid: expect.any(Number), start: expect.any(String), out: 0, err: 0 }
      const exit = { v: 1, kind: 'code', code: 4, at: expect.any(Number) }
      expect(lines.map((line) => JSON.parse(line))).toMatchObject(names.length === 1 ? [exit] : [child, exit])
      for (const name of names) expect(existsSync(file(`run-1.${name}`))).toBe(false)
    })

    it('of a command that was not executed is there, too', async () => {
      const giveWay = obstruct('run-1.exit')
      const keeper = run({ args: ['no-such-command'] })
      expect(await keeper.exited).toBe(0)
      giveWay()
      expect(JSON.parse(text('run-1.claim').split('\n')[1] ?? '')).toMatchObject({ kind: 'failed', step: 'command', errno: 'ENOENT' })
    })

    it('is not written to what somebody has put in the place of the claim', async () => {
      const giveWay = obstruct('run-1.exit')
      const keeper = await launched({ args: sh('until [ -e go ]; do sleep 0.01; done; exit 4') })
      const { pid } = json('run-1.child')
      renameSync(file('run-1.claim'), file('theirs'))
      symlinkSync(file('theirs'), file('run-1.claim'))
      const before = text('theirs')
      writeFileSync(file('go'), '')
      await until('one vain try', () => !lives(pid))
      expect(held('run-1.alive')).toBe(true)
      giveWay()
      expect((await ended()).code).toBe(4)
      expect(await keeper.exited).toBe(0)
      expect(text('theirs')).toBe(before)
    })

    it('tries again while it can be written nowhere', async () => {
      const giveWay = obstruct('run-1.exit')
      const keeper = await launched({ args: sh('until [ -e go ]; do sleep 0.01; done; exit 4') })
      const { pid } = json('run-1.child')
      rmSync(file('run-1.claim'))
      writeFileSync(file('go'), '')
      await until('one vain try', () => !lives(pid))
      expect(held('run-1.alive')).toBe(true)
      giveWay()
      expect((await ended()).code).toBe(4)
      expect(await keeper.exited).toBe(0)
    })

    it('leaves nothing behind that is told to end whole, whatever its intent says', async () => {
      const keeper = await launched({ args: sh('sleep 600 & echo $!; read x'), stdin: 'pipe', leftovers: 'leave' })
      const pid = await until('the child of the command', () => Number(text('out.log')) || undefined)
      extraPids = [pid]
      tell('t\nc\n')
      expect(await keeper.exited).toBe(0)
      expect(lives(pid)).toBe(false)
    })

    it('leaves when the directory of the run files is gone', async () => {
      const keeper = await launched({ args: ['cat'], stdin: 'pipe' })
      const { pid } = json('run-1.child')
      rmSync(dir, { recursive: true })
      process.kill(pid, 'SIGTERM')
      expect(await keeper.exited).toBe(0)
    })
  })

  describe('what the command gets', () => {
    it('passes arguments byte for byte', async () => {
      const args = [
        '',
        ' ',
        'a b',
        'two\nlines\n',
        '$HOME `id` $(id)',
        '*',
        '?[a-z]',
        '"\'\\',
        'grün 日本 🙂',
        '--',
        '-n',
        '--help',
        '=',
        'a=b',
        '\t',
        'x'.repeat(100_000),
      ]
      const keeper = run({ args: sh(`for a; do printf '%s\\0' "$a"; done`, ...args) })
      await keeper.exited
      expect(text('out.log')).toBe(args.map((arg) => `${arg}\0`).join(''))
    })

    it.runIf(isC)('passes bytes that are not UTF-8', async () => {
      const keeper = run({ args: [...sh(`printf %s "$1"`), Buffer.from([0xff, 0xfe, 0x80, 0x20])] })
      await keeper.exited
      expect([...readFileSync(file('out.log'))]).toEqual([0xff, 0xfe, 0x80, 0x20])
    })

    it.skipIf(isC)('refuses bytes that are not UTF-8 (Node cannot pass them)', async () => {
      const keeper = run({ args: [...sh(`printf %s "$1"`), Buffer.from([0xff])] })
      expect(await ended()).toMatchObject({ kind: 'failed', step: 'intent', errno: 'EILSEQ' })
      await keeper.exited
    })

    it('gives exactly the environment of the intent', async () => {
      const env = ['B=2', 'A=1', 'EMPTY=', 'EQ=a=b=c', 'NL=a\nb', 'UTF=ü 🙂', `PATH=${PATH}`]
      const keeper = run({ args: ['env', '-0'], env })
      await keeper.exited
      expect(text('out.log').split('\0').slice(0, -1)).toEqual(env)
    })

    it('runs with an empty environment', async () => {
      const keeper = run({ args: ['/usr/bin/env'], env: [] })
      expect((await ended()).code).toBe(0)
      await keeper.exited
      expect(text('out.log')).toBe('')
    })

    it('shows the name as argument 0 as it was given', async () => {
      const keeper = run({ args: sh(`tr '\\0' '|' < /proc/$$/cmdline`), env: [`PATH=${PATH}`] })
      await keeper.exited
      if (linux) expect(text('out.log')).toMatch(/^sh\|-c\|/)
    })

    it('starts in cwd', async () => {
      mkdirSync(file('a b'))
      const keeper = run({ args: ['pwd'], cwd: file('a b') })
      await keeper.exited
      expect(text('out.log')).toBe(`${file('a b')}\n`)
    })

    it('appends to the logs and says where the run began', async () => {
      writeFileSync(file('out.log'), 'before\n')
      const keeper = run({ args: sh('echo out; echo err >&2') })
      await keeper.exited
      expect(text('out.log')).toBe('before\nout\n')
      expect(text('err.log')).toBe('err\n')
      expect(json('run-1.child')).toMatchObject({ v: 1, out: 7, err: 0 })
    })

    it.runIf(linux)('inherits 0, 1 and 2 and nothing else', async () => {
      const keeper = run({ args: ['ls', '/proc/self/fd'] })
      await keeper.exited
      expect(text('out.log').trim().split('\n')).toEqual(['0', '1', '2', '3']) // 3 is the directory that ls reads
    })

    it.runIf(linux)('has its own session, default signals, an empty mask and the umask of the starter', async () => {
      const keeper = run({ args: sh(`cat /proc/self/status; cut -d' ' -f5,6 /proc/$$/stat; umask`) })
      await keeper.exited
      const out = text('out.log')
      expect(out).toMatch(/SigBlk:\s0+\n/)
      expect(Number.parseInt(/SigIgn:\s([0-9a-f]+)\n/.exec(out)?.[1] ?? 'f', 16) % 2 ** 31).toBe(0)
      const { pid } = json('run-1.child')
      expect(out).toContain(`\n${pid} ${pid}\n`)
      expect(Number.parseInt(out.trim().split('\n').at(-1) ?? '', 8)).toBe(process.umask())
    })

    it('reads nothing from a null stdin', async () => {
      const keeper = run({ args: ['cat'] })
      expect((await ended()).code).toBe(0)
      await keeper.exited
      expect(existsSync(file('run-1.in'))).toBe(false)
    })
  })

  describe('stdin=pipe', () => {
    it('takes several writers, and ends at c', async () => {
      const keeper = await launched({ args: ['cat'], stdin: 'pipe' })
      for (const line of ['one\n', 'two\n']) {
        tell(line, 'run-1.in')
        await says(line)
      }
      expect(existsSync(file('run-1.exit'))).toBe(false)
      tell('c\n')
      expect((await ended()).code).toBe(0)
      expect(await keeper.exited).toBe(0)
      expect(text('out.log')).toBe('one\ntwo\n')
    })

    it('keeps what was written before c for the command', async () => {
      const keeper = await launched({ args: sh('read go; cat'), stdin: 'pipe' })
      tell('go\nlast words', 'run-1.in')
      tell('c\n')
      await keeper.exited
      expect(text('out.log')).toBe('last words')
    })
  })

  describe('notify', () => {
    const notify = (script: string, fd: number | string = 3): Spec => ({ args: sh(script), extra: [`notify=${fd}`] })
    const READY = { v: 1, at: expect.any(Number) }
    /** fails when `notify` is let go of before `ready` can be read */
    const ready = (n = 1) =>
      until(`run-${n}.ready`, () => {
        if (!existsSync(file(`run-${n}.child`)) || held(`run-${n}.notify`)) return false
        expect(readdirSync(dir)).toContain(`run-${n}.ready`)
        return json(`run-${n}.ready`)
      })
    const letGo = () => until('notify let go', () => !held('run-1.notify'))
    /** the script goes on at `touch go` */
    const wait = (name: string) => `until [ -e ${name} ]; do sleep 0.01; done`
    const go = (name: string) => writeFileSync(file(name), '')
    const cpuMs = (pid = 0) => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /s, '').split(' ')
      return 10 * (Number(fields[11]) + Number(fields[12]))
    }

    it('is ready at the first newline, not before, and only once', async () => {
      const keeper = await launched(
        notify(`printf 'almost' >&3; echo said; ${wait('a')}; printf ' there\\n' >&3; ${wait('b')}; printf 'again\\nand again\\n' >&3; ${wait('c')}`),
      )
      await says('said')
      expect(held('run-1.notify')).toBe(true)
      expect(existsSync(file('run-1.ready'))).toBe(false)
      go('a')
      const first = await ready()
      expect(first).toEqual(READY)
      expect(statSync(file('run-1.ready')).mode & 0o777).toBe(0o600)
      expect(held('run-1.alive')).toBe(true)
      go('b')
      go('c')
      expect((await ended()).code).toBe(0)
      await keeper.exited
      expect(json('run-1.ready')).toEqual(first)
    })

    it('is ready at several newlines at once', async () => {
      const keeper = await launched(notify(`printf '\\n\\nx\\ny' >&3; ${wait('a')}`))
      expect(await ready()).toEqual(READY)
      go('a')
      await keeper.exited
    })

    it('is let go of without ready when the command closes the descriptor without a newline', async () => {
      const keeper = await launched(notify(`printf almost >&3; exec 3>&-; ${wait('a')}`))
      await letGo()
      expect(held('run-1.alive')).toBe(true)
      expect(existsSync(file('run-1.ready'))).toBe(false)
      go('a')
      await keeper.exited
      expect(existsSync(file('run-1.ready'))).toBe(false)
    })

    it('is held while anybody has the descriptor', async () => {
      const keeper = await launched(notify(`sh -c '${wait('a')}' & exec 3>&-; echo closed; wait; ${wait('b')}`))
      await says('closed')
      expect(held('run-1.notify')).toBe(true)
      go('a')
      await letGo()
      expect(existsSync(file('run-1.ready'))).toBe(false)
      go('b')
      await keeper.exited
    })

    it('is let go of without ready when the command ends before', async () => {
      const keeper = run(notify('printf almost >&3; exit 4'))
      expect(await keeper.exited).toBe(0)
      expect(held('run-1.notify')).toBe(false)
      expect(existsSync(file('run-1.ready'))).toBe(false)
      expect(json('run-1.exit').code).toBe(4)
    })

    it('is let go of when the command has ended, whoever has the descriptor', async () => {
      const keeper = run({ ...notify(`trap '' TERM; sleep 1000 & exit 4`), graceMs: 60_000 })
      await until('rest', () => existsSync(file('run-1.rest')) && !held('run-1.alive'))
      expect(held('run-1.notify')).toBe(false)
      expect(existsSync(file('run-1.ready'))).toBe(false)
      tell('k\n')
      await keeper.exited
    })

    it('hears the last words of the command', async () => {
      const keeper = run(notify('echo >&3'))
      expect(await keeper.exited).toBe(0)
      expect(json('run-1.ready')).toEqual(READY)
      expect(json('run-1.exit').code).toBe(0)
    })

    it.runIf(linux)('hears a grandchild in a session of its own', async () => {
      const keeper = await launched(notify(`(setsid sh -c '${wait('a')}; echo >&3' &) ; exec 3>&-; echo left; ${wait('b')}`))
      await says('left')
      expect(held('run-1.notify')).toBe(true)
      go('a')
      expect(await ready()).toEqual(READY)
      go('b')
      await keeper.exited
    })

    // also those that the keepers have open themselves when they fork
    const NUMBERS = [...Array.from({ length: 30 }, (_, i) => i + 3), 255]

    it.runIf(linux)('gives exactly the descriptor that was asked for, and no other', async () => {
      for (const n of NUMBERS)
        write({ ...notify(`ls /proc/$$/fd; readlink /proc/$$/fd/${n}; echo > /dev/fd/${n}; cat`, n), stdin: 'pipe', stdout: `out-${n}.log` }, n)
      const keepers = NUMBERS.map((n) => keep(n))
      for (const n of NUMBERS) {
        expect(await ready(n)).toEqual(READY)
        expect(text(`out-${n}.log`).trim().split('\n')).toEqual([...['0', '1', '2', `${n}`].sort(), expect.stringContaining(isC ? 'pipe:' : 'notify')])
        tell('c\n', `run-${n}.ctl`)
      }
      expect(await Promise.all(keepers.map((each) => each.exited))).toEqual(NUMBERS.map(() => 0))
    })

    it('says why a command cannot be executed, whatever the number', async () => {
      writeFileSync(file('x'), '#!/no/such/interpreter\n', { mode: 0o755 })
      for (const n of NUMBERS) write({ args: [file('x')], extra: [`notify=${n}`] }, n)
      const keepers = NUMBERS.map((n) => keep(n))
      expect(await Promise.all(keepers.map((each) => each.exited))).toEqual(NUMBERS.map(() => 0))
      for (const n of NUMBERS) {
        expect([n, json(`run-${n}.exit`)]).toMatchObject([n, { kind: 'failed', step: 'interpreter', errno: 'ENOENT' }])
        expect(held(`run-${n}.notify`)).toBe(false)
        expect(existsSync(file(`run-${n}.ready`))).toBe(false)
      }
    })

    it.runIf(linux)('fails where the descriptor is beyond the limit', async () => {
      write(notify('echo ran', 255))
      await keep(1, ['prlimit', '--nofile=200:200']).exited
      expect(json('run-1.exit')).toMatchObject({ kind: 'failed', step: 'log', errno: 'EBADF' })
    })

    it('blocks no command that goes on talking, before and after', async () => {
      const flood = 'head -c 1000000 /dev/zero >&3'
      const keeper = await launched(notify(`${flood}; echo first; ${wait('a')}; echo >&3; ${flood}; echo second; ${wait('b')}`))
      await says('first')
      expect(held('run-1.notify')).toBe(true)
      expect(existsSync(file('run-1.ready'))).toBe(false)
      go('a')
      expect(await ready()).toEqual(READY)
      await says('second')
      go('b')
      expect((await ended()).code).toBe(0)
      await keeper.exited
    })

    it('serves and ends as ever under a flood that never ends', async () => {
      const keeper = await launched(notify('(exec yes >&3) & exec sleep 1000'))
      expect(await ready()).toEqual(READY)
      tell('p15\n')
      expect(await ended()).toMatchObject({ kind: 'signal', signal: 15 })
      expect(await keeper.exited).toBe(0)
    })

    it('reads on from what has outlived the command', async () => {
      const keeper = run({
        ...notify(`(trap '' TERM; echo up; ${wait('a')}; head -c 1000000 /dev/zero >&3; echo "wrote $?") & until [ -s out.log ]; do sleep 0.01; done; exit 5`),
        graceMs: 60_000,
      })
      await until('rest', () => existsSync(file('run-1.rest')) && !held('run-1.alive'))
      go('a')
      expect(await keeper.exited).toBe(0)
      expect(text('out.log')).toBe('up\nwrote 0\n')
    })

    it.runIf(linux)('uses no CPU while it waits, neither before nor after', async () => {
      const keeper = await launched(notify(`${wait('a')}; echo >&3; ${wait('b')}`))
      const idle = async () => {
        if (!isC) await pause(300) // V8 tidies up after the start
        const before = cpuMs(keeper.process.pid)
        await pause(300) // here time itself is the fact
        expect(cpuMs(keeper.process.pid) - before).toBeLessThanOrEqual(10)
      }
      await idle()
      go('a')
      await ready()
      await idle()
    })

    it('is a further line of the claim where there is no room for a file', async () => {
      const giveWay = obstruct('run-1.ready')
      const keeper = await launched(notify(`echo >&3; ${wait('a')}; exit 4`))
      await letGo()
      giveWay()
      expect(JSON.parse(text('run-1.claim').split('\n')[1] ?? '')).toEqual(READY)
      go('a')
      await keeper.exited
      expect(json('run-1.exit').code).toBe(4)
      expect(existsSync(file('run-1.ready'))).toBe(false)
    })

    it('is tried again while it can be written nowhere', async () => {
      const giveWay = obstruct('run-1.ready')
      const keeper = await launched(notify(`${wait('a')}; echo >&3; echo said; ${wait('b')}; exit 4`))
      renameSync(file('run-1.claim'), file('theirs'))
      go('a')
      await says('said')
      await pause(50)
      expect(held('run-1.notify')).toBe(true)
      giveWay()
      expect(await ready()).toEqual(READY)
      go('b')
      await keeper.exited
      expect(json('run-1.exit').code).toBe(4)
    })

    it('keeps nothing from ending that can be written nowhere', async () => {
      const giveWay = obstruct('run-1.ready')
      const keeper = await launched(notify(`${wait('a')}; echo >&3; exit 4`))
      renameSync(file('run-1.claim'), file('theirs'))
      go('a')
      expect(await keeper.exited).toBe(0)
      expect(json('run-1.exit').code).toBe(4)
      expect(held('run-1.notify')).toBe(false)
      giveWay()
    })

    it.each(['notify', 'ready'])('moves a directory in the place of %s aside', async (name) => {
      mkdirSync(join(file(`run-1.${name}`), 'full'), { recursive: true })
      await run(notify('echo >&3')).exited
      expect(json('run-1.ready')).toEqual(READY)
      expect(readdirSync(file(`run-1.${name}.odd`))).toEqual(['full'])
    })

    it('makes one execution of several twins, and leaves nothing of theirs', async () => {
      write(notify(`echo ran; echo >&3; ${wait('a')}`))
      const twins = [1, 2, 3].map(() => keep())
      expect(await ready()).toEqual(READY)
      go('a')
      expect(await Promise.all(twins.map((twin) => twin.exited))).toEqual([0, 0, 0])
      expect(text('out.log')).toBe('ran\n')
      expect(readdirSync(dir).filter((entry) => entry.endsWith('.tmp'))).toEqual([])
    })

    it.each(['2', '256', '0', '-3', '3x', '', ' 3', '1e1', '99999999999999999999'])('refuses the number "%s"', async (number) => {
      const keeper = run(notify('echo ran', number))
      expect(await keeper.exited).toBe(0)
      expect(json('run-1.exit')).toMatchObject({ kind: 'failed', step: 'intent', errno: 'EINVAL' })
      expect(existsSync(file('run-1.notify'))).toBe(false)
    })

    it('is only there when asked for', async () => {
      await run({ args: sh('echo >&3') }).exited
      expect(readdirSync(dir).sort()).toEqual(
        ['err.log', 'out.log', ...['alive', 'child', 'claim', 'ctl', 'exit', 'intent'].map((name) => `run-1.${name}`)].sort(),
      )
    })
  })

  describe('what cannot be executed', () => {
    const fails = async (spec: Spec, step: string, errno: string) => {
      const keeper = run(spec)
      expect(await keeper.exited).toBe(0)
      expect(json('run-1.exit')).toEqual({ v: 1, kind: 'failed', step, errno, at: expect.any(Number) })
      await keeper.quiet
      expect(keeper.bell()).toBe(`${token()} F\n`)
      expect(ctlError()).toBe('ENXIO')
      expect(quiet(() => text('out.log')) ?? '').toBe('')
    }
    const script = (name: string, content: string, mode = 0o755) => {
      writeFileSync(file(name), content)
      chmodSync(file(name), mode)
      return file(name)
    }

    it('no such command in PATH', () => fails({ args: ['procman-no-such-command'] }, 'command', 'ENOENT'))
    it('no such file', () => fails({ args: [file('nothing')] }, 'command', 'ENOENT'))
    it('no PATH and none by default', () => fails({ args: ['procman-no-such-command'], env: [] }, 'command', 'ENOENT'))
    it('the empty command', () => fails({ args: [''] }, 'command', 'ENOENT'))
    it('not executable', () => fails({ args: [script('x', '#!/bin/sh\necho ran', 0o644)] }, 'command', 'EACCES'))
    it('not executable in PATH', () => {
      script('x', '#!/bin/sh\necho ran', 0o644)
      return fails({ args: ['x'], env: [`PATH=/nowhere:${dir}:${dir}/x`] }, 'command', 'EACCES')
    })
    it('a directory', () => fails({ args: [dir] }, 'command', 'EACCES'))
    it('a script without #!', () => fails({ args: [script('x', 'echo ran')] }, 'command', 'ENOEXEC'))
    it('a script without #! in PATH', () => {
      script('x', 'echo ran')
      return fails({ args: ['x'], env: [`PATH=${dir}`] }, 'command', 'ENOEXEC')
    })
    it('an interpreter that is not there', () => fails({ args: [script('x', '#!/no/such/interpreter\n')] }, 'interpreter', 'ENOENT'))
    it('an interpreter that is not there, in PATH', () => {
      script('x', '#!/no/such/interpreter\n')
      return fails({ args: ['x'], env: [`PATH=${dir}:/nowhere`] }, 'interpreter', 'ENOENT')
    })
    it('an argument that is too long', () => fails({ args: ['echo', 'x'.repeat(4_000_000)] }, 'command', 'E2BIG'))
    it('no cwd', () => fails({ args: ['pwd'], cwd: file('nowhere') }, 'cwd', 'ENOENT'))
    it('a cwd that is a file', () => fails({ args: ['pwd'], cwd: script('x', '') }, 'cwd', 'ENOTDIR'))
    it('no directory for the log', () => fails({ args: ['pwd'], stdout: 'nowhere/out.log' }, 'log', 'ENOENT'))
    it('an intent with a damaged field', () => fails({ args: ['pwd'], graceMs: Number.NaN }, 'intent', 'EINVAL'))
    it('an unknown kind of stdin', () => fails({ args: ['pwd'], stdin: 'tty' }, 'intent', 'EINVAL'))
    it('no arguments', () => fails({ args: [] }, 'intent', 'EINVAL'))
    it('a cwd that is not absolute', () => fails({ args: ['pwd'], cwd: '.' }, 'intent', 'EINVAL'))

    it.each([
      ['of another version', 'v=2\0token=t\0cwd=/\0arg=pwd\0stdout=o\0stderr=e\0'],
      ['that is empty', ''],
      ['of noise', '\x01\x02=\xff{"a":1}'],
      ['cut short', 'v=1\0token=t\0cwd=/'],
    ])('an intent %s', async (_, content) => {
      writeFileSync(file('run-1.intent'), content, 'latin1')
      const keeper = keep()
      expect(await keeper.exited).toBe(0)
      expect(json('run-1.exit')).toMatchObject({ kind: 'failed', step: 'intent', errno: 'EINVAL' })
    })

    it('no intent: it was asked for by a process that has been removed, and touches nothing', async () => {
      const keeper = keep()
      expect(await keeper.exited).toBe(0)
      expect(readdirSync(dir)).toEqual([])
    })

    it.each([
      ['a FIFO', 'EINVAL', () => execFileSync('mkfifo', [file('out.log')])],
      ['a link', 'ELOOP', () => symlinkSync('/etc/passwd', file('out.log'))],
      ['a directory', 'EISDIR', () => mkdirSync(file('out.log'))],
    ])('%s in the place of a log', async (_, errno, make) => {
      make()
      const keeper = run({ args: ['true'] })
      expect(await keeper.exited).toBe(0)
      expect(json('run-1.exit')).toMatchObject({ kind: 'failed', step: 'log', errno })
    })

    it.each(['ctl', 'alive', 'child', 'exit'])('but is not kept from it by a directory in the place of %s, which is moved aside', async (name) => {
      mkdirSync(join(file(`run-1.${name}`), 'full'), { recursive: true })
      await run({ args: sh('exit 7') }).exited
      expect(json('run-1.exit').code).toBe(7)
      expect(readdirSync(file(`run-1.${name}.odd`))).toEqual(['full'])
    })

    it('finds a command in cwd where PATH says so, behind ones that do not do', async () => {
      mkdirSync(file('a'))
      writeFileSync(file('a/x'), '')
      script('x', '#!/bin/sh\necho "ran $0"')
      const keeper = run({ args: ['x'], env: [`PATH=${dir}/a:/nowhere::/usr/bin`] })
      await keeper.exited
      expect(text('out.log')).toBe('ran ./x\n')
    })

    it('runs a relative path from cwd', async () => {
      mkdirSync(file('a'))
      script('a/x', '#!/bin/sh\necho "ran $0"')
      const keeper = run({ args: ['./x'], cwd: file('a') })
      await keeper.exited
      expect(text('out.log')).toBe('ran ./x\n')
    })
  })

  describe('the claim', () => {
    it('names the keeper and the boot', async () => {
      const keeper = await launched({ args: ['cat'], stdin: 'pipe' })
      const claim = json('run-1.claim')
      expect(claim).toMatchObject({ v: 1, pid: keeper.process.pid, start: expect.stringMatching(/^\d+(\.\d+)?$/), at: expect.any(Number) })
      expect(json('run-1.child')).toMatchObject({ v: 1, pid: expect.any(Number), start: expect.stringMatching(/^\d+(\.\d+)?$/) })
      if (linux) {
        expect(claim.boot).toBe(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
        const start = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /s, '').split(' ')[19]
        expect(claim.start).toBe(start(claim.pid))
        expect(json('run-1.child').start).toBe(start(json('run-1.child').pid))
      }
    })

    it('is won by one of several twins: one execution', async () => {
      write({ args: sh('echo ran; sleep 0.2') })
      const twins = [1, 2, 3, 4].map(() => keep())
      expect(await Promise.all(twins.map((twin) => twin.exited))).toEqual([0, 0, 0, 0])
      await Promise.all(twins.map((twin) => twin.quiet))
      expect(text('out.log')).toBe('ran\n')
      expect(twins.map((twin) => twin.bell()).join('')).toBe(`${token()} L\n`)
      expect(readdirSync(dir).filter((entry) => entry.endsWith('.tmp'))).toEqual([])
    })

    it('that a manager has voided wins: nothing is executed', async () => {
      write({ args: sh('echo ran') })
      const claim = '{"v":1,"void":true,"at":1}'
      writeFileSync(file('run-1.claim'), claim)
      const late = keep()
      expect(await late.exited).toBe(0)
      await late.quiet
      expect(late.bell()).toBe('')
      expect(text('run-1.claim')).toBe(claim)
      for (const none of ['out.log', 'run-1.child', 'run-1.exit']) expect(existsSync(file(none))).toBe(false)
    })

    it('of an ended run is not taken again', async () => {
      await run({ args: sh('echo ran') }).exited
      await keep().exited
      expect(text('out.log')).toBe('ran\n')
    })
  })

  describe('commands', () => {
    it('s reaches the whole group', async () => {
      const keeper = await launched({ args: sh(`(trap 'echo inner; exit 0' USR1; echo ready; sleep 100 & wait) & trap 'wait; echo outer; exit 7' USR1; wait`) })
      await says('ready')
      tell('s10\n')
      expect((await ended()).code).toBe(7)
      await keeper.exited
      expect(text('out.log')).toBe('ready\ninner\nouter\n')
    })

    it('p reaches the command alone', async () => {
      const keeper = await launched({ args: sh(`(trap 'echo inner' USR1; echo $$ ready; sleep 0.3) & trap 'wait; echo outer; exit 7' USR1; wait`) })
      await says('ready')
      tell('p10\n')
      expect((await ended()).code).toBe(7)
      await keeper.exited
      expect(text('out.log')).not.toContain('inner')
    })

    it('passes over what it does not know, and takes several at once', async () => {
      const keeper = await launched({ args: ['cat'], stdin: 'pipe' })
      tell(`zq\n\nx15\nS\ns\ns0\ns999\np-1\n${'y'.repeat(3000)}\nc1`)
      tell('\n')
      expect((await ended()).code).toBe(0)
      await keeper.exited
    })

    it('that come before the command runs are done after', async () => {
      write({ args: sh('exec cat'), stdin: 'pipe' })
      execFileSync('mkfifo', [file('run-1.ctl')])
      const fd = openSync(file('run-1.ctl'), constants.O_RDWR | constants.O_NONBLOCK)
      writeSync(fd, 'c\n')
      const keeper = keep()
      expect((await ended()).code).toBe(0)
      closeSync(fd)
      await keeper.exited
      await keeper.quiet
      expect(keeper.bell()).toBe(`${token()} L\n`)
    })

    it('k kills the command', async () => {
      const keeper = await launched({ args: sh(`trap '' TERM INT HUP; echo ready; while :; do sleep 100; done`) })
      await says('ready')
      tell('k\n')
      expect(await ended()).toMatchObject({ kind: 'signal', signal: 9 })
      expect(await keeper.exited).toBe(0)
    })

    it.runIf(linux)('k kills the whole tree: chains, double forks, sessions of their own, deaf to TERM', async () => {
      const deaf = `trap '' TERM HUP INT; echo $$ >> pids; sleep 1000; sleep 1000`
      const script = `${deaf.replace('sleep 1000; sleep 1000', ':')}
        (setsid sh -c "${deaf.replaceAll('$', '\\$')}" &)
        (setsid sh -c "(setsid sh -c '${deaf.replaceAll("'", `'\\''`).replaceAll('$', '\\$')}' &) ; sleep 1000" &)
        sh -c "sh -c \\"${deaf.replaceAll('$', '\\\\\\$').replaceAll("''", "''")}\\" & wait" &
        wait; sleep 1000`
      const keeper = await launched({ args: sh(script), leftovers: 'leave' })
      const pids = await until('four pids', () => {
        const all = (quiet(() => text('pids')) ?? '').trim().split('\n').filter(Boolean).map(Number)
        return all.length >= 4 && all
      })
      extraPids = pids
      expect(pids.every(lives)).toBe(true)
      tell('k\n')
      expect(await keeper.exited).toBe(0)
      expect(pids.filter(lives)).toEqual([])
      expect(json('run-1.exit')).toMatchObject({ kind: 'signal', signal: 9 })
      extraPids = []
    })

    it.runIf(linux && isC)('k kills those that have cleared their environment', async () => {
      const keeper = await launched({ args: sh(`(env -i /usr/bin/setsid /bin/sh -c 'trap "" TERM; echo $$ > pid; sleep 1000' &) ; sleep 1000`) })
      const pid = await pidIn('pid')
      tell('k\n')
      await keeper.exited
      expect(lives(pid)).toBe(false)
    })
  })

  describe('what outlives the command', () => {
    const leftover = (trap: string) =>
      sh(`(setsid sh -c "${trap} echo \\$\\$ > pid; while :; do sleep 100 & wait; done" &) ; while ! [ -s pid ]; do sleep 0.01; done; exit 5`)

    it.runIf(linux)('is stopped, with the news on the rest FIFO', async () => {
      const keeper = run({ args: leftover(`trap '' TERM;`), graceMs: 400 })
      const record = await ended()
      expect(record.code).toBe(5)
      const pid = await pidIn('pid')
      await until('rest', () => existsSync(file('run-1.rest')))
      await until('alive let go', () => !held('run-1.alive'))
      expect(held('run-1.rest')).toBe(true)
      expect(lives(pid)).toBe(true) // deaf to TERM: has its grace
      // taken away when its work is done; one that is there and not held is that of a keeper that was killed
      await until('rest taken away', () => !existsSync(file('run-1.rest')))
      expect(lives(pid)).toBe(false)
      expect(Date.now() - record.at).toBeGreaterThanOrEqual(380)
      expect(await keeper.exited).toBe(0)
    })

    it.runIf(linux && isC)('is asked politely, each of 200 that have sessions of their own', async () => {
      const child = `setsid sh -c "trap 'echo asked >> asked; exit' TERM; echo up >> up; while :; do sleep 1000 & wait; done" &`
      const count = (name: string) => (quiet(() => text(name)) ?? '').split('\n').length - 1
      const keeper = run({
        args: sh(`i=0; while [ $i -lt 200 ]; do (${child}) ; i=$((i+1)); done; until [ -e go ]; do sleep 0.05; done; exit 5`),
        graceMs: 60_000,
      })
      await until('all are up', () => count('up') === 200)
      writeFileSync(file('go'), '')
      expect(await keeper.exited).toBe(0)
      expect(count('asked')).toBe(200)
    })

    it.runIf(linux)('ends at once when it is polite', async () => {
      const keeper = run({ args: leftover(''), graceMs: 60_000 })
      expect(await keeper.exited).toBe(0)
      expect(lives(await pidIn('pid'))).toBe(false)
      expect(json('run-1.exit').code).toBe(5)
    })

    it('is stopped in the same group too, a stopped one as well', async () => {
      const keeper = run({ args: sh('sleep 1000 & echo $! > pid; kill -STOP $!; exit 5'), graceMs: 60_000 })
      expect(await keeper.exited).toBe(0)
      expect(lives(await pidIn('pid'))).toBe(false)
    })

    it.runIf(linux)('is sent s and killed by k', async () => {
      const keeper = run({ args: leftover(`trap '' TERM; trap 'echo usr1' USR1;`), graceMs: 60_000 })
      const pid = await pidIn('pid')
      await until('rest', () => existsSync(file('run-1.rest')) && !held('run-1.alive'))
      tell('s10\n')
      await says('usr1')
      expect(lives(pid)).toBe(true)
      tell('k\n')
      expect(await keeper.exited).toBe(0)
      expect(lives(pid)).toBe(false)
    })

    it('is let go when the intent says so', async () => {
      const keeper = run({ args: sh('sleep 1000 & echo $! > pid; exit 5'), leftovers: 'leave' })
      expect(await keeper.exited).toBe(0)
      const pid = await pidIn('pid')
      extraPids = [pid]
      expect(lives(pid)).toBe(true)
      expect(existsSync(file('run-1.rest'))).toBe(false)
      expect(json('run-1.exit').code).toBe(5)
    })

    it('makes no rest FIFO when there is nothing', async () => {
      await run({ args: sh('exit 0') }).exited
      expect(existsSync(file('run-1.rest'))).toBe(false)
    })
  })

  describe('itself', () => {
    it('survives signals and still tells how the command ended', async () => {
      const keeper = await launched({ args: sh('cat; exit 6'), stdin: 'pipe' })
      const pid = keeper.process.pid ?? 0
      for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR2', 'SIGPIPE', 'SIGTSTP', 'SIGALRM'] as const) process.kill(pid, signal)
      tell('x\n', 'run-1.in')
      await says('x')
      tell('c\n')
      expect((await ended()).code).toBe(6)
      expect(await keeper.exited).toBe(0)
    })

    it('killed -9 leaves the command running; the FIFOs tell', async () => {
      const keeper = await launched({ args: sh('echo up; exec sleep 1000') })
      const { pid } = json('run-1.child')
      extraPids = [pid]
      await says('up')
      keeper.process.kill('SIGKILL')
      await until('alive let go', () => !held('run-1.alive'))
      expect(ctlError()).toBe('ENXIO')
      expect(lives(pid)).toBe(true)
      expect(existsSync(file('run-1.exit'))).toBe(false)
    })

    it.runIf(linux)('does not show the command', async () => {
      const keeper = await launched({ args: sh('cat; : procman-secret-marker'), stdin: 'pipe', env: [`PATH=${PATH}`, 'X=procman-secret-marker'] })
      for (const what of ['cmdline', 'environ']) expect(readFileSync(`/proc/${keeper.process.pid}/${what}`, 'utf8')).not.toContain('procman-secret-marker')
      expect(readFileSync(`/proc/${json('run-1.child').pid}/cmdline`, 'utf8')).toContain('procman-secret-marker')
    })

    it('keeps its files to its user', async () => {
      const mask = process.umask(0)
      try {
        await launched({ args: sh('(trap "" TERM; exec sleep 1000) & cat; exit 0'), stdin: 'pipe', graceMs: 60_000 })
      } finally {
        process.umask(mask)
      }
      tell('c\n')
      await ended()
      for (const name of readdirSync(dir)) expect([name, (statSync(file(name)).mode & 0o777).toString(8)]).toEqual([name, '600'])
      for (const fifo of ['ctl', 'alive', 'in']) expect(statSync(file(`run-1.${fifo}`)).isFIFO()).toBe(true)
    })

    it('passes over intent fields that it does not know', async () => {
      await run({ args: sh('exit 8'), extra: ['future=1', 'nice=', 'umask=022'] }).exited
      expect(json('run-1.exit').code).toBe(8)
    })

    it('needs no bell', async () => {
      write({ args: sh('exit 8') })
      const [program = '', ...args] = command
      const child = spawn(program, [...args, 'keep', 'run-1'], { cwd: dir, detached: true, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
      await adopt(child, child.stdio[3] as Readable).exited
      expect(json('run-1.exit').code).toBe(8)
    })

    it('does not mind a launcher that has gone', async () => {
      write({ args: sh('exit 8') })
      const keeper = keep()
      ;(keeper.process.stdio[3] as Readable).destroy()
      expect(await keeper.exited).toBe(0)
      expect(json('run-1.exit').code).toBe(8)
    })

    it.runIf(linux)('uses no CPU while it waits', async () => {
      const keeper = await launched({ args: ['cat'], stdin: 'pipe' })
      const cpu = () => {
        const fields = readFileSync(`/proc/${keeper.process.pid}/stat`, 'utf8').replace(/.*\) /s, '').split(' ')
        return Number(fields[11]) + Number(fields[12])
      }
      const switches = () => Number(/\nvoluntary_ctxt_switches:\s(\d+)/.exec(readFileSync(`/proc/${keeper.process.pid}/status`, 'utf8'))?.[1])
      const asleep = () => until('asleep', () => /\nState:\sS/.test(readFileSync(`/proc/${keeper.process.pid}/status`, 'utf8')))
      await asleep()
      if (!isC) await pause(300) // V8 tidies up after the start
      const before = [cpu(), switches()]
      await pause(500) // here time itself is the fact
      if (isC) expect([cpu(), switches()]).toEqual(before)
      else expect(cpu() - (before[0] ?? 0)).toBeLessThanOrEqual(1)
      if (isC) expect(cpu()).toBeLessThanOrEqual(1)
    })

    it.runIf(linux && isC)('holds few descriptors and little memory', async () => {
      const keeper = await launched({ args: ['cat'], stdin: 'pipe' })
      await until('start over', () => readdirSync(`/proc/${keeper.process.pid}/fd`).length <= 8)
      expect(Number(/RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${keeper.process.pid}/status`, 'utf8'))?.[1])).toBeLessThan(200)
    })
  })

  // the keeper in Node cannot hold a command behind a gate: Node has no exec in place
  describe.runIf(isC && linux)('the gate', () => {
    /** A keeper that may write files of a claim's length, and none of a child's. */
    const behind = async () => {
      write({ args: sh('echo ran') })
      const keeper = keep(1, ['prlimit', `--fsize=${CLAIM_BYTES}:`])
      const pid = await until(
        'the child',
        () => Number(quiet(() => readFileSync(`/proc/${keeper.process.pid}/task/${keeper.process.pid}/children`, 'utf8'))) || undefined,
      )
      extraPids = [pid]
      return { keeper, pid, giveWay: () => execFileSync('prlimit', ['--pid', String(keeper.process.pid), '--fsize=unlimited:']) }
    }

    it('stays shut while the child is not recorded, then opens', async () => {
      const { keeper, giveWay } = await behind()
      await pause(250)
      expect(text('out.log')).toBe('')
      expect(keeper.bell()).toBe('')
      giveWay()
      expect((await ended()).code).toBe(0)
      await keeper.exited
      expect(text('out.log')).toBe('ran\n')
    })

    it('of a killed keeper never opens: nothing is executed', async () => {
      const { keeper, pid } = await behind()
      keeper.process.kill('SIGKILL')
      await until('the child has left', () => !lives(pid))
      expect(text('out.log')).toBe('')
      expect(existsSync(file('run-1.exit'))).toBe(false)
    })

    it('lets k through', async () => {
      const { keeper } = await behind()
      tell('k\n')
      expect(await ended()).toMatchObject({ kind: 'signal', signal: 9 })
      expect(await keeper.exited).toBe(0)
      await keeper.quiet
      expect(keeper.bell()).toBe(`${token()} F\n`)
      expect(text('out.log')).toBe('')
    })
  })
})

describe.skipIf(process.platform !== 'linux')('a keeper that was held up between its look for a claim and its own claim', { timeout: 20_000 }, () => {
  it('executes nothing when the run was voided and its files were taken away meanwhile', async () => {
    writeFileSync(file('run-1.intent'), intentOf({ args: sh('echo ran') }))
    // Too few descriptors for its FIFOs: it tries again every 200 ms.
    const child = spawn('sh', ['-c', 'ulimit -S -n 5; exec "$0" keep run-1', cKeeper], { cwd: dir, detached: true, stdio: 'ignore' })
    const exited = new Promise((resolve) => child.on('exit', resolve))
    await until('it has begun', () => existsSync(file('run-1.ctl')))
    writeFileSync(file('run-1.claim'), '{"v":1,"void":true,"at":1}')
    rmSync(file('run-1.intent'))
    rmSync(file('run-1.claim'))
    execFileSync('prlimit', ['--pid', String(child.pid), '--nofile=1024:'])
    expect(await exited).toBe(0)
    for (const none of ['out.log', 'run-1.child', 'run-1.exit', 'run-1.claim']) expect(existsSync(file(none)), none).toBe(false)
  })
})

describe('the spawner', { timeout: 20_000 }, () => {
  const spawner = () => {
    const child = spawn(cKeeper, ['spawn'], { detached: true, stdio: ['pipe', 'pipe', 'inherit'] })
    return { ...adopt(child, child.stdout), stdin: child.stdin }
  }

  it('starts keepers, and they outlive it', async () => {
    const it = spawner()
    const numbers = [1, 2, 3, 4, 5]
    for (const n of numbers) write({ args: ['cat'], stdin: 'pipe', stdout: `out-${n}.log` }, n)
    it.stdin.write(numbers.map((n) => `${dir}\trun-${n}\n`).join(''))
    await until('all bells', () => it.bell().split('\n').length === 6)
    expect(it.bell().split('\n').sort()).toEqual(['', ...numbers.map((n) => `${token(n)} L`)])
    it.stdin.end()
    expect(await it.exited).toBe(0)
    for (const n of numbers) {
      expect(ctlError(`run-${n}.ctl`)).toBe('')
      const { pid } = json(`run-${n}.claim`)
      if (linux) {
        expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toBe(`procman-keeper\0keep\0run-${n}\x003\0`)
        expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toBe('')
        expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).toBe('procman-keeper\n')
        expect(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /s, '').split(' ').slice(2, 4)).toEqual([`${pid}`, `${pid}`])
        await until('no descriptor but its own', () => readdirSync(`/proc/${pid}/fd`).length === 8)
      }
      tell('c\n', `run-${n}.ctl`)
      await until('exit', () => quiet(() => json(`run-${n}.exit`).code === 0))
      await until('gone', () => !lives(pid))
    }
  })

  it('reaps its keepers', async () => {
    const it = spawner()
    write({ args: sh('exit 0') })
    it.stdin.write(`${dir}\trun-1\n`)
    await ended()
    const { pid } = json('run-1.claim')
    if (linux) await until('no zombie', () => !existsSync(`/proc/${pid}`))
    it.stdin.end()
    expect(await it.exited).toBe(0)
  })

  it('says what it cannot start, in pieces and all at once', async () => {
    const it = spawner()
    for (const piece of [
      `${dir}/no`,
      'where\tru',
      'n-7\n',
      'relative\trun-1\n',
      `${dir}\trun-x\nnonsense\n`,
      `${'/x'.repeat(5000)}\trun-1\n`,
      `/dev/null\trun-2\n`,
    ]) {
      it.stdin.write(piece)
      await pause(5)
    }
    it.stdin.end()
    expect(await it.exited).toBe(0)
    await it.quiet
    expect(it.bell()).toBe(
      [
        `E\t${dir}/nowhere\trun-7\tENOENT`,
        'E\trelative\trun-1\tEINVAL',
        `E\t${dir}\trun-x\tEINVAL`,
        'E\tnonsense\t\tEINVAL',
        'E\t\t\tENAMETOOLONG',
        'E\t/dev/null\trun-2\tENOTDIR',
        '',
      ].join('\n'),
    )
  })
})

describe('the guard', { timeout: 20_000 }, () => {
  const guard = (args: string[], env: NodeJS.ProcessEnv = { PATH, PROCMAN_TOKEN: token() }) => {
    const child = spawn(cKeeper, ['guard', ...args], { cwd: dir, env, detached: true, stdio: ['ignore', 'pipe', 'inherit', 'pipe'] })
    let said = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    const link = child.stdio[3] as Socket
    return { ...adopt(child, link), said: () => said, letGo: () => link.destroy() }
  }
  /** @returns what it tells of the end */
  const told = async (it: Started) => {
    expect(await it.exited).toBe(0)
    await it.quiet
    return JSON.parse(it.bell())
  }
  const at = expect.any(Number)

  it.each([0, 3, 255])('tells exit code %i', async (code) => {
    expect(await told(guard(sh(`exit ${code}`)))).toEqual({ v: 1, kind: 'code', code, at })
  })

  it.each([9, 15, 6])('tells signal %i', async (signal) => {
    expect(await told(guard(sh(`ulimit -c 0; kill -${signal} $$`)))).toEqual({ v: 1, kind: 'signal', signal, core: false, at })
  })

  it.each([
    ['that is not there', ['no-such-command'], { step: 'command', errno: 'ENOENT' }],
    ['that is a directory', ['/usr'], { step: 'command', errno: 'EACCES' }],
    ['without its interpreter', ['./script'], { step: 'interpreter', errno: 'ENOENT' }],
    ['that is empty', [''], { step: 'command', errno: 'ENOENT' }],
  ])('tells why a command %s was not executed', async (_, args, why) => {
    writeFileSync(file('script'), '#!/no/such/interpreter\n', { mode: 0o755 })
    expect(await told(guard(args))).toEqual({ v: 1, kind: 'failed', ...why, at })
  })

  it('hands on arguments, environment, directory, descriptors 0 to 2 and the file mode mask, and nothing else', async () => {
    const it = guard(sh('echo "$# $1 [$2] $A $(pwd) $(umask)"; cat; ls /dev/fd/ | tr "\\n" " "', '* $HOME', ''), { PATH, A: 'a', PROCMAN_TOKEN: token() })
    expect(await told(it)).toMatchObject({ code: 0 })
    const umask = process.umask().toString(8).padStart(4, '0')
    // The last is that of ls itself.
    expect(it.said()).toBe(`2 * $HOME [] a ${dir} ${umask}\n0 1 2 3 `)
  })

  it('is deaf to signals, and the command is not', async () => {
    const it = guard(sh('echo $$ > pid; exec sleep 600'))
    const pid = await pidIn('pid')
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) it.process.kill(signal)
    process.kill(pid, 'SIGTERM')
    expect(await told(it)).toMatchObject({ kind: 'signal', signal: 15 })
  })

  /** A child, one in a session of its own, one that was forked twice, one without its environment. */
  const tree = async () => {
    const it = guard(['sh', join(root, 'test/fixtures/probe-tree.sh'), file('pids')])
    const pids = () => quiet(() => text('pids').trim().split('\n').map(Number)) ?? []
    await until('it has grown', () => pids().length === 5)
    extraPids = pids()
    return it
  }

  it.skipIf(!linux)('kills the whole tree when it is let go, before it leaves', async () => {
    const it = await tree()
    it.letGo()
    expect(await it.exited).toBe(0)
    expect(extraPids.filter(lives)).toEqual([])
  })

  it.skipIf(!linux)('kills the whole tree when who has asked is killed', async () => {
    const script = `require('child_process').spawn(process.argv[1], process.argv.slice(2), { detached: true, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })`
    const args = ['-e', script, cKeeper, 'guard', 'sh', join(root, 'test/fixtures/probe-tree.sh'), file('pids')]
    const asker = spawn(process.execPath, args, { stdio: 'ignore' })
    extraPids = await until('it has grown', () => {
      const pids = quiet(() => text('pids').trim().split('\n').map(Number))
      return pids?.length === 5 && pids
    })
    asker.kill('SIGKILL')
    await until('nothing lives', () => extraPids.filter(lives).length === 0)
  })

  it.skipIf(!linux)('kills what is left of the tree when the command has ended, after it has told of that', async () => {
    const leave = 'sleep 600 & echo $!; setsid sleep 600 & echo $!; (setsid sleep 600 & echo $!)'
    const it = guard(sh(`{ ${leave}; } > left; exit 7`))
    expect(await told(it)).toMatchObject({ code: 7 })
    extraPids = text('left').trim().split('\n').map(Number)
    expect(extraPids.filter(lives)).toEqual([])
    expect(extraPids).toHaveLength(3)
  })

  it.skipIf(!linux)('kills a tree that goes on growing', async () => {
    const it = guard(sh('grow() { (setsid sh -c "sleep 600" & ) ; }; echo $$ > pid; while :; do grow; done'))
    await pidIn('pid')
    it.letGo()
    expect(await it.exited).toBe(0)
    const mine = readdirSync('/proc').filter((pid) => quiet(() => readFileSync(`/proc/${pid}/environ`, 'utf8'))?.includes(`PROCMAN_TOKEN=${token()}`))
    expect(mine.map(Number).filter(lives)).toEqual([])
  })

  it('is not for use without somebody who listens', () => {
    expect(spawnSync(cKeeper, ['guard', 'true'], { stdio: 'ignore' }).status).toBe(2)
  })
})
