/** How far a process is, read from its output while it is up: in its record, in its events, and for the next manager. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ProcessRef } from '../../src/api.ts'
import type { Progress } from '../../src/output.ts'
import { createReader } from '../../src/reader.ts'
import { aHome, type Home, sh, until } from './harness.ts'

/** Collects what an actor says of its progress. */
function progressesOf(ref: ProcessRef): readonly Progress[] {
  const seen: Progress[] = []
  ref.on('process.progressed', ({ progress }) => seen.push(progress))
  return seen
}

const waits = (home: Home, file: string) => `until [ -e ${home.path(file)} ]; do sleep 0.01; done`
const go = (home: Home, file: string) => writeFileSync(home.path(file), '')

describe('the progress of a process', () => {
  it('is in its record and its events while it goes on, and its last word is known when it has ended', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const script = `printf 'file 1/4\\r' >&2; ${waits(home, 'one')}; printf 'file 3/4\\r' >&2; ${waits(home, 'two')}; printf 'file 4/4' >&2`
    const ref = await supervisor.start(sh(script, { progress: true }))
    const seen = progressesOf(ref)
    await until('the first', () => supervisor.get(ref.id).progress?.percent === 25)
    go(home, 'one')
    await until('the second', () => supervisor.get(ref.id).progress?.percent === 75)
    go(home, 'two')
    expect(await supervisor.wait(ref.id)).toMatchObject({ status: 'completed', progress: { percent: 100, current: 4, total: 4, message: 'file', etaMs: 0 } })
    expect(seen.at(-1)).toMatchObject({ percent: 100 })
    expect(supervisor.table.getSnapshot().context.processes.get(ref.id)?.get().progress).toMatchObject({ percent: 100 })
  })

  it('is not read for those who did not ask for it', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(sh('echo 45%'))
    expect(await supervisor.wait(id)).toMatchObject({ progress: null })
  })

  it('is read by a pattern of its own', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(
      sh('echo 99%; echo at 5 of 20: linking', { progress: { pattern: /at (?<current>\d+) of (?<total>\d+): (?<message>.*)/ } }),
    )
    expect(await supervisor.wait(id)).toMatchObject({ progress: { percent: 25, message: 'linking' } })
  })

  it.runIf(process.platform === 'linux')('is read from memory, where nothing is kept in files', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const { id } = await supervisor.start(sh(`echo 45%; ${waits(home, 'go')}; printf 90%%`, { progress: true, logs: { capture: 'memory' } }))
    await until('it is known', () => supervisor.get(id).progress?.percent === 45)
    expect(createReader({ stateDir: home.stateDir }).get(id).progress?.percent).toBe(45)
    go(home, 'go')
    expect(await supervisor.wait(id)).toMatchObject({ progress: { percent: 90 } })
  })

  it('begins anew with each run', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const script = `[ $PROCMAN_RUN = 2 ] || echo 45%; ${waits(home, 'go')}`
    const { id } = await supervisor.start(sh(script, { progress: 'auto' }))
    await until('it is known', () => supervisor.get(id).progress?.percent === 45)
    await supervisor.restart(id)
    expect(supervisor.get(id)).toMatchObject({ run: 2, progress: null })
  })

  it('is told a few times a second, however often it changes', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const ref = await supervisor.start(sh('i=0; while [ $i -lt 2000 ]; do i=$((i+1)); printf "%d/2000\\r" $i; done', { progress: true }))
    const seen = progressesOf(ref)
    const { started_at, completed_at, progress } = await supervisor.wait(ref.id)
    expect(progress).toMatchObject({ percent: 100, current: 2_000 })
    const tookMs = Date.parse(completed_at ?? '') - Date.parse(started_at ?? '')
    expect(seen.length).toBeLessThanOrEqual(3 + tookMs / 250)
  })

  it('is asked for, or not any more, while the process is up', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const spec = sh(`echo 45%; ${waits(home, 'go')}`, { id: 'web' })
    await supervisor.start(spec)
    const { run } = await supervisor.update('web', { ...spec, progress: true })
    await until('it is known', () => supervisor.get('web').progress?.percent === 45)
    expect(supervisor.get('web').run).toBe(run)
  })

  it('goes on with the next manager, from what was printed meanwhile', async () => {
    const home = aHome()
    const manager = await home.manager()
    const script = `echo "Duration: 00:00:20.00,"; ${waits(home, 'one')}; printf 'size=  0kB time=00:00:05.00 bitrate=1 speed=1x\\r'; ${waits(home, 'two')}`
    await manager.start(sh(script, { id: 'film', progress: true }))
    await manager.kill()
    go(home, 'one')
    const next = await home.supervisor()
    await until('it is known', () => next.get('film').progress?.percent === 25)
    go(home, 'two')
    await next.wait('film')
  })

  it('is known of what has ended while nobody was there', async () => {
    const home = aHome()
    const manager = await home.manager()
    const { id } = await manager.start(sh(`${waits(home, 'go')}; printf '[7/8] linking\\r'`, { id: 'build', progress: true }))
    await manager.kill()
    go(home, 'go')
    await until('it has ended', () => existsSync(home.jobFile(id, 'run-1.exit')))
    const next = await home.supervisor()
    expect(await next.wait(id)).toMatchObject({ status: 'completed', progress: { percent: 87.5, message: 'linking' } })
  })
})

describe('a real tool', () => {
  it('curl: what it downloads, of how much, how fast, and when it will be there', async () => {
    const home = aHome()
    const whole = 1_024 * 1_024
    let finish = () => {}
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-length': whole })
      response.write(Buffer.alloc(whole / 2))
      finish = () => void response.end(Buffer.alloc(whole / 2))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const supervisor = await home.supervisor()
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const { id } = await supervisor.start({ command: 'curl', args: ['-o', home.path('got'), url], progress: true })
    await until('half of it', () => supervisor.get(id).progress?.percent === 50)
    expect(supervisor.get(id).progress).toMatchObject({ current: whole / 2, total: whole, unit: 'B' })
    finish()
    expect(await supervisor.wait(id)).toMatchObject({ status: 'completed', progress: { percent: 100, current: whole } })
    expect(readFileSync(home.path('got')).length).toBe(whole)
  })
})

describe('who only looks', () => {
  it('sees how far it is, also while no manager lives and when it has ended meanwhile', async () => {
    const home = aHome()
    const manager = await home.manager()
    const { id } = await manager.start(sh(`echo 45%; ${waits(home, 'go')}; echo 90%`, { id: 'build', progress: true }))
    await manager.kill()
    const reader = createReader({ stateDir: home.stateDir })
    await until('it is known', () => reader.get(id).progress?.percent === 45)
    go(home, 'go')
    expect(await reader.wait(id)).toMatchObject({ status: 'completed', progress: { percent: 90 } })
  })
})
