import { describe, expect, it } from 'vitest'
import { ProgressReader } from '../../src/progress.ts'
import { percentsOf, progressOf, sample } from './harness.ts'

describe('what real tools print is understood', () => {
  it.each([
    ['curl', { percent: 41, current: 1_249_280, total: 2_999_296, unit: 'B', rate: 971_800, etaMs: 2_000 }],
    ['curl-hash', { percent: 58.3, current: null, total: null }],
    ['curl-parallel', { percent: 44, current: 23_802_675, unit: 'B', rate: 4_858_000, etaMs: 6_000 }],
    ['wget-bar', { percent: 91, current: 2_757_755, total: 3_000_000, unit: 'B', rate: 834_600, etaMs: 1_000, message: '/dev/null' }],
    ['wget-dot', { percent: 8, total: 3_000_000, unit: 'B', etaMs: 3_000, message: '/dev/null' }],
    ['wget-mega', { percent: 50, current: 25_165_824, total: 50_000_000, etaMs: 2_000 }],
    ['wget2', { percent: 50, current: 1_488_978, unit: 'B', rate: 993_400 }],
    ['git', { percent: 50, current: 2_368, total: 4_736, message: 'Receiving objects' }],
    ['ffmpeg', { percent: 56, current: 11.2, total: 20, unit: 's', rate: 1.55, etaMs: 5_677 }],
    ['tqdm', { percent: 75, current: 15, total: 20, unit: 'file', rate: 49.55, message: 'Loading' }],
    ['docker-pull', { percent: 90, current: 44_600_450, total: 49_550_450, unit: 'B', message: '1 of 3 layers' }],
    ['docker-pull-plain', { percent: 75, message: '1 of 2 layers' }],
    ['apt-fd', { percent: 60, message: 'Configuring sl (amd64)' }],
  ])('%s', (name, halfway) => {
    expect(progressOf(sample(name))).toContainEqual(expect.objectContaining(halfway))
  })

  it.each(['curl', 'curl-hash', 'curl-parallel', 'wget-bar', 'wget-dot', 'wget-mega', 'wget2', 'ffmpeg', 'docker-pull', 'docker-pull-plain'])(
    '%s never goes back, and comes to its end',
    (name) => {
      const percents = percentsOf(sample(name)).map((percent) => percent ?? 0)
      expect(percents).toEqual(percents.toSorted((one, other) => one - other))
      expect(progressOf(sample(name)).at(-1)).toMatchObject({ percent: 100, etaMs: 0 })
    },
  )

  it.each([
    ['curl-nolen', 2_999_296, 820_200],
    ['wget-bar-nolen', 3_000_000, expect.any(Number)],
  ])('%s says what has come where nobody knows how much there is', (name, bytes, rate) => {
    const seen = progressOf(sample(name))
    expect(seen[1]).toMatchObject({ percent: null, total: null, etaMs: null, unit: 'B' })
    expect(seen.at(-1)).toMatchObject({ current: bytes, rate })
  })

  it('tqdm: bars one after the other, without a total, in bytes, and slower than one a second', () => {
    const seen = progressOf(sample('tqdm'))
    expect(seen).toContainEqual(expect.objectContaining({ percent: null, current: 15, total: null, unit: 'it', rate: 19.74 }))
    expect(seen).toContainEqual(
      expect.objectContaining({ percent: 60, current: 3_000_000, total: 5_000_000, unit: 'B', rate: 9_920_000, message: 'model.bin' }),
    )
    expect(seen.at(-1)).toMatchObject({ percent: 100, current: 2, total: 2, rate: 0.6667, message: 'slow' })
  })

  it('tqdm: of a bar within a bar, the outer one is the whole', () => {
    const seen = progressOf(sample('tqdm-nested')).filter(({ total }) => total === 3)
    expect(seen.map(({ percent }) => percent)).toEqual([0, 0, 33, 33, 67, 67, 100, 100])
    expect(progressOf(sample('tqdm-nested')).some(({ message }) => message === 'batch')).toBe(false)
  })

  it('wget: a row of dots that goes on is no other number, and nothing to print', () => {
    const reader = new ProgressReader({ kind: 'auto' })
    for (const line of ['Length: 3000000 (2.9M)', '   500K .......... .......... .......... .......... .......... 18% 1.5M 2s']) reader.take(line, 0)
    const before = reader.progress
    for (const line of ['   550K ', '   550K .......... ....', '   550K .......... .......... .......... .......... ..........'])
      expect(reader.take(line, 1)).toBe('tool')
    expect(reader.progress).toEqual(before)
    expect(before).toMatchObject({ percent: 18, total: 3_000_000 })
  })

  it('git: its bars follow each other, each to its end', () => {
    const names = progressOf(sample('git')).map(({ message }) => message?.split(',')[0])
    expect([...new Set(names)]).toEqual(['Counting objects', 'Compressing objects', 'Receiving objects', 'Resolving deltas'])
  })

  it('git: how much has come is told beside it', () => {
    const [seen] = progressOf('Receiving objects:  45% (45/100), 1.20 MiB | 3.00 MiB/s\r')
    expect(seen).toMatchObject({ percent: 45, current: 45, total: 100, message: 'Receiving objects, 1.20 MiB | 3.00 MiB/s' })
  })

  it('curl: where the next transfer begins, so does its progress', () => {
    const twice = percentsOf(sample('curl') + sample('curl'))
    expect(twice.slice(6)).toEqual(twice.slice(0, 6))
  })

  it.each([
    ['pip', 'Progress 4096 of 16384\n', { percent: 25, current: 4_096, total: 16_384, unit: 'B' }],
    ['pip on a terminal', '   ━━━━━━━━━╸━━━━━━━ 8.4/12.0 MB 5.6 MB/s eta 0:00:01\r', { percent: 70, total: 12_000_000, rate: 5_600_000, etaMs: 1_000 }],
    ['rsync', '  1,234,567  45%   12.34MB/s    0:00:12 (xfr#1, to-chk=3/10)\r', { percent: 45, current: 1_234_567, rate: 12_340_000, etaMs: 12_000 }],
    ['cargo', '    Building [=======>      ] 45/100: foo, bar\r', { percent: 45, current: 45, total: 100, message: 'Building' }],
    ['ninja', '[45/100] Building CXX object a.o\n', { percent: 45, message: 'Building CXX object a.o' }],
    ['make', '[ 45%] Building CXX object a.o\n', { percent: 45, message: 'Building CXX object a.o' }],
    ['keras', '45/100 [=====>....] - ETA: 3s - loss: 0.3\r', { percent: 45, etaMs: 3_000 }],
    ['dpkg', '(Reading database ... 45%\r', { percent: 45 }],
    ['yarn', '[1/4] Resolving packages...\n', { percent: 25, message: 'Resolving packages' }],
    ['a bar of hashes', '[##########----------] 50%\r', { percent: 50 }],
    [
      'hf download',
      'model.safetensors:  45%|████▌     | 2.21G/4.90G [00:20<00:24, 110MB/s]\r',
      { percent: 45, total: 4_900_000_000, rate: 110_000_000, etaMs: 24_000 },
    ],
  ])('%s', (_, output, expected) => {
    expect(progressOf(output).at(-1)).toMatchObject(expected)
  })
})
