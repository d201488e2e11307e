/** When output arrived, and in which order: told by whoever reads it, in the manager, over its API, without one. */
import { rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { LogChunk, LogLine, Supervisor, WatchOptions } from '../../src/api.ts'
import { connect } from '../../src/control/connect.ts'
import { serveControl } from '../../src/control/serve.ts'
import { createReader } from '../../src/reader.ts'
import { onNews } from '../../src/supervisor.ts'
import { aHome, obedient, sh, until } from './harness.ts'

async function linesOf(source: Pick<Supervisor, 'watch'>, id: string, options: WatchOptions = { follow: false }): Promise<LogLine[]> {
  const lines: LogLine[] = []
  for await (const line of source.watch(id, options)) lines.push(line)
  return lines
}

const textsOf = (lines: readonly LogLine[]) => lines.map(({ text }) => text)

/** Says something, and waits until that has been written down. */
async function say(supervisor: Supervisor, id: string, script: string, line: string): Promise<LogLine> {
  await supervisor.write(id, `${script}\n`)
  const lines = supervisor.watch(id)
  for await (const each of lines) if (each.text === line) return each
  throw new Error(`${line} never came`)
}

describe('output that arrives while a manager lives', () => {
  it('is read again in the order in which it came, with the time at which it did', async () => {
    const supervisor = await aHome().supervisor()
    await supervisor.start(obedient({ id: 'job' }))
    const before = Date.now()
    for (const [index, to] of ['', ' >&2', '', ' >&2'].entries()) await say(supervisor, 'job', `echo ${index}${to}`, String(index))
    const lines = await linesOf(supervisor, 'job')
    expect(textsOf(lines)).toEqual(['0', '1', '2', '3'])
    const seqs = lines.map(({ seq = 0 }) => seq)
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b))
    for (const { at = 0, seq = 0, unattended } of lines) {
      expect(at).toBe(Math.floor(seq / 1000))
      expect(at).toBeGreaterThanOrEqual(before)
      expect(unattended).toBeUndefined()
    }
  })

  it('has one order over all processes, and tells the same to a client and to a reader without a manager', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const server = await serveControl({ supervisor })
    const client = await connect({ stateDir: home.stateDir })
    try {
      for (const id of ['a', 'b']) await supervisor.start(obedient({ id }))
      const told: LogLine[] = []
      for (const [index, id] of ['a', 'b', 'a', 'b'].entries()) told.push(await say(supervisor, id, `echo ${index}`, String(index)))
      expect(told.map(({ seq }) => seq)).toEqual(told.map(({ seq = 0 }) => seq).sort((a, b) => a - b))
      const lines = await linesOf(supervisor, 'a')
      expect(await linesOf(client, 'a')).toEqual(lines)
      expect(await linesOf(createReader({ stateDir: home.stateDir }) as unknown as Supervisor, 'a')).toEqual(lines)
      const chunks: LogChunk[] = []
      for await (const chunk of client.attach('a', { follow: false })) chunks.push(chunk)
      expect(chunks.map(({ seq, at }) => ({ seq, at }))).toEqual(lines.map(({ seq, at }) => ({ seq, at })))
    } finally {
      await client.close()
      await server.close()
    }
  })

  it('is news', async () => {
    const supervisor = await aHome().supervisor()
    const news: string[] = []
    const stop = onNews(supervisor, (id) => news.push(id))
    await supervisor.start(obedient({ id: 'job' }))
    await supervisor.write('job', 'echo one\n')
    await until('there is news', () => news.includes('job'))
    stop?.()
  })

  it('ends with the last words of a run', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(sh('echo last; echo words >&2', { id: 'job' }))
    await supervisor.wait('job')
    const reader = createReader({ stateDir: home.stateDir })
    const lines = await linesOf(reader as unknown as Supervisor, 'job')
    expect(lines.map(({ seq }) => typeof seq)).toEqual(['number', 'number'])
  })
})

describe('output that came while no manager lived', () => {
  it('is marked so, and what comes after it is not', async () => {
    const home = aHome()
    const first = await home.supervisor()
    await first.start(obedient({ id: 'job', cwd: home.dir }))
    await say(first, 'job', 'echo seen', 'seen')
    await first.write('job', 'sleep 0.2; echo alone; echo done > done\n')
    await first.close()
    await until('it has been said', () => home.text('done') !== '')
    const unseen = []
    for await (const line of createReader({ stateDir: home.stateDir }).watch('job', { follow: false })) unseen.push(line)
    expect(unseen).toEqual([
      { text: 'seen', stream: 'stdout', run: 1, at: expect.any(Number), seq: expect.any(Number) },
      { text: 'alone', stream: 'stdout', run: 1, unattended: true },
    ])
    const second = await home.supervisor()
    await say(second, 'job', 'echo again', 'again')
    const lines = await linesOf(second, 'job')
    expect(lines.map(({ text, unattended = false }) => [text, unattended])).toEqual([
      ['seen', false],
      ['alone', true],
      ['again', false],
    ])
    const seqs = lines.map(({ seq = 0 }) => seq)
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b))
  })

  it('is all of it when the index is gone, and none of it is lost', async () => {
    const home = aHome()
    const first = await home.supervisor()
    await first.start(obedient({ id: 'job' }))
    await say(first, 'job', 'echo one', 'one')
    await first.close()
    rmSync(home.jobFile('job', 'arrivals'))
    const second = await home.supervisor()
    expect(await linesOf(second, 'job')).toEqual([{ text: 'one', stream: 'stdout', run: 1, unattended: true, at: expect.any(Number), seq: expect.any(Number) }])
  })
})

describe('a part of the output', () => {
  it('is what arrived since then, or until then', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(obedient({ id: 'job' }))
    const said: LogLine[] = []
    for (const text of ['one', 'two', 'three']) said.push(await say(supervisor, 'job', `sleep 0.01; echo ${text}`, text))
    const at = (index: number) => said[index]?.at ?? 0
    for (const source of [supervisor, createReader({ stateDir: home.stateDir }) as unknown as Supervisor]) {
      const read = async (options: WatchOptions) => textsOf(await linesOf(source, 'job', { follow: false, ...options }))
      expect(await read({ since: at(1) })).toEqual(['two', 'three'])
      expect(await read({ since: new Date(at(2)) })).toEqual(['three'])
      expect(await read({ since: at(2) + 1 })).toEqual([])
      expect(await read({ until: at(1) })).toEqual(['one', 'two'])
      expect(await read({ since: at(1), until: at(1) })).toEqual(['two'])
      expect(await read({ until: at(1), tail: 1 })).toEqual(['two'])
      expect(await read({ since: at(1), tail: 10 })).toEqual(['two', 'three'])
      expect(await read({ until: at(1), follow: true })).toEqual(['one', 'two'])
      expect(await read({ grep: /^t/g })).toEqual(['two', 'three'])
    }
  })

  it('is one run, also when its run files are gone', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(sh('echo "run $PROCMAN_RUN"; echo more', { id: 'job' }))
    await supervisor.wait('job')
    for (let run = 2; run <= 3; run++) {
      await supervisor.launch('job')
      await supervisor.wait('job')
    }
    await supervisor.close()
    for (const run of [1, 2]) rmSync(home.jobFile('job', `run-${run}.child`), { force: true })
    const next = await home.supervisor()
    const read = async (options: WatchOptions) => textsOf(await linesOf(next, 'job', options))
    expect(await read({ run: 1 })).toEqual(['run 1', 'more'])
    expect(await read({ run: 2 })).toEqual(['run 2', 'more'])
    expect(await read({ run: 2, tail: 1 })).toEqual(['more'])
    expect(await read({ run: 3 })).toEqual(['run 3', 'more'])
    expect(await read({ run: 4 })).toEqual([])
    expect((await linesOf(next, 'job')).map(({ run }) => run)).toEqual([1, 1, 2, 2, 3, 3])
  })

  it.each([{ since: Number.NaN }, { until: 'today' }, { run: 0 }, { run: 1.5 }, { grep: 'x' }])('that cannot be meant is refused: %o', async (options) => {
    const supervisor = await aHome().supervisor()
    await supervisor.start(sh('true', { id: 'job' }))
    expect(() => supervisor.watch('job', options as WatchOptions)).toThrow(expect.objectContaining({ code: 'PROCMAN_INVALID_ARGUMENT' }))
  })
})
