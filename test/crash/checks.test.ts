/** The judgements of the storm find what is wrong: each is given facts that are sound, then the same facts doctored. */
import { describe, expect, it } from 'vitest'
import { type ProcessRecord, processMachine } from '../../src/index.ts'
import { contextOf } from '../../src/machines/process/context.ts'
import { toRecord } from '../../src/machines/process/record.ts'
import { parseProcessInput } from '../../src/spec/parse.ts'
import type { ProcessContext } from '../../src/types.ts'
import {
  differencesOf,
  doubtsOf,
  type EndFacts,
  type Entry,
  heldTwice,
  judgeAgreement,
  judgeEnd,
  judgeInput,
  judgeLeftover,
  judgeLines,
  judgeRun,
  judgeStanding,
  judgeUnheard,
  Ledger,
  overlapsOf,
  Trace,
} from './storm/index.mjs'

const NOW_MS = 1_000_000
const asked = () => true
const nothing = { commands: [], keepers: [], spawners: [] }
const act = { letter: 'x', first: 42, second: 0 }

function traceOf(...lines: readonly string[]): Trace {
  const trace = new Trace('', 'n')
  trace.take(lines.map((line) => `${line}\n`).join(''))
  return trace
}

const BEGUN = 'B n p000 1 1 77 500000000'
const ENDED = 'E n p000 1 1 77 600000500 x 42 3 3'

function runOf(...lines: readonly string[]) {
  const traced = traceOf(...lines).get('p000', 1, 1)
  if (traced === undefined) throw new Error('there is no such run')
  return traced
}

function recordOf(state: ProcessRecord['state'], more: Partial<ProcessContext> = {}, restart: 'never' | 'always' | 'on-failure' = 'never'): ProcessRecord {
  const { spec } = parseProcessInput({ id: 'p000', command: '/subject', args: ['trace', 'lock', 'n', 'p000', '1', 'z'], restart }, () => 'p000')
  const { context } = processMachine.resolveState({ value: state, context: { ...contextWith(spec), ...more } })
  return toRecord(state, context)
}

function contextWith(spec: ProcessContext['spec']): ProcessContext {
  return { ...contextOf(spec, 0), run: 1, identity: { pid: 77, start: '1', boot: 'b' }, startedAtMs: 500_000 }
}

const failed = { outcome: { kind: 'code', code: 1 }, endedAtMs: 600_000 } as const

describe('what the trace says of runs', () => {
  it('accepts a run that was executed once, after the run before it', () => {
    expect(judgeRun(runOf(BEGUN, ENDED), undefined)).toEqual([])
  })

  it.each([
    ['run-twice', [BEGUN, 'B n p000 1 1 78 500000009']],
    ['overlap', [BEGUN, 'O n p000 1 1 77 500000001']],
  ])('finds %s', (kind, lines) => {
    expect(judgeRun(runOf(...lines), undefined).map((each) => each.kind)).toEqual([kind])
  })

  it('finds a run that began before the end of the run before it', () => {
    const trace = traceOf(BEGUN, ENDED, 'B n p000 1 2 78 600000400')
    const [before, second] = [trace.get('p000', 1, 1), trace.get('p000', 1, 2)]
    if (second === undefined) throw new Error('there is no such run')
    expect(judgeRun(second, before).map((each) => each.kind)).toEqual(['overlap'])
  })

  it('refuses lines of another storm', () => {
    expect(() => traceOf('B other p000 1 1 77 1')).toThrow('not ours')
  })
})

describe('the end of a run', () => {
  const told = { outcome: { kind: 'code', code: 42 }, atMs: 600_000, source: 'test' } as const
  const facts = (more: Partial<EndFacts> = {}): EndFacts => {
    return { traced: runOf(BEGUN, ENDED), endedBeforeMs: 400_000, act, nowMs: NOW_MS, wasAsked: () => false, ...more }
  }
  const killed = { outcome: { kind: 'signal', signal: 'SIGKILL', core: false }, atMs: 550_000, source: 'test' } as const

  it('is right when it is what the command told', () => {
    expect(judgeEnd(told, facts())).toBeUndefined()
  })

  it('is right when somebody asked for it', () => {
    expect(judgeEnd(killed, facts({ traced: runOf(BEGUN), wasAsked: asked }))).toBeUndefined()
  })

  it.each([
    ['another code', { outcome: { kind: 'code', code: 41 } as const }],
    ['a signal instead of a code', { outcome: { kind: 'signal', signal: 'SIGTERM', core: false } as const }],
    ['before the command told it', { atMs: 599_999 }],
    ['long after', { atMs: 700_000 }],
    ['in the future', { atMs: NOW_MS + 1_000 }],
    ['no time', { atMs: Number.NaN }],
    ['not started', { outcome: { kind: 'not-started' } as const }],
    ['not launched', { outcome: { kind: 'launch-failed', step: 'keeper', errno: 'ETIMEDOUT' } as const }],
  ])('is wrong: %s', (_, more) => {
    expect(judgeEnd({ ...told, ...more }, facts())?.kind).toBe('wrong-end')
  })

  it.each([
    ['nobody asked', { traced: runOf(BEGUN) }],
    ['it began later', { traced: runOf('B n p000 1 1 77 560000000'), wasAsked: asked }],
    ['the run before it ended later', { traced: runOf(BEGUN), endedBeforeMs: 560_000, wasAsked: asked }],
  ])('by SIGKILL is wrong: %s', (_, more) => {
    expect(judgeEnd(killed, facts(more))?.kind).toBe('wrong-end')
  })

  it('by SIGTERM is wrong for one that is deaf to it', () => {
    const byTerm = { ...killed, outcome: { kind: 'signal', signal: 'SIGTERM', core: false } } as const
    const sleeping = { traced: runOf(BEGUN), wasAsked: asked }
    expect(judgeEnd(byTerm, facts({ ...sleeping, act: { letter: 'z', first: 0, second: 0 } }))).toBeUndefined()
    expect(judgeEnd(byTerm, facts({ ...sleeping, act: { letter: 'd', first: 0, second: 0 } }))?.kind).toBe('wrong-end')
  })

  it('by SIGKILL is wrong when only SIGTERM may have been sent so far', () => {
    const sleeping = { traced: runOf(BEGUN), act: { letter: 'z', first: 0, second: 0 } }
    expect(judgeEnd(killed, facts({ ...sleeping, wasAsked: (what) => what === 'SIGKILL' }))).toBeUndefined()
    expect(judgeEnd(killed, facts({ ...sleeping, wasAsked: (what) => what === 'SIGTERM' }))?.kind).toBe('wrong-end')
  })

  it.each([
    ['SIGTERM', 'h'],
    ['SIGTERM', 'W'],
    ['EOF', 'r'],
  ])('is wrong when it waited for %s, and nobody asked for that (%s)', (what, letter) => {
    const waiting = { act: { letter, first: 42, second: 0 } }
    expect(judgeEnd(told, facts({ ...waiting, wasAsked: (given) => given === what }))).toBeUndefined()
    expect(judgeEnd(told, facts({ ...waiting, wasAsked: (given) => given !== what }))?.kind).toBe('wrong-end')
  })

  it('that is not known is an orphan', () => {
    expect(judgeEnd({ ...told, outcome: { kind: 'unknown', reason: '' } }, facts())?.kind).toBe('orphaned')
  })

  it('is told in one way only', () => {
    expect(judgeAgreement(told, { ...told, source: 'other' })).toBeUndefined()
    expect(judgeAgreement(told, { ...told, atMs: 600_001 })?.kind).toBe('wrong-end')
    expect(judgeAgreement(told, killed)?.kind).toBe('wrong-end')
  })
})

describe('a run that was executed, and of whose end nobody tells', () => {
  const traced = runOf(BEGUN)

  it('may be up, or have been begun after its record was asked for', () => {
    expect(judgeUnheard(traced, recordOf('running'))).toBeUndefined()
    expect(judgeUnheard(traced, recordOf('stopping'))).toBeUndefined()
    expect(judgeUnheard(traced, recordOf('backoff', { run: 0 }))).toBeUndefined()
  })

  it.each([
    ['there is a later run', recordOf('running', { run: 2 })],
    ['it is in backoff', recordOf('backoff')],
    ['it has settled', recordOf('exited', failed)],
    ['its process was removed', undefined],
  ])('is not heard of: %s', (_, record) => {
    expect(judgeUnheard(traced, record)?.kind).toBe('unheard-end')
  })

  it('is not heard of: its id belongs to another process now', () => {
    expect(judgeUnheard(traceOf('B n p000 9 1 77 500000000').get('p000', 9, 1) ?? traced, recordOf('running'))?.kind).toBe('unheard-end')
  })
})

describe('what may have been sent', () => {
  const sentBy = (...entries: readonly Entry[]) => {
    const ledger = new Ledger()
    ledger.take(entries, () => {})
    return (what: string, fromMs: number, toMs: number) => ledger.mayHaveSent('p000', what, fromMs, toMs)
  }
  const call = (op: string, more: Entry): Entry => ({ t: 'intent', n: 1, op, id: 'p000', incarnation: 1, run: 1, ms: 100, ns: 1, ...more })

  it('by a stop: SIGTERM at once, SIGKILL when its grace is over', () => {
    const sent = sentBy(call('stop', { graceMs: 40 }))
    expect([sent('SIGTERM', 0, 100), sent('SIGKILL', 0, 139), sent('SIGKILL', 0, 140), sent('SIGKILL', 101, 200)]).toEqual([true, false, true, false])
  })

  it('by a stop without patience: SIGKILL only', () => {
    const sent = sentBy(call('stop', { graceMs: 0 }))
    expect([sent('SIGTERM', 0, 200), sent('SIGKILL', 0, 100)]).toEqual([false, true])
  })

  it('by a signal and by closing stdin: that, and no stop', () => {
    const [kill, eof] = [sentBy(call('signal', {})), sentBy(call('closeStdin', {}))]
    expect([kill('SIGKILL', 0, 100), kill('SIGTERM', 0, 200), kill('anything', 0, 200)]).toEqual([true, false, false])
    expect([eof('EOF', 0, 100), eof('SIGKILL', 0, 200), eof('anything', 0, 200)]).toEqual([true, false, false])
  })

  it('to others: nothing', () => {
    expect(sentBy(call('stop', { graceMs: 0, id: 'p001' }))('SIGKILL', 0, 200)).toBe(false)
  })
})

describe('what a command leaves behind for good', () => {
  const LEFT = 'G n p000 1 1 78 500000100'
  const never = () => false

  it('lives on to its own end, unless somebody stopped the run', () => {
    expect(judgeLeftover(runOf(BEGUN, LEFT, ENDED, 'F n p000 1 1 78 900000000'), never)).toBeUndefined()
    expect(judgeLeftover(runOf(BEGUN, LEFT, ENDED), asked)).toBeUndefined()
    expect(judgeLeftover(runOf(BEGUN, ENDED), never)).toBeUndefined()
  })

  it('was killed: it never came to its end', () => {
    expect(judgeLeftover(runOf(BEGUN, LEFT, ENDED), never)?.kind).toBe('leftover-killed')
  })
})

describe('what is written to a command', () => {
  it('is read to the last line that was acknowledged, unless the command is killed', () => {
    expect(judgeInput(runOf(BEGUN, ENDED), 3)).toBeUndefined()
    expect(judgeInput(runOf(BEGUN), 4)).toBeUndefined()
  })

  it('is lost: the command has read less', () => {
    expect(judgeInput(runOf(BEGUN, ENDED), 4)?.kind).toBe('lost-lines')
  })
})

describe('a reader beside the manager', () => {
  it('says the same', () => {
    expect(differencesOf([recordOf('running')], [recordOf('running')])).toEqual([])
  })

  it.each([
    ['another state', [recordOf('exited', failed)]],
    ['another run', [recordOf('running', { run: 2 })]],
    ['another end', [recordOf('running', { outcome: failed.outcome })]],
    ['a process too few', []],
  ])('lies: %s', (_, read) => {
    expect(differencesOf([recordOf('running')], read).map(({ kind }) => kind)).toEqual(['reader-lies'])
  })

  it('lies: a process too many', () => {
    expect(differencesOf([], [recordOf('running')]).map(({ kind }) => kind)).toEqual(['reader-lies'])
  })
})

describe('what was acknowledged', () => {
  const intent = (n: number, op: string, more: Entry = {}): Entry => ({ t: 'intent', n, op, id: 'p000', incarnation: 1, run: 1, ms: n, ns: n, ...more })
  const ack = (n: number, op: string, more: Entry = {}): Entry => ({ t: 'ack', n, op, id: 'p000', run: 1, state: 'running', ms: n, ns: n, ...more })
  const started = [intent(1, 'start', { run: 0 }), ack(1, 'start')]
  const stopped = [...started, intent(2, 'stop'), ack(2, 'stop', { state: 'exited' })]
  const standing = (journal: readonly Entry[], record: ProcessRecord | undefined, trace = traceOf(BEGUN)) => {
    const ledger = new Ledger()
    ledger.take(journal, (kind) => {
      throw new Error(kind)
    })
    return judgeStanding('p000', record, ledger.slotOf('p000'), trace).map((each) => each.kind)
  }
  const exited = recordOf('exited', { ...failed, cancelled: true })

  it('holds', () => {
    expect(standing(started, recordOf('running'))).toEqual([])
    expect(standing(stopped, exited)).toEqual([])
    expect(standing([...stopped, intent(3, 'remove'), ack(3, 'remove')], undefined)).toEqual([])
  })

  it('may have gone either way while it was not acknowledged', () => {
    const open = started.slice(0, 1)
    expect([standing(open, recordOf('running')), standing(open, undefined)]).toEqual([[], []])
    const removing = [...stopped, intent(3, 'remove')]
    expect([standing(removing, exited), standing(removing, undefined)]).toEqual([[], []])
  })

  it.each([
    ['a start that is not known', started, undefined, [BEGUN]],
    ['a removal that came back', [...stopped, intent(3, 'remove'), ack(3, 'remove')], exited, [BEGUN]],
    ['a run that is not known', [...started, intent(2, 'restart'), ack(2, 'restart', { run: 2 })], recordOf('running'), [BEGUN]],
    ['a stop after which a run was executed', stopped, recordOf('running', { run: 2 }), [BEGUN]],
    ['a run that was executed and is not known', started, recordOf('running'), [BEGUN, 'B n p000 1 2 78 700000000']],
  ])('is lost: %s', (_, journal, record, lines) => {
    expect(standing(journal, record, traceOf(...lines))).toContain('lost-command')
  })

  it('is not lost when a restart was issued after the stop', () => {
    expect(standing([...stopped, intent(3, 'restart')], recordOf('running', { run: 2 }))).toEqual([])
  })

  it('is lost when a policy is not followed', () => {
    expect(standing(started, recordOf('exited', failed, 'on-failure'))).toEqual(['lost-restart'])
    expect(standing(started, recordOf('exited', { ...failed, cancelled: true }, 'always'))).toEqual([])
  })

  it('tells of refusals that nothing explains', () => {
    const kinds: string[] = []
    new Ledger().take([intent(1, 'start'), { ...ack(1, 'start'), t: 'fail', code: 'PROCMAN_LAUNCH_FAILED' }], (kind) => kinds.push(kind))
    expect(kinds).toEqual(['refused'])
  })
})

describe('records beside what the OS says', () => {
  const command = { pid: 77, id: 'p000', run: 1 }
  const kindsOf = (record: ProcessRecord | undefined, seen: Partial<Parameters<typeof doubtsOf>[1]>, trace = traceOf(BEGUN)) => {
    const doubts = doubtsOf(record === undefined ? [] : [record], { ...nothing, ...seen }, { ledger: new Ledger(), trace, managerPid: 5 })
    return doubts.map((each) => each.kind)
  }

  it('agree', () => {
    expect(kindsOf(recordOf('running'), { commands: [command], keepers: [{ pid: 76, id: 'p000' }], spawners: [{ pid: 6, parent: 5 }] })).toEqual([])
    expect(kindsOf(recordOf('exited', failed), {})).toEqual([])
  })

  it.each([
    ['alive-but-dead', recordOf('running'), {}],
    ['alive-but-dead', recordOf('running'), { commands: [{ ...command, pid: 78 }] }],
    ['dead-but-alive', recordOf('exited', failed), { commands: [command] }],
    ['unknown-process', undefined, { commands: [command] }],
    ['unknown-process', undefined, { keepers: [{ pid: 76, id: 'p000' }] }],
    ['unknown-process', recordOf('exited', failed), { keepers: [{ pid: 76, id: 'p000' }] }],
    ['unknown-process', undefined, { spawners: [{ pid: 6, parent: 1 }] }],
    ['hang', recordOf('stopping'), { commands: [command] }],
  ])('differ: %s', (kind, record, seen) => {
    expect(kindsOf(record, seen)).toEqual([kind])
  })

  it('differ: it runs, and has not been executed', () => {
    expect(kindsOf(recordOf('running'), { commands: [command] }, traceOf())).toEqual(['lost-command'])
  })

  it('differ: the tree of an earlier run is there', () => {
    expect(overlapsOf([recordOf('running', { run: 2 })], { ...nothing, commands: [command] }).map((each) => each.kind)).toEqual(['overlap'])
    expect(overlapsOf([recordOf('running')], { ...nothing, commands: [command] })).toEqual([])
  })
})

describe('numbered lines', () => {
  const of = { incarnation: 1, run: 2, stream: 'stdout', expected: 3 } as const
  const whole = '1 2 o 1\n1 2 o 2\n1 2 o 3\n'

  it('are whole', () => {
    expect(judgeLines(whole, of)).toEqual({ lines: 3, violation: undefined })
    expect(judgeLines('1 2 o 1\n1 2', { ...of, expected: null })).toEqual({ lines: 1, violation: undefined })
  })

  it.each([
    ['missing at the end', '1 2 o 1\n1 2 o 2\n', 3],
    ['missing in between', '1 2 o 1\n1 2 o 3\n', null],
    ['doubled', '1 2 o 1\n1 2 o 1\n', null],
    ['out of order', '1 2 o 2\n1 2 o 1\n', null],
    ['of another run', '1 1 o 1\n', null],
    ['of the other stream', '1 2 e 1\n', null],
    ['cut off', '1 2 o 1\n1 2 o 2\n1 2 o 3', 3],
    ['too many', `${whole}1 2 o 4\n`, 3],
  ])('are not: %s', (_, text, expected) => {
    expect(judgeLines(text, { ...of, expected }).violation?.kind).toBe('lost-lines')
  })
})

describe('the directory', () => {
  it('is held by one manager at a time', () => {
    const first = { life: 1, fromNs: 1, toNs: 5 }
    expect(heldTwice([{ life: 2, fromNs: 6, toNs: 9 }, first])).toEqual([])
    expect(heldTwice([{ life: 2, fromNs: 4, toNs: 9 }, first])).toEqual([[first, { life: 2, fromNs: 4, toNs: 9 }]])
  })
})
