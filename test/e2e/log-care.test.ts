/** Rotating, clearing and looking after logs at a user's word, while a run is up and when none is. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { LogPaths, Supervisor } from '../../src/api.ts'
import { connect } from '../../src/control/connect.ts'
import { serveControl } from '../../src/control/serve.ts'
import { createReader } from '../../src/reader.ts'
import { aHome, obedient, outputOf, pause, rejection, sh, until } from './harness.ts'

/** As `cat stdout*.log` has it. */
function onDisk({ stdout }: LogPaths): string {
  return stdout.map((path) => (path.endsWith('.gz') ? gunzipSync(readFileSync(path)) : readFileSync(path)).toString()).join('')
}

async function readBack(supervisor: Pick<Supervisor, 'attach'>, id: string): Promise<string> {
  let text = ''
  for await (const { data } of supervisor.attach(id, { follow: false, stderr: false })) text += data.toString()
  return text
}

const rejectionOf = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  )

/** So many lines, which the command has said when this resolves. */
async function say(supervisor: Supervisor, id: string, from: number, to: number): Promise<void> {
  await supervisor.write(id, `seq ${from} ${to}\n`)
  for await (const { text } of supervisor.watch(id)) if (text === String(to)) return
}

const seq = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `${from + index}\n`).join('')

describe('rotating at a user’s word', () => {
  it('while a run is up is done by its keeper, in whole blocks', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(obedient({ id: 'job' }))
    await say(supervisor, 'job', 1, 5_000)
    await supervisor.rotateLogs('job')
    const paths = await supervisor.logPaths('job')
    expect(paths.stdout).toHaveLength(2)
    expect(paths.stderr).toEqual([home.jobFile('job', 'stderr.log')])
    await say(supervisor, 'job', 5_001, 5_100)
    expect(await readBack(supervisor, 'job')).toBe(seq(1, 5_100))
    const { stdout } = await supervisor.logStats('job')
    expect(stdout).toMatchObject({ from: 0, to: seq(1, 5_100).length, gapBytes: 0, lostBytes: 0, rotatedFiles: 1, compressedFiles: 0 })
    await supervisor.clearLogs('job')
    expect((await supervisor.logPaths('job')).stdout).toHaveLength(1)
    expect(await readBack(supervisor, 'job')).toBe('')
    await say(supervisor, 'job', 1, 3)
    expect(await readBack(supervisor, 'job')).toBe(seq(1, 3))
  })

  it('is refused while a run is up whose keeper was killed', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start({ id: 'job', command: 'sleep', args: ['60'] })
    process.kill(home.keeperPid('job'), 'SIGKILL')
    await until('that is known', () => supervisor.get('job').keeper_lost)
    expect(await rejectionOf(supervisor.rotateLogs('job'))).toMatchObject({
      code: 'PROCMAN_WRONG_STATE',
      message: expect.stringContaining('its keeper was killed'),
    })
  })

  it('when none is up is done all the same, and the next run goes on behind it', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(sh('seq 1 1000; echo err >&2', { id: 'job' }))
    await supervisor.wait('job')
    await supervisor.rotateLogs('job')
    const paths = await supervisor.logPaths('job')
    expect(statSync(home.jobFile('job', 'stdout.log')).size).toBe(0)
    expect(onDisk(paths)).toBe(seq(1, 1_000))
    for (const path of paths.stdout) expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(await createReader({ stateDir: home.stateDir }).logPaths('job')).toEqual(paths)
    await supervisor.launch('job')
    await supervisor.wait('job')
    expect(await readBack(supervisor, 'job')).toBe(seq(1, 1_000) + seq(1, 1_000))
    const runs: number[] = []
    for await (const { run } of supervisor.watch('job', { stderr: false, tail: 1_001 })) runs.push(run)
    expect([...new Set(runs)]).toEqual([1, 2])
    await supervisor.clearLogs('job')
    expect(await outputOf(supervisor, 'job')).toBe('')
    await supervisor.launch('job')
    await supervisor.wait('job')
    expect(await readBack(supervisor, 'job')).toBe(seq(1, 1_000))
  })

  it('can be asked for by a client', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const server = await serveControl({ supervisor })
    const client = await connect({ stateDir: home.stateDir })
    try {
      await client.start(sh('seq 1 100', { id: 'job' }))
      await client.wait('job')
      await client.rotateLogs('job')
      expect(await client.logPaths('job')).toEqual(await supervisor.logPaths('job'))
      expect((await client.logStats('job')).stdout).toMatchObject({ rotatedFiles: 1, to: seq(1, 100).length })
      await client.clearLogs('job')
      expect((await client.logStats('job')).stdout).toMatchObject({ rotatedFiles: 0, diskBytes: 0 })
      expect((await rejection(client.rotateLogs('nobody'))).code).toBe('PROCMAN_PROCESS_UNKNOWN')
    } finally {
      await client.close()
      await server.close()
    }
  })

  it('is refused while something that was left behind still writes, and nobody could rotate under it', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(sh('(until [ -e stop ]; do echo on; sleep 0.02; done) & exit 0', { id: 'job', leftovers: 'leave', cwd: home.dir }))
    await supervisor.wait('job')
    expect(await rejection(supervisor.rotateLogs('job'))).toMatchObject({ code: 'PROCMAN_WRONG_STATE', details: { id: 'job' } })
    writeFileSync(home.path('stop'), '')
    while ((await rejectionOf(supervisor.rotateLogs('job'))) !== null) await pause(20)
  })
})

describe('a manager that is killed while it rotates and compresses', () => {
  it('loses nothing, and the next one goes on', async () => {
    const home = aHome()
    const text = seq(1, 200_000)
    for (let round = 0; round < 6; round++) {
      const manager = await home.manager()
      if (round === 0) {
        await manager.start(sh('seq 1 200000', { id: 'job', logs: { compress: 'gzip', maxSizeBytes: 2 ** 30 } }))
        await manager.call('wait', 'job')
      }
      manager.call('rotateLogs', 'job').catch(() => {})
      await pause(4 * round ** 2)
      await manager.kill()
      expect(await readBack(createReader({ stateDir: home.stateDir }), 'job')).toBe(text)
    }
    const supervisor = await home.supervisor()
    await supervisor.rotateLogs('job')
    expect(onDisk(await supervisor.logPaths('job'))).toBe(text)
    expect(await readBack(supervisor, 'job')).toBe(text)
  })
})

describe('rotated logs', () => {
  it('are compressed in the background, and read as before', async () => {
    const supervisor = await aHome().supervisor()
    await supervisor.start(sh('seq 1 1000', { id: 'job', logs: { compress: 'gzip' } }))
    await supervisor.wait('job')
    await supervisor.rotateLogs('job')
    let paths = await supervisor.logPaths('job')
    const rotatedAt = statSync(paths.stdout[0] ?? '').mtimeMs
    while (!paths.stdout[0]?.endsWith('.gz')) {
      await pause(5)
      paths = await supervisor.logPaths('job')
    }
    expect(onDisk(paths)).toBe(seq(1, 1_000))
    expect(Math.abs(statSync(paths.stdout[0]).mtimeMs - rotatedAt)).toBeLessThan(1)
    expect(statSync(paths.stdout[0]).mode & 0o777).toBe(0o600)
    expect(await readBack(supervisor, 'job')).toBe(seq(1, 1_000))
    expect((await supervisor.logStats('job')).stdout).toMatchObject({ rotatedFiles: 1, compressedFiles: 1 })
  })

  it('of all processes together take no more than they may: the oldest go first', async () => {
    const supervisor = await aHome().supervisor({ logs: { maxTotalBytes: 10_000 } })
    const bytes = seq(1, 1_000).length
    for (const id of ['a', 'b', 'c']) {
      await supervisor.start(sh('seq 1 1000', { id }))
      await supervisor.wait(id)
      await supervisor.rotateLogs(id)
    }
    const kept = async (id: string) => (await supervisor.logStats(id)).stdout.diskBytes
    let sizes: number[] = []
    while (sizes[0] !== 0) {
      await pause(5)
      sizes = await Promise.all(['a', 'b', 'c'].map(kept))
    }
    expect(sizes).toEqual([0, bytes, bytes])
  })

  it('go when they have come of age, also those of processes that are down', async () => {
    const supervisor = await aHome().supervisor()
    await supervisor.start(sh('seq 1 1000', { id: 'job', logs: { maxAgeMs: 1_500 } }))
    await supervisor.wait('job')
    await supervisor.rotateLogs('job')
    expect((await supervisor.logPaths('job')).stdout).toHaveLength(2)
    let count = 2
    while (count > 1) {
      await pause(20)
      count = (await supervisor.logPaths('job')).stdout.length
    }
  })
})
