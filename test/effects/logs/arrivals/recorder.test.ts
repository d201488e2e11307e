/** The recorder of arrivals, on files that the test writes to. */
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ArrivalClock } from '../../../../src/effects/logs/arrivals/clock.ts'
import { IndexReader, readIndex } from '../../../../src/effects/logs/arrivals/index-file.ts'
import { Recorder } from '../../../../src/effects/logs/arrivals/recorder.ts'
import type { LogStream } from '../../../../src/effects/logs/contract.ts'
import { formatPlace, NO_PLACE } from '../../../../src/effects/logs/place.ts'
import { until } from '../../../e2e/harness.ts'

const BOTH = ['stdout', 'stderr'] as const

class Outputs {
  readonly dir = mkdtempSync(join(tmpdir(), 'procman-recorder-'))
  readonly troubles: string[] = []
  readonly news: string[] = []
  readonly rotated: string[] = []

  constructor() {
    onTestFinished(() => rmSync(this.dir, { recursive: true, force: true }))
  }

  recorder(): Recorder {
    const recorder = new Recorder({
      jobDirOf: (id) => join(this.dir, id),
      clock: new ArrivalClock(join(this.dir, 'last'), Date.now),
      runsIn: () => [{ run: 1, stdout: 0, stderr: 0, startedAtMs: 1_000 }],
      onRotated: (id) => this.rotated.push(id),
      onTrouble: (path, error) => this.troubles.push(`${path}: ${error}`),
      onError: (error) => this.troubles.push(String(error)),
      onUnwatchable: (error) => this.troubles.push(String(error)),
    })
    recorder.onNews((id) => this.news.push(id))
    onTestFinished(() => recorder.close())
    return recorder
  }

  write(text: string, id = 'a', stream: LogStream = 'stdout'): void {
    mkdirSync(join(this.dir, id), { recursive: true })
    appendFileSync(this.log(id, stream), text)
  }

  log(id: string, stream: LogStream): string {
    return join(this.dir, id, `${stream}.log`)
  }

  index(id = 'a'): string {
    return join(this.dir, id, 'arrivals')
  }

  /** As `end:kind` in the order in which they were written, without marks. */
  told(id = 'a'): string[] {
    return readIndex(this.index(id)).records.flatMap(({ kind, end }) => (kind === 'run' ? [] : [`${end}:${kind}`]))
  }

  /** Kind of the arrival with which a byte came; undefined: nobody has seen it. */
  arrivalOf(offset: number, id = 'a'): string | undefined {
    const reader = new IndexReader(this.index(id))
    reader.refresh()
    const arrival = reader.table.at('stdout', offset)
    return arrival === null ? undefined : arrival.isUnattended ? 'unattended' : 'seen'
  }
}

/** How many files this process watches; 0 where there is no /proc to tell. */
function watches(): number {
  if (process.platform !== 'linux') return 0
  return readdirSync('/proc/self/fdinfo').reduce((sum, fd) => sum + (infoOf(fd).match(/^inotify wd:/gm)?.length ?? 0), 0)
}

function infoOf(fd: string): string {
  try {
    return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')
  } catch {
    return '' // it was that of the directory itself
  }
}

describe('the recorder', () => {
  it('sees each time that there is more, and says so', async () => {
    const out = new Outputs()
    out.write('')
    const recorder = out.recorder()
    recorder.begin('a', 1, false, BOTH)
    out.write('one\n')
    await until('the first line is written down', () => out.told().length === 1)
    out.write('two\n')
    await until('the second, too', () => out.told().length === 2)
    expect(out.told()).toEqual(['4:seen', '8:seen'])
    expect(out.news).toEqual(['a', 'a'])
    expect(out.troubles).toEqual([])
  })

  it('costs one that is silent no file', async () => {
    const out = new Outputs()
    out.write('')
    const recorder = out.recorder()
    recorder.begin('a', 1, false, BOTH)
    recorder.lookAt('a')
    recorder.end('a')
    expect(readdirSync(join(out.dir, 'a'))).toEqual(['stdout.log'])
  })

  it('looks once more when a run ends', () => {
    const out = new Outputs()
    out.write('')
    const recorder = out.recorder()
    recorder.begin('a', 1, false, BOTH)
    out.write('last words')
    recorder.end('a')
    expect(out.told()).toEqual(['10:seen'])
  })

  it('writes it down at once for a reader that is faster', () => {
    const out = new Outputs()
    out.write('')
    const recorder = out.recorder()
    recorder.begin('a', 1, false, BOTH)
    out.write('now')
    recorder.record('a', 'stdout')
    expect(out.told()).toEqual(['3:seen'])
  })

  it('says of what had come before it came that nobody saw it', () => {
    const out = new Outputs()
    out.write('')
    const first = out.recorder()
    first.begin('a', 1, false, BOTH)
    out.write('seen')
    first.record('a', 'stdout')
    first.close()
    out.write('alone')
    const second = out.recorder()
    second.begin('a', 1, true, BOTH)
    second.lookAt('a')
    out.write('again')
    second.record('a', 'stdout')
    expect(out.told()).toEqual(['4:seen', '9:unattended', '14:seen'])
    expect([0, 4, 9].map((at) => out.arrivalOf(at))).toEqual(['seen', 'unattended', 'seen'])
  })

  it('counts on, whatever is rotated out of the live file', () => {
    const out = new Outputs()
    out.write('x'.repeat(100))
    const recorder = out.recorder()
    recorder.begin('a', 1, false, BOTH)
    recorder.record('a', 'stdout')
    // Its head was collapsed: what is left of the live file begins at 64.
    const { ino } = statSync(out.log('a', 'stdout'))
    truncateSync(out.log('a', 'stdout'), 36)
    writeFileSync(join(out.dir, 'a', 'stdout.place'), formatPlace({ ...NO_PLACE, ino: String(ino), base: 64, head: 64 }))
    recorder.record('a', 'stdout')
    out.write('more')
    recorder.record('a', 'stdout')
    expect(out.told()).toEqual(['100:seen', '104:seen'])
    expect(out.rotated).toEqual(['a'])
  })

  it('begins again with a log that its own program has emptied', () => {
    const out = new Outputs()
    out.write('x'.repeat(100))
    const recorder = out.recorder()
    recorder.begin('a', 1, false, BOTH)
    recorder.record('a', 'stdout')
    truncateSync(out.log('a', 'stdout'))
    out.write('new')
    recorder.record('a', 'stdout')
    expect(out.told()).toEqual(['100:seen', '0:restarted', '3:seen'])
    expect([2, 3].map((at) => out.arrivalOf(at))).toEqual(['seen', undefined])
  })

  it('whose index was deleted says of what was in it that nobody knows', () => {
    const out = new Outputs()
    out.write('one')
    const recorder = out.recorder()
    recorder.begin('a', 1, false, BOTH)
    recorder.record('a', 'stdout')
    rmSync(out.index())
    out.write('two')
    recorder.record('a', 'stdout')
    expect([0, 3].map((at) => out.arrivalOf(at))).toEqual(['unattended', 'seen'])
  })

  it('finds both streams at the end of an index in which one has said much', () => {
    const out = new Outputs()
    out.write('e', 'a', 'stderr')
    const first = out.recorder()
    first.begin('a', 1, false, BOTH)
    first.record('a', 'stderr')
    for (let line = 0; line < 500; line++) {
      out.write('.')
      first.record('a', 'stdout')
    }
    first.close()
    const second = out.recorder()
    second.begin('a', 1, true, BOTH)
    second.lookAt('a')
    expect(out.news).toHaveLength(501)
  })

  it('bears an index that cannot be written, and tells of it once', () => {
    const out = new Outputs()
    out.write('one')
    mkdirSync(out.index())
    const recorder = out.recorder()
    recorder.begin('a', 1, false, BOTH)
    for (let turn = 0; turn < 3; turn++) {
      out.write('more')
      recorder.record('a', 'stdout')
    }
    expect(out.troubles).toHaveLength(1)
    rmSync(out.index(), { recursive: true })
    out.write('more')
    recorder.record('a', 'stdout')
    expect(out.arrivalOf(18)).toBe('seen')
  })

  it('holds nothing once it is closed', () => {
    const before = watches()
    const out = new Outputs()
    out.write('')
    const recorder = out.recorder()
    recorder.begin('a', 1, false, BOTH)
    recorder.lookAt('a')
    if (process.platform === 'linux') expect(watches()).toBe(before + 1)
    recorder.close()
    recorder.record('a', 'stdout')
    recorder.begin('b', 1, false, BOTH)
    expect(watches()).toBe(before)
    expect(out.news).toEqual([])
  })
})
