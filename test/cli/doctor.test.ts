/** `doctor`: what is judged of what the machine tells, as tables; and over a real directory. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { judgeDirectory } from '../../src/cli/doctor/directory.ts'
import type { Finding } from '../../src/cli/doctor/finding.ts'
import { judgeCgroups, judgeInotify, judgeLimits, judgeMount, judgePorts } from '../../src/cli/doctor/machine.ts'
import { judgeManager, type Served } from '../../src/cli/doctor/manager.ts'
import { readVersion } from '../../src/version.ts'
import { Home } from './harness.ts'
import { upRecord } from './records.ts'

const limits = (files: number | string, processes: number | string) =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax processes             ${processes} ${processes} processes\nMax open files            ${files} 524288 files\n`

const levelsOf = (findings: readonly Finding[]) => findings.map(({ level }) => level)

describe('limits', () => {
  it.each([
    [limits(20_000, 96_000), 10, ['ok', 'ok']],
    [limits('unlimited', 'unlimited'), 10_000, ['ok', 'ok']],
    [limits(1_024, 96_000), 500, ['note', 'ok']],
    [limits(20_000, 600), 100, ['ok', 'note']],
    ['', 3, ['ok', 'ok']],
  ])('%j with %d processes up', (text, up, levels) => {
    expect(levelsOf(judgeLimits(text, up))).toEqual(levels)
  })
  it('tell how many processes the open files are enough for', () => {
    expect(judgeLimits(limits(1_024, 9_000), 500)[0]).toEqual({
      topic: 'limits',
      level: 'note',
      text: 'open files: 1024 (hard limit 524288), enough for about 231 processes at once; 500 are up',
      advice: 'ulimit -n 65536 in the shell, LimitNOFILE=65536 in a systemd unit',
    })
  })
  it.each([
    ['65536\n', '128\n', 'ok'],
    ['1000\n', '128\n', 'note'],
    ['65536\n', '8\n', 'note'],
  ])('of inotify: %j watches, %j instances', (watches, instances, level) => {
    expect(judgeInotify(watches, instances).level).toBe(level)
  })
})

describe('cgroups', () => {
  it.each([
    ['0::/user.slice/user-1000.slice/session-2.scope\n', true, false, 'note', /version 2, not delegated.*session-2/],
    ['0::/\n', true, true, 'ok', /version 2, groups of our own can be made$/],
    ['4:memory:/x\n1:name=systemd:/\n0::/\n', false, false, 'note', /version 1/],
    ['', false, false, 'note', /none are mounted/],
  ] as const)('%j', (own, isUnified, isWritable, level, text) => {
    expect(judgeCgroups(own, isUnified, isWritable)).toMatchObject({ level, text: expect.stringMatching(text) })
  })
})

describe('ports', () => {
  const declared = (from: number, to: number) => [{ id: 'web', name: 'http', from, to }]
  it.each([
    [[], ['ok']],
    [declared(8_080, 8_080), ['ok']],
    [declared(30_000, 32_767), ['ok']],
    [declared(30_000, 33_000), ['note']],
    [declared(40_000, 40_000), ['note']],
    [declared(1, 65_535), ['ok']],
    [
      [...declared(40_000, 40_000), ...declared(50_000, 50_010)],
      ['note', 'note'],
    ],
  ])('%j', (ports, levels) => {
    expect(levelsOf(judgePorts('32768\t60999\n', ports))).toEqual(levels)
  })
  it('names the port, its process, and what to do', () => {
    expect(judgePorts('32768\t60999\n', declared(40_000, 40_010))[0]).toMatchObject({
      text: expect.stringMatching(/^ports 40000-40010 \(http\) of web lie where .*\(32768 to 60999\)/),
      advice: 'a port below 32768, or sysctl net.ipv4.ip_local_reserved_ports=40000-40010',
    })
  })
})

describe('the file system', () => {
  const mounts = '/dev/sda / ext4 rw 0 0\n/dev/sdb /srv ext4 rw,noexec 0 0\nhost:/x /srv/net nfs4 rw 0 0\n/dev/sdc /a\\040b ext4 ro 0 0\n'
  it.each([
    ['/home/me', null],
    ['/srv/state', /\/srv is mounted noexec/],
    ['/srvother', null],
    ['/srv/net/state', /on a network \(nfs4\)/],
    ['/a b/state', /read-only/],
  ])('of %s', (path, text) => {
    const found = judgeMount(mounts, path)
    if (text === null) expect(found).toBe(null)
    else expect(found).toMatchObject({ level: 'note', text: expect.stringMatching(text), advice: expect.any(String) })
  })
})

describe('the directory', () => {
  const dir = mkdtempSync(join(tmpdir(), 'procman-doctor-'))
  afterAll(() => rmSync(dir, { recursive: true, force: true }))
  const judged = (path: string) =>
    judgeDirectory(path, statSync(path, { throwIfNoEntry: false })).map(({ level, text }) => [level, text.replaceAll(dir, '<dir>')])

  it('is closed to others, has room, and nothing damaged', () => {
    expect(judged(dir)).toEqual([
      ['ok', '<dir> is closed to others (0700)'],
      [expect.stringMatching(/ok|note/), expect.stringMatching(/^\d+(\.\d)? \w+ are free on its disk/)],
    ])
    expect(judged(join(dir, 'none'))).toEqual([['ok', '<dir>/none is not there yet: the first command makes it']])
  })
  it.runIf(process.platform === 'linux')('cannot be made', () => {
    expect(judged('/proc/none/at/all')).toEqual([['problem', '/proc/none/at/all is not there, and cannot be made in /proc']])
  })
  it('is open to others, or is none, or had something damaged', () => {
    const open = join(dir, 'open')
    mkdirSync(join(open, 'quarantine'), { recursive: true })
    writeFileSync(join(open, 'quarantine', 'x'), '')
    chmodSync(open, 0o755)
    expect(judged(open)).toEqual([
      ['problem', '<dir>/open is open to others (0755); logs and environments are in it'],
      [expect.anything(), expect.anything()],
      ['note', '1 damaged files were moved to <dir>/open/quarantine'],
    ])
    expect(judged(join(open, 'quarantine', 'x'))).toEqual([['problem', '<dir>/open/quarantine/x is not a directory']])
  })
})

describe('the manager', () => {
  const free = { holder: null, isStale: false, leftovers: [] }
  const held = { ...free, holder: { pid: 7 } }
  const nobody: Served = { kind: 'nobody', isSocketThere: false }
  const by = (version: string): Served => ({ kind: 'served', by: { pid: 7, version, kind: 'daemon' } })
  const service = upRecord({ state: 'backoff', pid: null })

  it.each([
    ['none', free, nobody, [], [['ok', /^none, and none is needed/]]],
    ['a daemon', held, by(readVersion()), [service], [['ok', /^daemon, pid 7, version .*, answers$/]]],
    ['of another version', held, by('0.0.0'), [], [['note', /is of version 0\.0\.0, this is/]]],
    ['a program', held, { kind: 'served', by: null } satisfies Served, [], [['ok', /serves it/]]],
    ['one that serves nobody', held, nobody, [], [['note', /^process 7 holds the directory and serves nobody/]]],
    ['one that hangs', held, { kind: 'silent', why: 'no answer' } satisfies Served, [], [['problem', /\(pid 7\) does not answer: no answer/]]],
    [
      'one that was killed',
      { ...free, isStale: true },
      { kind: 'nobody', isSocketThere: true } satisfies Served,
      [],
      [
        ['note', /lock of one that was killed/],
        ['note', /control\.sock/],
      ],
    ],
    [
      'takers that were killed',
      { ...free, leftovers: ['manager.lock.after-1'] },
      nobody,
      [],
      [
        ['ok', /none/],
        ['note', /manager\.lock\.after-1/],
      ],
    ],
    [
      'none, where one is needed',
      free,
      nobody,
      [service],
      [
        ['ok', /none/],
        ['note', /web \(it is not started again\)/],
      ],
    ],
  ] as const)('%s', (_name, lock, served, records, wanted) => {
    expect(judgeManager(lock, served, records)).toEqual(wanted.map(([level, text]) => expect.objectContaining({ level, text: expect.stringMatching(text) })))
  })
})

describe('doctor', () => {
  let home: Home
  beforeAll(() => {
    home = new Home()
  })
  afterAll(() => home.remove())
  const texts = async () => (JSON.parse((await home.procman('doctor', '--json')).stdout).findings as Finding[]).map(({ level, text }) => `${level} ${text}`)

  it('tells who was killed, and who answers', async () => {
    await home.start('--id', 'web', '--port', '40000-65535', '--', 'sleep', '1000')
    symlinkSync('999999:1::0123456789abcdef', join(home.stateDir, 'manager.lock'))
    expect(await texts()).toContainEqual(expect.stringMatching(/^note none; the lock of one that was killed/))
    const manager = await home.serve()
    expect(await texts()).toContainEqual(`ok a program (pid ${manager.child.pid}) holds the directory and serves it`)
    const { code, stdout } = await home.procman('doctor')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ok {7}node: /m)
    expect(stdout).toMatch(/^problems +none$/m)
  })
})
