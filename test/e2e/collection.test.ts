import { existsSync, readFileSync, statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { LogRecord } from '../../src/collect.ts'
import { IS_FULL } from '../effort.ts'
import { aProject } from './project-home.ts'

/** Each record of a json file. A line that is none would throw. */
function recordsIn(path: string): readonly LogRecord[] {
  return existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))
    : []
}

/** Numbered lines without end, some thousands a second. */
const COUNTER = 'i=0; while :; do i=$((i+1)); echo "line $i"; [ $((i % 200)) -ne 0 ] || sleep 0.02; done'

describe('log_collection of a project', () => {
  it('survives kill -9 of the manager: every line is in the file, and few are there twice', async () => {
    const home = aProject(`
log_collection:
  targets: [{ type: file, path: all.json, format: json, max_size: 1GB }]
processes:
  counter: { command: '${COUNTER}', shell: true }
`)
    await home.procman('up', '-d')
    const path = `${home.dir}/all.json`
    for (let kills = IS_FULL ? 10 : 1; kills > 0; kills--) {
      const before = recordsIn(path).length
      await home.comesTrue(() => expect(recordsIn(path).length).toBeGreaterThan(before + 1_000))
      await home.killManager()
      await home.procman('daemon', 'start')
    }
    await home.procman('stop', 'counter')
    const last = readFileSync(`${home.stateDir}/jobs/counter/stdout.log`, 'utf8').trimEnd().split('\n').at(-1) ?? ''
    await home.comesTrue(() => expect(recordsIn(path).at(-1)?.msg).toBe(last))
    const records = recordsIn(path)
    const seen = new Set(records.map(({ msg }) => msg))
    expect(seen.size).toBe(Number(last.slice('line '.length)))
    expect(records.length - seen.size).toBeLessThan(seen.size / 4)
    expect(records[0]).toMatchObject({ msg: 'line 1', id: 'counter', run: 1, stream: 'stdout', pid: expect.any(Number) })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect((await home.status())?.collection).toMatchObject([{ type: 'file', destination: path, state: 'ok', lag_bytes: 0 }])
  })

  it('is changed by reload without a restart, and has the last words of what is removed', async () => {
    const config = (targets: string) => `
log_collection:
  targets: [${targets}]
processes:
  web: { command: 'trap "echo bye; exit" TERM; echo hello; while :; do sleep 0.1; done', shell: true }
`
    const home = aProject(config('{ type: file, path: one.log, include: { streams: stdout } }'))
    await home.procman('up', '-d')
    const pid = (await home.status())?.pid
    await home.comesTrue(() => expect(readFileSync(`${home.dir}/one.log`, 'utf8')).toMatch(/^\S+Z web stdout - hello\n$/))
    home.write(config('{ type: file, path: one.log, format: json, include: { streams: stdout } }, { type: file, path: two.log, exclude: { streams: stderr } }'))
    await home.procman('reload')
    expect((await home.procman('daemon', 'status')).stdout).toMatch(
      /collection +file-\w+ to \S+one.log: all is delivered\n +file-\w+ to \S+two.log: all is delivered/,
    )
    expect((await home.status())?.pid).toBe(pid)
    await home.procman('down')
    expect(readFileSync(`${home.dir}/one.log`, 'utf8')).toMatch(/^\S+Z web stdout - hello\n\{"time".*"msg":"bye"\}\n$/)
    expect(readFileSync(`${home.dir}/two.log`, 'utf8')).toMatch(/^\S+Z web stdout - bye\n$/)
  })
})
