/** A process's directory with a keeper in it, and what its logs hold: for the conformance tests of rotation. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
export const C_KEEPER = [process.env.PROCMAN_TEST_KEEPER ?? join(root, 'dist/keeper/procman-keeper')]
export const NODE_KEEPER = [process.execPath, join(root, 'dist/keeper/node-keeper.js')]
const PATH = process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin'

/** A keeper that is killed where the variable CRASH_AT says. @returns null without a C compiler */
export function crashingKeeper(): string[] | null {
  const target = join(root, 'dist/keeper/crashing-keeper')
  const source = join(root, 'keeper/keeper.c')
  for (const compiler of ['musl-gcc', 'cc']) {
    try {
      execFileSync(compiler, ['-std=gnu11', '-O1', '-DPROCMAN_CRASH', source, '-o', `${target}.${process.pid}`], { stdio: 'pipe' })
      renameSync(`${target}.${process.pid}`, target)
      return [target]
    } catch {}
  }
  return null
}

export interface Place {
  readonly ino: number
  readonly base: number
  readonly head: number
  readonly flux: number
  readonly size: number
  readonly lost: number
}

export interface Segment {
  readonly name: string
  readonly from: number
  readonly to: number
}

/** Waits for a fact. */
export async function until<T>(what: string, look: () => T | undefined | false | null, ms = 20_000): Promise<T> {
  for (const end = Date.now() + ms; ; ) {
    const seen = look()
    if (seen !== undefined && seen !== false && seen !== null) return seen
    if (Date.now() > end) throw new Error(`never came true: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 4))
  }
}

const checksum = (text: string): string => {
  let hash = 2_166_136_261
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 16_777_619) >>> 0
  return hash.toString(16).padStart(8, '0')
}

export class LogDir {
  readonly dir: string
  readonly command: readonly string[]
  keepers: ChildProcess[] = []

  constructor(command: readonly string[], parent = tmpdir()) {
    this.dir = realpathSync(mkdtempSync(join(parent, 'procman-keeper-logs-')))
    this.command = command
  }

  path(name: string): string {
    return join(this.dir, name)
  }

  /** Starts a keeper for run `n`. @param fields of the intent @param env of the keeper itself */
  run(
    n: number,
    args: readonly string[],
    fields: Readonly<Record<string, string | number>> = {},
    env: Readonly<Record<string, string>> = {},
    commandEnv: Readonly<Record<string, string>> = {},
  ): ChildProcess {
    const all = {
      token: `${this.dir}#${n}`,
      cwd: this.dir,
      stdin: 'null',
      stdout: 'stdout.log',
      stderr: 'stderr.log',
      leftovers: 'stop',
      graceMs: 300,
      ...fields,
    }
    const lines = ['v=1', ...args.map((arg) => `arg=${arg}`), `env=PATH=${PATH}`, `env=PROCMAN_TOKEN=${this.dir}#${n}`]
    lines.push(...Object.entries(commandEnv).map(([name, value]) => `env=${name}=${value}`))
    lines.push(...Object.entries(all).map(([key, value]) => `${key}=${value}`))
    writeFileSync(this.path(`run-${n}.intent.tmp`), `${lines.join('\0')}\0`, { mode: 0o600 })
    renameSync(this.path(`run-${n}.intent.tmp`), this.path(`run-${n}.intent`))
    const [program = '', ...rest] = this.command
    const keeper = spawn(program, [...rest, 'keep', `run-${n}`], { cwd: this.dir, detached: true, stdio: 'ignore', env: { PATH, ...env } })
    this.keepers.push(keeper)
    return keeper
  }

  tell(what: string, n: number): void {
    const fd = openSync(this.path(`run-${n}.ctl`), constants.O_WRONLY | constants.O_NONBLOCK)
    writeSync(fd, what)
    closeSync(fd)
  }

  has(name: string): boolean {
    return existsSync(this.path(name))
  }

  json(name: string): Record<string, unknown> {
    return JSON.parse(readFileSync(this.path(name), 'utf8'))
  }

  child(n: number): Promise<Record<string, unknown>> {
    return until(`run-${n}.child`, () => this.has(`run-${n}.child`) && this.json(`run-${n}.child`))
  }

  async ended(n: number, ms?: number): Promise<Record<string, unknown>> {
    await until(`run-${n}.exit`, () => this.has(`run-${n}.exit`), ms)
    return this.json(`run-${n}.exit`)
  }

  /** The place, its checksum checked; all 0 when there is none. */
  place(stream = 'stdout'): Place {
    if (!this.has(`${stream}.place`)) return { ino: 0, base: 0, head: 0, flux: 0, size: 0, lost: 0 }
    const text = readFileSync(this.path(`${stream}.place`), 'utf8')
    if (text.length !== 128 || !text.endsWith('\n')) throw new Error(`not a place: ${JSON.stringify(text)}`)
    const { v, sum, ...place } = JSON.parse(text)
    if (v !== 1 || sum !== checksum(text.slice(0, text.indexOf(',"sum"')))) throw new Error(`the sum is wrong: ${text}`)
    return place
  }

  segments(stream = 'stdout'): Segment[] {
    return readdirSync(this.dir)
      .map((name) => ({ name, match: /^(\w+)\.(\d{15})-(\d{15})\.log$/.exec(name) }))
      .filter(({ match }) => match?.[1] === stream)
      .map(({ name, match }) => ({ name, from: Number(match?.[2]), to: Number(match?.[3]) }))
      .sort((a, b) => a.from - b.from)
  }

  size(name: string): number {
    return statSync(this.path(name)).size
  }

  /** What is kept of the log, in order, with segments that follow each other without a gap. */
  content(stream = 'stdout'): Buffer {
    for (const end = Date.now() + 10_000; Date.now() < end; ) {
      const place = this.place(stream)
      const all = readFileSync(this.path(`${stream}.log`))
      const live = place.base + all.length < place.head ? all : all.subarray(place.head - place.base)
      const parts = this.segments(stream).map((segment) => ({ ...segment, bytes: readFileSync(this.path(segment.name)) }))
      // What is under way is not looked at.
      if (place.flux !== 0 || JSON.stringify(place) !== JSON.stringify(this.place(stream)) || (parts.at(-1)?.to ?? 0) > place.head) continue
      let at = parts[0]?.from ?? place.head
      for (const { name, from, to, bytes } of parts) {
        if (from !== at || to - from !== bytes.length) throw new Error(`${name} does not follow ${at}, or has ${bytes.length} bytes`)
        at = to
      }
      if (at !== place.head) throw new Error(`the segments end at ${at}, the head is at ${place.head}`)
      return Buffer.concat([...parts.map(({ bytes }) => bytes), live])
    }
    throw new Error('it is being rotated all the time')
  }

  async end(): Promise<void> {
    for (const name of readdirSync(this.dir).filter((each) => each.endsWith('.ctl'))) {
      try {
        this.tell('k\n', Number(/\d+/.exec(name)?.[0]))
      } catch {}
    }
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        if (readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`PROCMAN_TOKEN=${this.dir}#`)) process.kill(Number(pid), 'SIGKILL')
      } catch {}
    }
    for (const keeper of this.keepers) await until('a keeper leaves', () => keeper.exitCode !== null || keeper.signalCode !== null)
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** Prints `<tag> <n>` for n = 1 … count, a line a write, as fast as it can. */
export const LINES = (tag: string, count: number) =>
  `const fs=require('fs');const pad='.'.repeat(80);for(let n=1;n<=${count};n++){const b=Buffer.from('${tag} '+n+' '+pad+'\\n');let k=0;while(k<b.length){try{k+=fs.writeSync(1,b,k)}catch(e){if(e.code!=='ENOSPC'&&e.code!=='EAGAIN')throw e;Atomics.wait(new Int32Array(new SharedArrayBuffer(4)),0,0,3)}}}`

/** @throws unless the lines of this tag are 1 … count, each once, in order */
export function numbered(content: Buffer, tag: string, count: number, first = 1): void {
  let next = first
  for (const line of content.toString('latin1').split('\n')) {
    if (!line.startsWith(`${tag} `)) continue
    if (line !== `${tag} ${next} ${'.'.repeat(80)}`) throw new Error(`after ${next - 1} comes ${JSON.stringify(line.slice(0, 60))}`)
    next++
  }
  if (next !== count + 1) throw new Error(`${tag}: ${next - 1} lines of ${count}`)
}
