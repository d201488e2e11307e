/** Logs read while the keeper rotates them as fast as it can: by followers, by those who come and go, by those who look back. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { LogLine, ProcessInput, Reader, Supervisor, WatchOptions } from '../../src/api.ts'
import { connect } from '../../src/control/connect.ts'
import { serveControl } from '../../src/control/serve.ts'
import { createReader } from '../../src/reader.ts'
import { IS_FULL } from '../effort.ts'
import { aHome, sh } from './harness.ts'

const LINES = IS_FULL ? 1_500_000 : 150_000
const ROTATIONS = IS_FULL ? 200 : 20

/** Numbered lines on stdout, as fast as it can. */
const WRITER = `
  let line = 0
  while (line < ${LINES}) {
    let text = ''
    for (let i = 0; i < 200; i++) text += 'this is line ' + ++line + ' of a log that is long\\n'
    require('node:fs').writeSync(1, text)
  }`

function writer(logs: ProcessInput['logs']): ProcessInput {
  return { id: 'writer', command: process.execPath, args: ['-e', WRITER], logs: { maxSizeBytes: 65_536, maxFiles: 10_000, ...logs } }
}

const numberOf = ({ text }: LogLine) => Number(/^this is line (\d+) of a log that is long$/.exec(text)?.[1])

/** Where one line does not follow the one before, or bytes are missing; the last line. */
async function check(lines: AsyncIterable<LogLine>, begin?: number): Promise<{ readonly breaks: readonly unknown[]; readonly last: number }> {
  const breaks: unknown[] = []
  let last = begin
  for await (const line of lines) {
    if ((last !== undefined && numberOf(line) !== last + 1) || line.gapBytes !== undefined) breaks.push({ last, line })
    last = numberOf(line)
  }
  return { breaks, last: last ?? 0 }
}

/** Comes, reads on where it was, and goes, until there is no more. */
async function comeAndGo(supervisor: Pick<Supervisor, 'watch'>): Promise<Awaited<ReturnType<typeof check>>> {
  const breaks: unknown[] = []
  let position: string | undefined
  for (let last = 0; ; ) {
    const lines = supervisor.watch('writer', { stderr: false, ...(position !== undefined && { from: position }) })
    let count = 0
    for await (const line of lines) {
      if (numberOf(line) !== last + 1 || line.gapBytes !== undefined) breaks.push({ last, line })
      last = numberOf(line)
      if (++count < 7_777) continue
      position = lines.position
      break
    }
    if (count < 7_777) return { breaks, last }
  }
}

async function lookBack(supervisor: Supervisor): Promise<readonly unknown[]> {
  const breaks: unknown[] = []
  while (supervisor.get('writer').status === 'running') {
    breaks.push(...(await check(supervisor.watch('writer', { follow: false, stderr: false, unfinished: false }), 0)).breaks)
    breaks.push(...(await check(supervisor.watch('writer', { follow: false, stderr: false, tail: 500, unfinished: false }))).breaks)
  }
  return breaks
}

describe('a process that writes at full speed while its log is rotated', () => {
  it.each([{ compress: 'none' }, { compress: 'gzip' }] as const)('is read by everybody, each line once and in order: %j', async (logs) => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(writer(logs))
    const whole = { breaks: [], last: LINES }
    const all = [
      check(supervisor.watch('writer', { stderr: false }), 0),
      check(createReader({ stateDir: home.stateDir }).watch('writer', { stderr: false, tail: 10 })),
      comeAndGo(supervisor),
    ]
    expect(await lookBack(supervisor)).toEqual([])
    expect(await Promise.all(all)).toEqual([whole, whole, whole])
    expect(await check(supervisor.watch('writer', { follow: false }), 0)).toEqual(whole)
    const segments = readdirSync(join(home.stateDir, 'jobs', 'writer')).filter((name) => /^stdout\.\d+-\d+\.log(\.gz)?$/.test(name))
    expect(segments.length).toBeGreaterThanOrEqual(ROTATIONS)
  })

  it('is read by a slow reader with gaps that make up for what is missing', async () => {
    const supervisor = await aHome().supervisor()
    const { args = [], ...rest } = writer({ maxFiles: 2 })
    await supervisor.start({ ...rest, stdin: 'pipe', command: 'sh', args: ['-c', 'echo ready; read -r line; exec "$@"', 'sh', process.execPath, ...args] })
    let bytes = 0
    let gaps = 0
    for await (const { data, gapBytes = 0 } of supervisor.attach('writer', { stderr: false })) {
      if (bytes === 0) {
        await supervisor.write('writer', 'go\n')
        await supervisor.wait('writer')
      }
      bytes += data.length + gapBytes
      gaps += gapBytes
    }
    const lines = Array.from({ length: LINES }, (_, line) => `this is line ${line + 1} of a log that is long\n`)
    expect(bytes).toBe(lines.reduce((sum, { length }) => sum + length, 'ready\n'.length))
    expect(gaps).toBeGreaterThan(0)
  })
})

describe('one run', () => {
  const textsOf = async (supervisor: Pick<Reader, 'watch'>, options: WatchOptions) => {
    const texts: string[] = []
    for await (const { text } of supervisor.watch('job', options)) texts.push(text)
    return texts
  }

  it('is read alone, by whomever, and ends with it although the process goes on', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const server = await serveControl({ supervisor })
    const client = await connect({ stateDir: home.stateDir })
    try {
      const reader = createReader({ stateDir: home.stateDir })
      const input = sh('echo "run $PROCMAN_RUN"; echo error >&2; [ "$PROCMAN_RUN" = 3 ] && exec sleep 600; exit 1', { id: 'job' })
      await supervisor.start({ ...input, restart: { strategy: 'always', delayMs: 10, maxAttempts: 0 } })
      for (const source of [supervisor, client, reader]) {
        expect((await textsOf(source, { run: 1 })).sort()).toEqual(['error', 'run 1'])
        expect(await textsOf(source, { run: 2, stderr: false })).toEqual(['run 2'])
        expect(await textsOf(source, { run: 2, tail: 1, follow: false, stderr: false })).toEqual(['run 2'])
        expect(await textsOf(source, { run: 2, grep: /run/, tail: 1 })).toEqual(['run 2'])
      }
      const third = textsOf(supervisor, { run: 3, stderr: false })
      const fourth = textsOf(supervisor, { run: 4 })
      await supervisor.stop('job')
      expect([await third, await fourth, await textsOf(client, { run: 9, follow: false })]).toEqual([['run 3'], [], []])
    } finally {
      await client.close()
      await server.close()
    }
  })

  it('ends also while the process waits to be started again', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start({ ...sh('echo one; exit 1', { id: 'job' }), restart: { strategy: 'always', delayMs: 600_000 } })
    for (const source of [supervisor, createReader({ stateDir: home.stateDir })]) expect(await textsOf(source, { run: 1 })).toEqual(['one'])
  })
})
