/** Output that is captured in memory, or not at all. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { LogLine, Reader, Supervisor } from '../../src/index.ts'
import { createReader } from '../../src/index.ts'
import { aHome, obedient, sh, until } from './harness.ts'

const IS_LINUX = process.platform === 'linux'

async function textsOf(
  source: Pick<Reader | Supervisor, 'watch'>,
  id: string,
  options: Parameters<Reader['watch']>[1] = { follow: false },
): Promise<readonly string[]> {
  const texts: string[] = []
  for await (const line of source.watch(id, options) as AsyncIterable<LogLine>) texts.push(`${line.run} ${line.stream} ${line.text}`)
  return texts
}

const keeperOf = (claim: string): number => JSON.parse(readFileSync(claim, 'utf8')).pid

describe.runIf(IS_LINUX)('output that is captured in memory', () => {
  it('is read like a log while it is up, also without a manager, and nothing of it is in a file', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(obedient({ id: 'job', logs: { capture: 'memory' } }))
    await supervisor.write('job', 'echo one; echo two; echo three; echo trouble >&2\n')
    for await (const { text } of supervisor.watch('job', { stdout: false })) if (text === 'trouble') break
    const reader = createReader({ stateDir: home.stateDir })
    for (const source of [supervisor, reader]) {
      expect(await textsOf(source, 'job')).toEqual(['1 stdout one', '1 stdout two', '1 stdout three', '1 stderr trouble'])
      expect(await textsOf(source, 'job', { follow: false, tail: 1, stderr: false })).toEqual(['1 stdout three'])
      expect(await textsOf(source, 'job', { follow: false, tail: 0 })).toEqual([])
      expect(await textsOf(source, 'job', { follow: false, tail: 2, grep: /o/ })).toEqual(['1 stdout one', '1 stdout two', '1 stderr trouble'])
    }
    expect(readdirSync(home.jobFile('job', '.')).filter((name) => /^std/.test(name))).toEqual([])
    const followed = textsOf(reader, 'job', { tail: 0 })
    const first = reader.watch('job', { stderr: false })
    await first.next()
    const { position } = first
    await first.return?.()
    await supervisor.write('job', 'echo four; exit\n')
    await supervisor.wait('job')
    expect(await followed).toEqual(['1 stdout four'])
    expect(await textsOf(supervisor, 'job', { from: position, stderr: false })).toEqual(['1 stdout two', '1 stdout three', '1 stdout four'])
  })

  it('of a run that is over is still with the manager that lived through it, and with no later one', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(sh('echo last words', { id: 'job', logs: { capture: 'memory' } }))
    await supervisor.wait('job')
    await until('the keeper has left', () => !existsSync(`/proc/${keeperOf(home.jobFile('job', 'run-1.claim'))}`))
    expect(await textsOf(supervisor, 'job')).toEqual(['1 stdout last words'])
    expect(await textsOf(createReader({ stateDir: home.stateDir }), 'job')).toEqual([])
    await supervisor.close()
    expect(await textsOf(await home.supervisor(), 'job')).toEqual([])
  })

  it('is followed from run to run, also by who waits for a line of it', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(
      sh('echo run $PROCMAN_RUN; sleep 0.2; exit 2', {
        id: 'job',
        logs: { capture: 'memory' },
        ready: { logLine: '^run [12]$' },
        restart: { strategy: 'always', delayMs: 30, maxAttempts: 2 },
      }),
    )
    expect(await supervisor.waitFor('job', 'ready', { timeoutMs: 15_000 })).toMatchObject({ ready: true })
    expect(await textsOf(supervisor, 'job', {})).toEqual(['1 stdout run 1', '2 stdout run 2', '3 stdout run 3'])
  })

  it('is the last of it: what is older gives way, and a reader that is too slow is told', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const many = 'i=0; while [ $i -lt 40000 ]; do echo "line $i of many"; i=$((i+1)); done; echo end; '
    await supervisor.start(obedient({ id: 'job', logs: { capture: 'memory', bufferBytes: 65_536 } }))
    await supervisor.write('job', 'echo first\n')
    const slow = supervisor.watch('job', { stderr: false })
    expect(await slow.next()).toMatchObject({ value: { text: 'first' } })
    await supervisor.write('job', `${many}\n`)
    for await (const { text } of supervisor.watch('job', { tail: 1 })) if (text === 'end') break
    let gap: LogLine | undefined
    for await (const line of slow)
      if (line.gapBytes !== undefined) gap = line
      else if (gap !== undefined) break
    expect(gap).toMatchObject({ gapBytes: expect.any(Number), run: 1 })
    const texts = (await textsOf(supervisor, 'job')).map((text) => text.replace('1 stdout ', ''))
    expect(texts.at(-1)).toBe('end')
    expect(texts.slice(1, -1)).toEqual(Array.from({ length: texts.length - 2 }, (_, nth) => `line ${40_000 - texts.length + 2 + nth} of many`))
    const bytes = texts.join('\n').length
    expect(bytes).toBeGreaterThan(60_000)
    expect(bytes).toBeLessThan(200_000)
  })
})

describe('output that is not captured', () => {
  it('is nowhere, and one of the streams may be', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(sh('echo out; echo err >&2', { id: 'none', logs: { capture: 'none' } }))
    await supervisor.start(sh('echo out; echo err >&2', { id: 'half', logs: { capture: { stdout: 'none' } } }))
    for (const id of ['none', 'half']) await supervisor.wait(id)
    expect(await textsOf(supervisor, 'none', {})).toEqual([])
    expect(await textsOf(supervisor, 'half', {})).toEqual(['1 stderr err'])
  })
})
