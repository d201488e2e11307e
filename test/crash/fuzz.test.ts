/** Whatever the files contain: nothing crashes, no call hangs, nobody is signalled who is not ours. */
import { spawn, spawnSync } from 'node:child_process'
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createActor, type Snapshot } from 'xstate'
import { processMachine } from '../../src/machines/process/machine.ts'
import { type ProcessRecord, toRecord } from '../../src/machines/process/record.ts'
import { decodeSnapshot, encodeSnapshot, toRestorable } from '../../src/persistence/codec.ts'
import { kill, lives, type Manager, pause, sh, startOf, until } from '../e2e/harness.ts'
import { IS_FULL, some } from '../effort.ts'
import { fakeWorld } from '../machines/world.ts'
import { anyContext, STATES } from '../persistence/arbitrary.ts'
import { aDoomedHome, aManager, ask, isSound, refusal, settles } from './hostile.ts'
import { aSeed, mutated, mutation, nasty } from './mutate.ts'

const KEEPERS = [
  ['C', [process.env.PROCMAN_TEST_KEEPER ?? fileURLToPath(new URL('../../dist/keeper/procman-keeper', import.meta.url))], IS_FULL ? 5_000 : 400],
  ['Node', [process.execPath, fileURLToPath(new URL('../../dist/keeper/node-keeper.js', import.meta.url))], IS_FULL ? 200 : 8],
] as const

describe('the codec', () => {
  const kept = JSON.parse(readFileSync(new URL('../records/format-1.json', import.meta.url), 'utf8'))
  const real = fc.oneof(
    fc.constant(kept),
    fc.tuple(fc.constantFrom(...STATES), anyContext).map(([value, context]) => JSON.parse(encodeSnapshot({ value, context }, 0))),
  )
  const idOf = (envelope: { snapshot: { context: { spec: { id: string } } } }) => envelope.snapshot.context.spec.id
  const options = (what: string) => ({ seed: aSeed(what), numRuns: IS_FULL ? 50_000 : 500 })

  let taken = 0

  /** What is accepted is as good as what we wrote ourselves: it comes back, is shown, is restored, and goes on. */
  const isGood = (text: string, id: string) => {
    const decoded = decodeSnapshot(text, id)
    if (decoded.kind === 'damaged') return decoded.reason.length > 0
    taken += 1
    const { value, context } = decoded.snapshot
    const again = decodeSnapshot(encodeSnapshot({ value, context }, 0), id)
    expect(JSON.stringify(again)).toBe(JSON.stringify(decoded))
    toRecord(value, context)
    const { logic, clock } = fakeWorld()
    const actor = createActor(logic, { snapshot: toRestorable(decoded.snapshot) as Snapshot<unknown>, input: undefined as never, clock })
    actor.subscribe({ error: () => {} })
    actor.start()
    const restored = actor.getSnapshot()
    expect(restored.status).toBe('active')
    expect(JSON.stringify({ ...restored.context, reasons: [] })).toBe(JSON.stringify({ ...context, reasons: [] }))
    const outcome = { kind: 'code', code: 1 } as const
    for (const event of [
      { type: 'run.ended', run: context.run, outcome, atMs: 1e12, nowMs: 1e12 },
      { type: 'deadline.passed', atMs: 1e12 },
      { type: 'process.stop', atMs: 1e12 },
    ] as const) {
      actor.send(event)
      const snapshot = actor.getSnapshot()
      expect(snapshot.status).toBe('active')
      toRecord(snapshot.value, snapshot.context)
      const saved = decodeSnapshot(encodeSnapshot(processMachine.getPersistedSnapshot(snapshot), 0), id)
      expect(saved.kind === 'ok' ? '' : saved.reason).toBe('')
    }
    actor.stop()
    return true
  }

  it('takes real snapshots that somebody has been at, or tells what is wrong with them', () => {
    fc.assert(
      fc.property(real, mutation, (envelope, change) => isGood(mutated(envelope, change).toString('utf8'), idOf(envelope))),
      options('mutated snapshots'),
    )
    console.info(`taken as good: ${taken}`)
    expect(taken).toBeGreaterThan(100)
  }, 600_000)

  it('takes anything else', () => {
    const any = fc.oneof(
      fc.json(),
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('utf8')),
    )
    fc.assert(
      fc.property(any, (text) => isGood(text, 'web')),
      options('anything'),
    )
    fc.assert(
      fc.property(nasty, (snapshot) => isGood(JSON.stringify({ format: 1, savedAt: '', snapshot }), 'web')),
      options('envelopes of anything'),
    )
  })

  it('does not take what the prototype of an object has for what the file has', () => {
    const polluted = JSON.stringify(kept).replace('"snapshot":{', '"snapshot":{"__proto__":{"value":"running"},')
    const without = polluted.replace(/"value":"[a-z]+",/, '')
    expect(decodeSnapshot(without, idOf(kept)).kind).toBe('damaged')
    expect(({} as { value?: unknown }).value).toBeUndefined()
  })
})

/** Somebody else's process, in a session of its own: writes down every signal that it can hear. */
interface Stranger {
  readonly pid: number
  readonly start: string
  readonly heard: () => string
}

async function aStranger(dir: string, name: string): Promise<Stranger> {
  const log = join(dir, `heard-${name}`)
  const signals = 'HUP INT QUIT TERM USR1 USR2 ALRM CONT TSTP TTIN TTOU URG WINCH IO PWR'
  const script = `for s in ${signals}; do trap "echo $s >> '${log}'" $s; done; echo up > '${log}'; while :; do sleep 0.2; done`
  const child = spawn('sh', ['-c', script], { detached: true, stdio: 'ignore' })
  const pid = child.pid ?? 0
  const gone = new Promise((resolve) => child.once('exit', resolve))
  onTestFinished(async () => {
    if (lives(pid)) kill(pid)
    await gone
  })
  await until('the stranger is up', () => existsSync(log) && readFileSync(log, 'utf8') === 'up\n')
  return { pid, start: startOf(pid), heard: () => readFileSync(log, 'utf8') }
}

const bootOf = () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

type FileContent = Buffer | null
const WRITTEN = ['state.json', 'run-1.intent', 'run-1.claim', 'run-1.child', 'run-1.exit', 'run-2.intent', 'run-2.claim', 'run-2.child', 'run-2.exit'] as const
type Files = { readonly [N in (typeof WRITTEN)[number]]: FileContent }

/**
 * Run files of a process as they might be. The strangers' pids are in them, with start times that are not theirs: a file that names pid, start time and boot of a
 * process exactly is the proof that it is ours, and there is no other.
 */
function anyFiles(strangers: readonly Stranger[]): fc.Arbitrary<Files> {
  const pid = fc.oneof(
    fc.constantFrom(...strangers.map((stranger) => stranger.pid)),
    fc.constantFrom(1, process.pid, 0, -1, ...strangers.map((stranger) => -stranger.pid), 2 ** 31, 2 ** 31 - 1, 2 ** 53, 1.5, 4_194_304, '7', null),
  )
  const start = fc.constantFrom<unknown>('1', '0', '', ' ', 5, null, '99999999999999999999', '-1', ...strangers.map((stranger) => `${stranger.start} `))
  const boot = fc.constantFrom<unknown>(bootOf(), '', 'another', null)
  const at = fc.constantFrom<unknown>(1_700_000_000_000, 0, -1, 2 ** 53 - 1, 8.64e15 + 1, 1.5, null, 'x')
  const spec = { id: 'ID', command: 'sleep', args: ['600'], env: {}, inheritEnv: true, cwd: '/', labels: {}, stdin: 'null', leftovers: 'stop' }
  const wholeSpec = (strategy: string) => ({
    ...spec,
    restart: { strategy, delayMs: 5, multiplier: 1, maxDelayMs: 5, maxRestarts: 3, resetAfterMs: 60_000 },
    stop: { ladder: [{ signal: 'SIGTERM', afterMs: 0 }], timeoutMs: 50 },
  })
  const raw = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
  const json = (value: fc.Arbitrary<unknown>) => fc.tuple(value, mutation).map(([whole, change]) => mutated(whole, change))
  const plain = (value: fc.Arbitrary<unknown>) => value.map((whole) => Buffer.from(JSON.stringify(whole)))
  const file = (value: fc.Arbitrary<unknown>): fc.Arbitrary<FileContent> =>
    fc.oneof({ weight: 3, arbitrary: plain(value) }, json(value), raw, fc.constant(null))
  const claim = fc.oneof(fc.record({ v: fc.constant(1), pid, start, boot, at }), fc.constant({ v: 1, void: true, at: 1 }))
  const child = fc.record({ v: fc.constant(1), pid, start, at, out: at, err: at })
  const exit = fc.oneof(
    fc.record({ v: fc.constant(1), kind: fc.constant('code'), code: fc.constantFrom(0, 1, 255, -1, 1e9), at }),
    fc.record({ v: fc.constant(1), kind: fc.constant('signal'), signal: fc.constantFrom(9, 0, -1, 1_000, 'x'), core: fc.boolean(), at }),
    fc.record({ v: fc.constant(1), kind: fc.constant('failed'), step: fc.constantFrom('command', 'x'), errno: fc.constantFrom('ENOENT', 5), at }),
  )
  const strategy = fc.constantFrom('never', 'always')
  const intent = fc.oneof(
    strategy.map((name) =>
      Buffer.from(`v=1\0token=t\0cwd=/\0arg=sleep\0arg=600\0stdout=stdout.log\0stderr=stderr.log\0spec=${JSON.stringify(wholeSpec(name))}`),
    ),
    fc
      .tuple(strategy, mutation)
      .map(([name, change]) => Buffer.concat([Buffer.from('v=1\0token=t\0cwd=/\0arg=sleep\0arg=600\0spec='), mutated(wholeSpec(name), change)])),
    raw,
    fc.constant(null),
  )
  const identity = fc.oneof(fc.record({ pid, start, boot }), fc.constant(null))
  const rungs = fc.constantFrom([], [{ signal: 'SIGTERM', atMs: 0 }], [{ signal: 'nonsense', atMs: 1 }])
  const context = fc.record({
    spec: strategy.map(wholeSpec),
    run: fc.constantFrom(0, 1, 1, 1, 2, 2 ** 53 - 1),
    identity,
    createdAtMs: fc.constant(1),
    startedAtMs: fc.constantFrom(null, 1),
    endedAtMs: fc.constantFrom(null, 1),
    outcome: fc.constantFrom(null, { kind: 'code', code: 0 }),
    restarts: fc.constant(0),
    attempts: fc.constant(0),
    retryAtMs: fc.constantFrom(null, 0),
    stop: fc.oneof(fc.constant(null), fc.record({ purpose: fc.constantFrom('stop', 'restart', 'leftovers'), rungs, killAtMs: fc.constant(0) })),
    cancelled: fc.boolean(),
    keeperLost: fc.boolean(),
    gaveUp: fc.boolean(),
    reasons: fc.constant([]),
  })
  const state = fc.record({ format: fc.constant(1), savedAt: fc.constant(''), snapshot: fc.record({ value: fc.constantFrom(...STATES), context }) })
  return fc.record({
    'state.json': file(state),
    'run-1.intent': intent,
    'run-1.claim': file(claim),
    'run-1.child': file(child),
    'run-1.exit': fc.oneof(fc.constant(null), file(exit)),
    'run-2.intent': fc.oneof(fc.constant(null), intent),
    'run-2.claim': fc.oneof(fc.constant(null), file(claim)),
    'run-2.child': fc.oneof(fc.constant(null), file(child)),
    'run-2.exit': fc.oneof(fc.constant(null), file(exit)),
  })
}

describe.skipIf(process.platform !== 'linux')('run files and states of anything', () => {
  const rounds = IS_FULL ? 40 : 2

  it.each(Array.from({ length: rounds }, (_, round) => round))(
    'in 60 directories at once, round %i: no crash, all calls settle, no stranger is signalled',
    async () => {
      const home = aDoomedHome()
      const strangers = [await aStranger(home.dir, 'a'), await aStranger(home.dir, 'b')]
      const first = await aManager(home)
      const living = await first.start(sh('while :; do sleep 0.1; done', { id: 'healthy' }))
      await first.kill()
      const seed = aSeed('run files')
      const samples = fc.sample(anyFiles(strangers), { numRuns: 60, seed })
      for (const [n, files] of samples.entries()) layOut(home.jobFile(`fuzz-${n}`, ''), `fuzz-${n}`, files)
      const next = await aManager(home, { isClosedAtFirst: true }, { node: ['setsid', process.execPath] })
      await settles('the opening', ask(next, 'open'))
      expect(await next.call('get', 'healthy')).toMatchObject({ state: 'running', pid: living.pid, run: 1 })
      await report(next)
      await Promise.all(samples.map((files, n) => worry(next, `fuzz-${n}`, describeFiles(files))))
      for (const stranger of strangers) {
        expect(stranger.heard()).toBe('up\n')
        expect(startOf(stranger.pid)).toBe(stranger.start)
      }
      expect(await next.call('get', 'healthy')).toMatchObject({ state: 'running', pid: living.pid, run: 1 })
      await isSound(next)
      await settles('the shutdown', next.call('shutdown', { timeoutMs: 0 }))
      for (const stranger of strangers) expect(stranger.heard()).toBe('up\n')
      expect(home.strays()).toEqual([])
    },
  )

  it('of a process that lives: its files are changed under its manager; it can be stopped, and no stranger is signalled', async () => {
    const home = aDoomedHome()
    const strangers = [await aStranger(home.dir, 'a')]
    const manager = await aManager(home, {}, { node: ['setsid', process.execPath] })
    const samples = fc.sample(anyFiles(strangers), { numRuns: 30, seed: aSeed('files of the living') })
    const pids = new Map<string, number | null>()
    for (const n of samples.keys())
      pids.set(`fuzz-${n}`, (await manager.start(sh('while :; do sleep 0.1; done', { id: `fuzz-${n}`, stop: { timeoutMs: 100 } }))).pid)
    for (const [n, files] of samples.entries()) layOut(home.jobFile(`fuzz-${n}`, ''), `fuzz-${n}`, files)
    await refusal(settles('the refresh', manager.call('refresh')))
    await Promise.all(samples.map((files, n) => worry(manager, `fuzz-${n}`, describeFiles(files))))
    for (const [id, pid] of pids) expect.soft(lives(pid), `${id} is gone`).toBe(false)
    for (const stranger of strangers) expect(stranger.heard()).toBe('up\n')
    await isSound(manager)
    await settles('the shutdown', manager.call('shutdown', { timeoutMs: 0 }))
  })
})

/** That what is fuzzed is not merely thrown away. */
async function report(manager: Manager): Promise<void> {
  const counts = new Map<string, number>()
  for (const { state } of await manager.call<readonly ProcessRecord[]>('list')) counts.set(state, (counts.get(state) ?? 0) + 1)
  console.info(`taken as: ${[...counts].map(([state, count]) => `${state} ${count}`).join(', ')}`)
  expect(counts.size).toBeGreaterThan(2)
}

function layOut(dir: string, id: string, files: Files): void {
  mkdirSync(dir, { recursive: true })
  for (const name of WRITTEN) {
    const content = files[name]
    if (content !== null) writeFileSync(join(dir, name), Buffer.from(content.toString('latin1').replaceAll('"ID"', `"${id}"`), 'latin1'))
  }
}

function describeFiles(files: Files): string {
  return WRITTEN.map((name) => `${name}: ${files[name]?.toString('latin1').slice(0, 600) ?? '-'}`).join('\n')
}

/** Everything that a user may do to a process. What is refused is refused with a code; nothing hangs. */
async function worry(manager: Manager, id: string, files: string): Promise<void> {
  const steps = [
    ['get', id],
    ['signal', id, 'SIGTERM'],
    ['signal', id, 'SIGHUP', { target: 'command' }],
    ['stop', id, { timeoutMs: 20 }],
    ['remove', id],
  ] as const
  for (const [method, ...args] of steps) {
    const error = await refusal(settles(`${method} ${id}:\n${files}`, manager.call(method, ...args)))
    expect.soft(error === null || error.code !== undefined, error?.message).toBe(true)
    expect.soft(error?.code).not.toBe('PROCMAN_INTERNAL')
  }
}

describe.each(KEEPERS)('the keeper in %s', (_name, [program, ...before], numRuns) => {
  const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((list) => Buffer.from(list.filter((byte) => byte !== 0x2f)))
  const FIELDS = [
    'v=1',
    'token=t',
    'cwd=/',
    'arg=/bin/true',
    'arg=x',
    'env=A=1',
    'stdin=null',
    'stdout=out.log',
    'stderr=err.log',
    'leftovers=stop',
    'graceMs=100',
  ]
  const field = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...FIELDS).map((text) => Buffer.from(text)) },
    fc.tuple(fc.constantFrom(...FIELDS), bytes(40)).map(([text, tail]) => Buffer.concat([Buffer.from(`${text.slice(0, text.indexOf('=') + 1)}`), tail])),
    bytes(60),
    fc
      .constantFrom(
        'stdin=pipe',
        'graceMs=99999999999999999999',
        'graceMs=-1',
        'leftovers=leave',
        'v=2',
        '=',
        'arg',
        `token=${'t'.repeat(500)}`,
        `arg=${'a'.repeat(200_000)}`,
      )
      .map((text) => Buffer.from(text)),
  )
  const fields = fc.oneof(
    {
      weight: 3,
      arbitrary: fc
        .tuple(fc.constant(FIELDS.map((text) => Buffer.from(text))), fc.array(field, { maxLength: 4 }), fc.nat(10))
        .map(([whole, more, drop]) => [...whole.filter((_, n) => n !== drop), ...more]),
    },
    fc.array(field, { maxLength: 14 }),
  )
  const intent = fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .tuple(fields, fc.boolean())
        .map(([list, hasEnd]) => Buffer.concat(list.flatMap((each, n) => (hasEnd || n < list.length - 1 ? [each, Buffer.from([0])] : [each])))),
    },
    fc.uint8Array({ maxLength: 2_000 }).map((list) => Buffer.from(list)),
    fc.nat(5_000).map((size) => Buffer.alloc(size)),
  )

  const keep = (dir: string) => spawnSync(program, [...before, 'keep', 'run-1'], { cwd: dir, stdio: 'ignore', timeout: 20_000, killSignal: 'SIGKILL' })
  const aDir = () => {
    const dir = mkdtempSync(join(tmpdir(), 'procman-fuzz-'))
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
    return dir
  }

  /** It left by itself, claimed its run, and said how it ended; and nothing was executed that was not written down. */
  const isInOrder = (dir: string) => {
    const { status, signal } = keep(dir)
    expect({ status, signal }).toEqual({ status: 0, signal: null })
    expect(existsSync(join(dir, 'run-1.claim'))).toBe(true)
    const exit = JSON.parse(readFileSync(join(dir, 'run-1.exit'), 'utf8'))
    if (exit.kind === 'failed') expect(['intent', 'cwd', 'log', 'fork', 'command', 'interpreter']).toContain(exit.step)
    else expect(JSON.parse(readFileSync(join(dir, 'run-1.child'), 'utf8')).pid).toBeGreaterThan(1)
    return exit
  }

  it('takes whatever intent it finds', { timeout: 600_000 }, () => {
    const top = aDir()
    let n = 0
    fc.assert(
      fc.property(intent, (content) => {
        const dir = join(top, String(n++))
        mkdirSync(dir)
        writeFileSync(join(dir, 'run-1.intent'), content)
        isInOrder(dir)
        rmSync(dir, { recursive: true })
      }),
      { seed: aSeed('intents'), numRuns, endOnFailure: true },
    )
  })

  it.each(
    some(
      [
        ['64 MB and a byte', (path: string) => hollow(path, 2 ** 26 + 1)],
        ['63 MB of NUL', (path: string) => hollow(path, 63 * 2 ** 20)],
        ['nothing', (path: string) => writeFileSync(path, '')],
        ['63 MB of empty arguments', (path: string) => writeFileSync(path, `v=1\0token=t\0cwd=/\0stdout=o\0stderr=e\0${'arg=\0'.repeat(12 * 2 ** 20)}`)],
        ['a directory', (path: string) => mkdirSync(path)],
        [
          '63 MB of one argument',
          (path: string) => writeFileSync(path, `v=1\0token=t\0cwd=/\0stdout=o\0stderr=e\0arg=/bin/true\0arg=${'x'.repeat(62 * 2 ** 20)}`),
        ],
      ],
      2,
    ),
  )('of %s: fails, and says so', (_what, write) => {
    const dir = aDir()
    write(join(dir, 'run-1.intent'))
    expect(isInOrder(dir)).toMatchObject({ kind: 'failed' })
  })

  it('of none at all: was asked for by a process that has been removed, and touches nothing', () => {
    const dir = aDir()
    const { status, signal } = keep(dir)
    expect({ status, signal, left: readdirSync(dir) }).toEqual({ status: 0, signal: null, left: [] })
  })

  it('goes on whatever is written to its FIFO, and obeys afterwards', async () => {
    const dir = aDir()
    writeFileSync(join(dir, 'run-1.intent'), 'v=1\0token=t\0cwd=/\0arg=/bin/sleep\0arg=600\0stdout=out.log\0stderr=err.log\0graceMs=100\0')
    const keeper = spawn(program, [...before, 'keep', 'run-1'], { cwd: dir, stdio: 'ignore', detached: true })
    onTestFinished(() => {
      if (keeper.exitCode === null && keeper.signalCode === null) keeper.kill('SIGKILL')
    })
    const gone = new Promise<number | null>((resolve) => keeper.once('exit', resolve))
    const { pid } = await until(
      'the command is known',
      () => existsSync(join(dir, 'run-1.child')) && JSON.parse(readFileSync(join(dir, 'run-1.child'), 'utf8')),
    )
    // No letter that it obeys.
    const noise = fc
      .uint8Array({ minLength: 1, maxLength: 3_000 })
      .map((list) => Buffer.from(list.filter((byte) => !'spkc'.includes(String.fromCharCode(byte)))))
    for (const bytesOfNoise of fc.sample(noise, { numRuns: 200, seed: aSeed('noise') })) await tell(join(dir, 'run-1.ctl'), bytesOfNoise)
    await tell(join(dir, 'run-1.ctl'), Buffer.from(`\n${'s'.repeat(300)}\ns\ns0\ns-1\ns65\ns99999999999\np\np0\nx9\n`))
    expect(lives(pid)).toBe(true)
    expect(keeper.exitCode ?? keeper.signalCode).toBe(null)
    await tell(join(dir, 'run-1.ctl'), Buffer.from('\nk\n'))
    expect(await gone).toBe(0)
    expect(lives(pid)).toBe(false)
    expect(JSON.parse(readFileSync(join(dir, 'run-1.exit'), 'utf8'))).toMatchObject({ kind: 'signal', signal: 9 })
  })
})

function hollow(path: string, size: number): void {
  writeFileSync(path, '')
  truncateSync(path, size)
}

/** All of it, as fast as the keeper reads. */
async function tell(path: string, bytes: Buffer): Promise<void> {
  const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  try {
    for (let at = 0; at < bytes.length; ) {
      try {
        at += writeSync(fd, bytes, at)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
        await pause(2)
      }
    }
  } finally {
    closeSync(fd)
  }
}
