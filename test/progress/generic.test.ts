import { describe, expect, it } from 'vitest'
import { percentsOf, progressOf } from './harness.ts'

describe('N/M and N%, where they are progress', () => {
  it.each([
    ['45/100', 45],
    ['Processing 3/10', 30],
    ['3/10 files', 30],
    ['3 of 10 files copied', 30],
    ['Step 3/10 : RUN make', 30],
    ['12.3/49.2 MB', 25],
    ['12.3 MB / 49.2 MB', 25],
    ['Uploaded 5MB/10MB (50%) at 1MB/s', 50],
    ['1,000/4,000 rows', 25],
    ['sync: 40% (400/1,000)', 40],
    ['Epoch 3/10: 45%', 30],
    ['45%', 45],
    ['Progress: 45.5%', 45.5],
    ['Downloading... 45% complete', 45],
    ['tests/test_x.py ....                 [ 45%]', 45],
    ['\u001b[32m45%\u001b[0m', 45],
  ])('%s', (line, percent) => {
    expect(percentsOf(`${line}\n`)).toEqual([percent])
  })

  it.each([
    'CPU usage: 45%',
    'Battery at 45%',
    '3 packets transmitted, 0% packet loss, time 5ms',
    'accuracy 91.2%',
    'a 1.8% b 1.5% c 0.9%',
    'grew by 150%',
    '11/26/2026',
    '2026/11/26 17:43:25 started',
    '11/26 17:43:25 INFO started',
    'see you on 11/26',
    'open 24/7',
    '/usr/1/2',
    'see http://x.y/1/2 and https://x.y?page=1/2',
    '10.0.0.1/24',
    'HTTP/1.1 200',
    'Add 1/2 cup sugar',
    'a 5/8 wrench',
    'attempt 1/3 failed',
    'worker 2/4 started',
    'Need to get 65.6 kB/119 kB of archives.',
    'inet6 ::1/128',
    'v1.2/3',
    '93600368 bytes -> 27400112 bytes (29.3 %) in 12.3 s',
  ])('not %s', (line) => {
    expect(percentsOf(`${line}\n`)).toEqual([])
  })

  it('what could mean something else is believed once it goes on', () => {
    expect(percentsOf('gpt 1/8 ok\ngpt 2/8 ok\ngpt 4/8 ok\n')).toEqual([50])
    expect(percentsOf('gpt 4/8 ok\ngpt 2/8 ok\ngpt 1/8 ok\n')).toEqual([])
  })

  it('the ratio in a summary is not where it has come to', () => {
    expect(percentsOf('99%\n100%\n9360 bytes -> 2740 bytes (29.3 %) in 12.3 s\n')).toEqual([99, 100])
  })

  it('a single line that says less does not throw it back', () => {
    expect(percentsOf('10%\n20%\n30%\n5%\n40%\n')).toEqual([10, 20, 30, 40])
  })

  it('a count of the whole is kept when its parts go up and down', () => {
    const steps = ['Step 1/4', '50%', '100%', 'Step 2/4', '50%', '100%', 'Step 3/4', '50%', 'Step 4/4']
    expect(percentsOf(steps.join('\n')).slice(-3)).toEqual([50, 75, 100])
  })

  it('numbers that a known tool prints at its end are no progress', () => {
    expect(percentsOf('#### 10.0%\r######## 100.0%\nsaved 30% of it\nratio 5/8\n[3/4]\n')).toEqual([10, 100])
  })

  it('its rate and what is left come from what was seen, where the program does not say them', () => {
    const lines = Array.from({ length: 11 }, (_, done) => `${done}/20\r`).join('')
    expect(progressOf(lines).at(-1)).toMatchObject({ percent: 50, rate: 10, etaMs: 1_000 })
  })
})

describe('a pattern of the user', () => {
  const pattern = (source: string) => ({ kind: 'pattern', source, flags: '' }) as const

  it('is all that counts', () => {
    expect(percentsOf('99%\ndone=12\n45/100\ndone=20%\n', pattern('done=(?<percent>\\d+)'))).toEqual([12, 20])
  })

  it('goes without any of its groups', () => {
    expect(progressOf('at 5MB of 20MB\n', pattern('at (?<current>\\S+) of (?<total>\\S+)'))).toMatchObject([
      { percent: 25, current: 5_000_000, total: 20_000_000, unit: 'B' },
    ])
    expect(progressOf('now: linking\n', pattern('now: (?<message>.*)'))).toMatchObject([{ percent: null, message: 'linking' }])
  })

  it('keeps what a line does not say', () => {
    const seen = progressOf('total 200\nitem 50\nphase two\nitem 100\n', pattern('total (?<total>\\d+)|item (?<current>\\d+)|phase (?<message>.*)'))
    expect(seen.at(-2)).toMatchObject({ percent: 25, message: 'two' })
    expect(seen.at(-1)).toMatchObject({ percent: 50, current: 100, total: 200, message: 'two' })
  })

  it('is of numbers that there are', () => {
    const seen = progressOf(`at ${'9'.repeat(400)} of 1.2.3\n`, pattern('at (?<current>\\S+) of (?<total>\\S+)'))
    expect(seen).toEqual([])
    expect(progressOf('10it [00:01, 0.00s/it]\r').at(-1)).toMatchObject({ current: 10, rate: null })
  })

  it('may go back, and never leaves 0 to 100', () => {
    expect(percentsOf('p=50 p=150\np=150\np=5\n', pattern('^p=(?<percent>-?\\d+)'))).toEqual([50, 100, 5])
  })
})
