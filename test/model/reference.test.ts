/** The model can say no: what nobody may expect is refused, what is uncertain is allowed. */
import { describe, expect, it } from 'vitest'
import { type Nature, Reference, Violation } from './reference.ts'

const obeys: Nature = { strategy: 'never', retries: 'at once', maxAttempts: 0, ends: null, probed: false, leaves: false, launchable: true, breaker: 'none' }
const seen = (state: string, status = state) => ({ state, status })
const cancelled = seen('exited', 'cancelled')

/** A process that is up. */
function started(nature: Partial<Nature> = {}, isImmediate = true): Reference {
  const model = new Reference({ ...obeys, ...nature }, isImmediate)
  model.answer(model.call('start'), 'done')
  return model
}

/** A process behind an open breaker, after two failures. */
function held(nature: Partial<Nature> = {}): Reference {
  const model = started({ strategy: 'on-failure', breaker: 'cools much later', ...nature })
  for (const state of ['running', 'backoff']) {
    model.mayEnd('fail')
    model.observe(seen('backoff'))
    if (state === 'running') model.observe(seen('running'))
  }
  return model
}

type Answers = readonly [verb: Parameters<Reference['call']>[0], result: string][]

function overlapping(model: Reference, calls: Answers): void {
  const asked = calls.map(([verb]) => model.call(verb))
  asked.forEach((call, index) => {
    model.answer(call, calls[index]?.[1] ?? '')
  })
}

describe('what is allowed', () => {
  it('a declaration that changes nothing for what is up, and one that another run follows', () => {
    const model = started()
    model.answer(model.call('relabel'), 'done')
    model.observe(seen('running'))
    const call = model.call('respec')
    model.observe(seen('stopping'))
    model.answer(call, 'done')
    model.answer(model.call('stop'), 'cancelled')
    model.answer(model.call('respec'), 'done')
    model.answer(model.call('hold'), 'done')
    model.observe(cancelled)
  })

  const together: readonly [string, Answers][] = [
    [
      'a stop that finds nothing yet',
      [
        ['start', 'done'],
        ['stop', 'PROCMAN_PROCESS_UNKNOWN'],
      ],
    ],
    [
      'a stop that wins over the start',
      [
        ['start', 'PROCMAN_WRONG_STATE'],
        ['stop', 'cancelled'],
      ],
    ],
    [
      'a stop that comes when it is up',
      [
        ['start', 'done'],
        ['stop', 'cancelled'],
      ],
    ],
    [
      'two starts, of which the second is the first',
      [
        ['start', 'PROCMAN_PROCESS_EXISTS'],
        ['start', 'done'],
      ],
    ],
    [
      'a restart that is stopped',
      [
        ['start', 'done'],
        ['restart', 'PROCMAN_WRONG_STATE'],
        ['stop', 'cancelled'],
      ],
    ],
  ]
  it.each(together)('%s', (_, calls) => overlapping(new Reference(obeys), calls))

  it('an end only after something made it end', () => {
    const model = started()
    expect(() => model.observe(seen('exited', 'failed'))).toThrow(Violation)
    const other = started()
    other.mayEnd('fail')
    other.observe(seen('exited', 'failed'))
  })

  it('a stop that was not answered may be lost with its manager, one that was answered not', () => {
    const model = started({}, false)
    model.call('stop')
    model.crash()
    model.observe(seen('running'))
    const other = started()
    other.answer(other.call('stop'), 'cancelled')
    other.crash()
    expect(() => other.observe(seen('running'))).toThrow(Violation)
  })

  it('a retry as the policy says', () => {
    const model = started({ strategy: 'always', ends: 'ok' })
    model.observe(seen('backoff'))
    model.observe(seen('running'))
    model.answer(model.call('stop'), 'cancelled')
    model.observe(cancelled)
  })

  it('a restart for each failure of its probe while it ails, and one that was under way when it was healed', () => {
    const model = started({ strategy: 'always', retries: 'much later', probed: true })
    model.ail()
    model.observe(seen('backoff'))
    model.answer(model.call('launch'), 'done')
    model.heal()
    model.observe(seen('backoff'))
  })

  it('a probe that fails where nothing is started again: it is up and unhealthy', () => {
    const model = started({ probed: true })
    model.ail()
    model.observe(seen('unhealthy'))
  })

  it('a refusal by an open breaker, until it is forced or reset', () => {
    const model = held()
    model.answer(model.call('launch'), 'PROCMAN_BREAKER_OPEN')
    model.observe(seen('backoff'))
    model.answer(model.call('launch-force'), 'done')
    const other = held()
    other.answer(other.call('reset'), 'done')
    other.observe(seen('running'))
  })

  it('a trial run of a breaker that cools soon', () => {
    const model = held({ breaker: 'cools soon' })
    model.observe(seen('running'))
  })

  it('a call that is refused because its manager is being closed, and no other then', () => {
    const model = started()
    const call = model.call('restart')
    model.close()
    model.answer(call, 'PROCMAN_CLOSED')
    const late = model.call('launch')
    expect(() => model.answer(late, 'done')).toThrow(Violation)
  })
})

describe('what is not allowed', () => {
  const together: readonly [string, Answers][] = [
    [
      'two starts that both make it',
      [
        ['start', 'done'],
        ['start', 'done'],
      ],
    ],
    [
      'two starts of which none makes it',
      [
        ['start', 'PROCMAN_PROCESS_EXISTS'],
        ['start', 'PROCMAN_PROCESS_EXISTS'],
      ],
    ],
    ['a launch that cannot be, of a command that can', [['start', 'PROCMAN_LAUNCH_FAILED']]],
    ['a refusal without a close', [['start', 'PROCMAN_CLOSED']]],
    ['an error that nobody knows', [['start', 'PROCMAN_INTERNAL']]],
    [
      'a stop that is refused',
      [
        ['start', 'done'],
        ['stop', 'PROCMAN_WRONG_STATE'],
      ],
    ],
    [
      'a stop that ends nothing of itself',
      [
        ['start', 'done'],
        ['stop', 'ended'],
      ],
    ],
    [
      'a removal of one that is up',
      [
        ['start', 'done'],
        ['remove', 'done'],
      ],
    ],
  ]
  it.each(together)('%s', (_, calls) => {
    expect(() => overlapping(new Reference(obeys), calls)).toThrow(Violation)
  })

  /** A call with its answer, what befalls the manager, or what is seen (null: nothing). */
  type Act = readonly [verb: Parameters<Reference['call']>[0], result: string] | 'crash' | ReturnType<typeof seen> | null
  const stopped: Act = ['stop', 'cancelled']
  const removed: readonly Act[] = [stopped, ['remove', 'done']]
  const afterwards: readonly [string, readonly Act[]][] = [
    ['up after a stop', [stopped, seen('running')]],
    ['retried after a stop', [stopped, seen('backoff')]],
    ['up after a stop and a crash', [stopped, 'crash', seen('running')]],
    ['gone without a removal', [null]],
    ['there after a removal', [...removed, cancelled]],
    ['back after a removal and a crash', [...removed, 'crash', cancelled]],
    ['orphaned by the death of its manager', ['crash', seen('orphaned')]],
    ['forgotten by the next manager', ['crash', null]],
    ['stopped by the death of its manager', ['crash', cancelled]],
    ['stopped by a label', [['relabel', 'done'], seen('stopping')]],
    ['not up after a declaration that was granted', [['respec', 'done'], cancelled]],
    ['started by a declaration', [['stop', 'cancelled'], ['respec', 'done'], seen('running')]],
    ['held while it is up', [['hold', 'done']]],
    ['a launch of one that is up', [['launch', 'done']]],
    ['a signal that is lost', [['signal', 'PROCMAN_SIGNAL_FAILED']]],
    ['a signal to nobody', [...removed, ['signal', 'done']]],
    ['not up after a restart that was granted', [['restart', 'done'], cancelled]],
  ]
  it.each(afterwards)('%s', (_, acts) => {
    const model = started()
    const act = (each: Act) => {
      if (each === 'crash') model.crash()
      else if (each === null || 'state' in each) model.observe(each)
      else model.answer(model.call(each[0]), each[1])
    }
    for (const each of acts.slice(0, -1)) act(each)
    expect(() => act(acts.at(-1) ?? null)).toThrow(Violation)
  })

  it('two answers to one call', () => {
    const model = started()
    const call = model.call('refresh')
    model.answer(call, 'done')
    expect(() => model.answer(call, 'done')).toThrow(Violation)
  })

  it('a start behind an open breaker, by a command or by itself', () => {
    const model = held()
    expect(() => model.answer(model.call('restart'), 'done')).toThrow(Violation)
    const other = held()
    expect(() => other.observe(seen('running'))).toThrow(Violation)
  })

  it('a breaker that a stop closes', () => {
    const model = held()
    model.answer(model.call('stop'), 'cancelled')
    expect(() => model.answer(model.call('launch'), 'done')).toThrow(Violation)
  })

  it('a refusal by a breaker that was reset', () => {
    const model = held()
    model.answer(model.call('stop'), 'cancelled')
    model.answer(model.call('reset'), 'done')
    expect(() => model.answer(model.call('launch'), 'PROCMAN_BREAKER_OPEN')).toThrow(Violation)
  })

  it('a breaker that is closed after as many failures as open it, or open after fewer', () => {
    const closed = { ...seen('backoff'), breaker: { state: 'closed' } }
    expect(() => held().observe(closed)).toThrow(Violation)
    const model = started({ strategy: 'on-failure', breaker: 'cools much later' })
    model.mayEnd('fail')
    expect(() => model.observe({ ...closed, breaker: { state: 'open' } })).toThrow(Violation)
  })

  it('an end of one that is well, and that nothing ends', () => {
    const model = started({ strategy: 'always', probed: true })
    expect(() => model.observe(seen('backoff'))).toThrow(Violation)
  })

  it('a retry that the policy does not want', () => {
    const model = started({ strategy: 'on-failure', ends: 'ok' })
    expect(() => model.observe(seen('backoff'))).toThrow(Violation)
  })

  it('a start that has failed and leaves something', () => {
    const model = new Reference({ ...obeys, launchable: false })
    model.answer(model.call('start'), 'PROCMAN_LAUNCH_FAILED')
    expect(() => model.observe(seen('exited', 'failed'))).toThrow(Violation)
  })

  it('a stop that finds the end that came after it', () => {
    const model = started()
    const call = model.call('stop')
    model.mayEnd('ok')
    expect(() => model.answer(call, 'ended')).toThrow(Violation)
  })
})
