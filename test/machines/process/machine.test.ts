import { beforeEach, describe, expect, it } from 'vitest'
import type { ProcessCommand } from '../../../src/machines/process/events.ts'
import type { Outcome } from '../../../src/types.ts'
import { code, EPOCH_MS, notFound, notStarted, OUTCOMES, REPORTED, type SpecParts, signal, unknown } from '../fixtures.ts'
import { type FakeProcess, type FakeWorld, fakeWorld } from '../world.ts'

const ALWAYS = { strategy: 'always' } as const

/** A way to bring a process into each state. */
const INTO: Readonly<Record<string, (world: FakeWorld, process: FakeProcess) => void>> = {
  pending: () => {},
  starting: (_world, process) => void process.start(),
  running: (_world, process) => void process.isUp(),
  unhealthy: (world, process) => {
    process.isUp()
    world.child.fails()
  },
  backoff: (world, process) => {
    process.isUp()
    world.child.exits(code(1))
  },
  stopping: (_world, process) => void process.isUp().stop(),
  exited: (world, process) => {
    process.isUp().stop()
    world.child.exits(code(0))
  },
  orphaned: (world, process) => {
    process.isUp().stop()
    world.child.exits(unknown)
  },
}
const STATES = Object.keys(INTO)

/** Its context, without the notes of signals: a manager that takes a stop over sends the last one again, and says so. */
const memoryOf = ({ context }: FakeProcess) => ({ ...context, reasons: context.reasons.filter(({ text }) => !text.endsWith(' sent')) })

describe.each([
  ['plain', false],
  ['saved and restored between each step', true],
])('a process, %s', (_how, isRestoring) => {
  let world: FakeWorld
  beforeEach(() => {
    world = fakeWorld(isRestoring)
  })

  const processIn = (state: string, parts: SpecParts = {}): FakeProcess => {
    const process = world.process({ restart: ALWAYS, health: REPORTED, ...parts })
    INTO[state]?.(world, process)
    expect(process.state).toBe(state)
    return process
  }

  describe('goes from state to state', () => {
    const steps: readonly (readonly [string, string, string, (world: FakeWorld, process: FakeProcess) => void])[] = [
      ['pending', 'a start', 'starting', (_w, p) => void p.start()],
      ['pending', 'a restart', 'starting', (_w, p) => void p.restart()],
      ['pending', 'a stop', 'exited', (_w, p) => void p.stop()],
      ['starting', 'the launch', 'running', (w) => void w.child.isLaunched()],
      ['starting', 'an end that is restarted', 'backoff', (w) => void w.child.exits(notFound)],
      ['starting', 'an end with leftovers', 'stopping', (w) => void w.child.leavesBehind(code(1))],
      ['starting', 'a stop', 'stopping', (_w, p) => void p.stop()],
      ['starting', 'a restart', 'stopping', (_w, p) => void p.restart()],
      ['starting', 'the loss of its keeper', 'starting', (w) => void w.child.losesItsKeeper()],
      ['running', 'a failed probe', 'unhealthy', (w) => void w.child.fails()],
      ['running', 'an end that is restarted', 'backoff', (w) => void w.child.exits(code(0))],
      ['running', 'an end with leftovers', 'stopping', (w) => void w.child.leavesBehind(code(0))],
      ['running', 'the loss of its keeper', 'running', (w) => void w.child.losesItsKeeper()],
      ['running', 'a stop', 'stopping', (_w, p) => void p.stop()],
      ['running', 'a restart', 'stopping', (_w, p) => void p.restart()],
      ['unhealthy', 'a passed probe', 'running', (w) => void w.child.passes()],
      ['unhealthy', 'an end that is restarted', 'backoff', (w) => void w.child.exits(signal('SIGSEGV'))],
      ['unhealthy', 'an end with leftovers', 'stopping', (w) => void w.child.leavesBehind(code(0))],
      ['unhealthy', 'a stop', 'stopping', (_w, p) => void p.stop()],
      ['unhealthy', 'a restart', 'stopping', (_w, p) => void p.restart()],
      ['backoff', 'its deadline', 'starting', (w) => w.passDeadline()],
      ['backoff', 'a start', 'starting', (_w, p) => void p.start()],
      ['backoff', 'a restart', 'starting', (_w, p) => void p.restart()],
      ['backoff', 'a stop', 'exited', (_w, p) => void p.stop()],
      ['stopping', 'an end', 'exited', (w) => void w.child.exits(signal('SIGTERM'))],
      ['stopping', 'an end of the command alone', 'stopping', (w) => void w.child.leavesBehind(code(0))],
      ['stopping', 'another stop', 'stopping', (_w, p) => void p.stop()],
      ['stopping', 'an unknown end', 'orphaned', (w) => void w.child.exits(unknown)],
      ['exited', 'a start', 'starting', (_w, p) => void p.start()],
      ['exited', 'a restart', 'starting', (_w, p) => void p.restart()],
      ['orphaned', 'a start', 'starting', (_w, p) => void p.start()],
      ['orphaned', 'a restart', 'starting', (_w, p) => void p.restart()],
    ]

    it.each(steps)('%s, at %s: %s', (from, _what, to, step) => {
      const process = processIn(from)
      step(world, process)
      expect(process.state).toBe(to)
    })

    it.each(['starting', 'running', 'unhealthy'])('%s, at an end that is not restarted: exited', (from) => {
      const process = processIn(from, { restart: { strategy: 'never' } })
      world.child.exits(code(1))
      expect(process.state).toBe('exited')
      expect(process.record).toMatchObject({ status: 'failed', exit_code: 1 })
    })

    it.each(['starting', 'running', 'unhealthy'])('%s, at an unknown end without a policy: orphaned', (from) => {
      const process = processIn(from, { restart: { strategy: 'never' } })
      world.child.exits(unknown)
      expect(process.state).toBe('orphaned')
    })
  })

  describe('watches its run', () => {
    it.each(STATES)('%s: by one effect exactly while a run may be up', (state) => {
      const process = processIn(state)
      const isUp = ['starting', 'running', 'unhealthy', 'stopping'].includes(state)
      expect(process.is('alive')).toBe(isUp)
      expect(world.runs.reduce((sum, run) => sum + run.watchers, 0)).toBe(isUp ? 1 : 0)
      expect(world.liveStops.size).toBe(state === 'stopping' ? 1 : 0)
      expect(world.liveDeadlines.size).toBe(state === 'backoff' ? 1 : 0)
      const isAttended = isUp && state !== 'stopping'
      expect(world.runs.reduce((sum, run) => sum + run.attendants.size, 0)).toBe(isAttended ? 1 : 0)
    })

    it('in the states that are settled and in no other', () => {
      const settled = STATES.filter((state) => {
        world = fakeWorld(isRestoring)
        return processIn(state).is('settled')
      })
      expect(settled).toEqual(['exited', 'orphaned'])
    })
  })

  describe('a command that is illegal in a state is refused', () => {
    const legal: Readonly<Record<string, readonly ProcessCommand['type'][]>> = {
      pending: ['process.start', 'process.stop', 'process.restart', 'process.reset'],
      starting: ['process.stop', 'process.restart', 'process.reset', 'process.signal', 'process.refresh'],
      running: ['process.stop', 'process.restart', 'process.reset', 'process.signal', 'process.refresh'],
      unhealthy: ['process.stop', 'process.restart', 'process.reset', 'process.signal', 'process.refresh'],
      backoff: ['process.start', 'process.stop', 'process.restart', 'process.reset'],
      stopping: ['process.stop', 'process.reset', 'process.signal', 'process.refresh'],
      exited: ['process.start', 'process.restart', 'process.reset'],
      orphaned: ['process.start', 'process.restart', 'process.reset'],
    }

    it.each(STATES)('%s', (state) => {
      const process = processIn(state)
      const commands = ['process.start', 'process.stop', 'process.restart', 'process.reset', 'process.signal', 'process.refresh'] as const
      expect(commands.filter((command) => process.can(command))).toEqual(legal[state])
    })

    it.each(STATES)('%s: and changes nothing if it is sent all the same', (state) => {
      const process = processIn(state)
      const before = memoryOf(process)
      const launches = world.startCount
      if (!process.can('process.start')) process.start()
      if (!process.can('process.restart')) process.restart()
      if (!process.can('process.stop')) process.stop()
      if (!process.can('process.signal')) process.signal('SIGHUP', 'r')
      expect(process.state).toBe(state)
      expect(memoryOf(process)).toEqual(before)
      expect(world.startCount).toBe(launches)
    })
  })

  describe('stop wins over everything', () => {
    it('over a restart that waits: nothing is started any more', () => {
      const process = processIn('backoff').stop()
      world.passMs(3_600_000)
      expect(process.record).toMatchObject({ state: 'exited', status: 'cancelled', exit_code: 1, retry_at: null, run: 1 })
      expect(world.startCount).toBe(1)
      expect(world.liveDeadlines.size).toBe(0)
    })

    it('over a start in flight that is never executed', () => {
      const process = processIn('starting').stop()
      world.child.exits(notStarted)
      expect(process.record).toMatchObject({ state: 'exited', status: 'cancelled', started_at: null, error: 'stopped before it was executed' })
      expect(world.emitted('process.started')).toHaveLength(0)
    })

    it('over a start in flight that came up after all', () => {
      const process = processIn('starting').stop()
      world.child.isLaunched()
      expect(process.record).toMatchObject({ state: 'stopping', pid: 1_001 })
      world.child.exits(signal('SIGTERM'))
      expect(process.record).toMatchObject({ state: 'exited', status: 'cancelled', signal: 'SIGTERM' })
      expect(world.startCount).toBe(1)
    })

    it('over a restart in progress', () => {
      const process = processIn('running').restart().stop()
      world.child.exits(signal('SIGTERM'))
      expect(process.record).toMatchObject({ state: 'exited', status: 'cancelled', run: 1 })
    })

    it('over a restart of leftovers that are being stopped', () => {
      const process = processIn('running')
      world.child.leavesBehind(code(1))
      process.stop()
      world.child.exits(code(1))
      expect(process.record).toMatchObject({ state: 'exited', status: 'cancelled', exit_code: 1 })
      expect(world.startCount).toBe(1)
    })

    it('over probes', () => {
      const process = processIn('unhealthy').stop()
      world.child.passes().fails()
      const answer = { run: 1, probe: 'liveness', latencyMs: 1, body: null, atMs: EPOCH_MS } as const
      process.send({ type: 'probe.passed', ...answer }).send({ type: 'probe.failed', reason: 'late', ...answer })
      expect(process.state).toBe('stopping')
    })

    it('over an end that nobody saw: it stays an orphan', () => {
      const process = processIn('running').stop()
      world.child.exits(unknown)
      world.passMs(3_600_000)
      expect(process.state).toBe('orphaned')
      expect(world.startCount).toBe(1)
    })

    it.each(OUTCOMES)('whatever the end is: %s', (_name, outcome) => {
      const process = processIn('running').stop()
      world.child.exits(outcome)
      expect(process.is('settled')).toBe(true)
      expect(process.context).toMatchObject({ cancelled: true, stop: null, retryAtMs: null, outcome })
    })
  })

  describe('a stop', () => {
    it('climbs the ladder: SIGTERM at once, SIGKILL after the grace', () => {
      processIn('running').stop()
      expect(world.signals.at(0)).toMatchObject({ signal: 'SIGTERM', afterMs: 0 })
      world.passMs(4_999)
      expect(world.signals.map(({ signal }) => signal)).not.toContain('SIGKILL')
      world.passMs(1)
      expect(world.signals.find(({ signal }) => signal === 'SIGKILL')).toMatchObject({ run: 1, afterMs: 5_000 })
    })

    it('goes through the rungs of the spec at their times', () => {
      const stop = {
        ladder: [
          { signal: 'SIGINT', afterMs: 0 },
          { signal: 'SIGTERM', afterMs: 100 },
        ],
        timeoutMs: 300,
      }
      const process = processIn('running', { stop }).stop()
      for (let pass = 0; pass < 3; pass++) world.passMs(100)
      const distinct = [...new Set(world.signals.map(({ signal }) => signal))]
      expect(distinct).toEqual(['SIGINT', 'SIGTERM', 'SIGKILL'])
      expect(process.context.reasons.map(({ text }) => text)).toEqual(expect.arrayContaining(['SIGINT sent', 'SIGTERM sent', 'SIGKILL sent']))
    })

    it('without grace kills at once', () => {
      processIn('running').stop(0)
      expect(new Set(world.signals.map(({ signal }) => signal))).toEqual(new Set(['SIGKILL']))
    })

    it('said again with less time comes sooner, with more time not later', () => {
      const process = processIn('running').stop(1_000)
      process.stop(60_000)
      expect(process.context.stop?.killAtMs).toBe(EPOCH_MS + 1_000)
      process.stop(10)
      expect(process.context.stop?.killAtMs).toBe(EPOCH_MS + 10)
      expect(world.liveStops.size).toBe(1)
      expect([...world.liveStops].at(0)?.killAtMs).toBe(EPOCH_MS + 10)
    })

    it('stops sending signals when the tree is gone', () => {
      processIn('running').stop()
      world.child.exits(code(0))
      const sent = world.signals.length
      world.passMs(60_000)
      expect(world.signals).toHaveLength(sent)
    })

    it('has ended only when the tree is gone, with the time of the command’s own end', () => {
      const process = processIn('running').stop()
      world.passMs(10)
      world.child.leavesBehind(code(0))
      expect(process.record).toMatchObject({ state: 'stopping', status: 'running', pid: null, completed_at: null })
      expect(world.emitted('process.exited')).toHaveLength(0)
      world.child.exits(code(0))
      expect(process.record.completed_at).toBe('2030-01-01T00:00:00.010Z')
      expect(world.emitted('process.exited')).toHaveLength(1)
    })

    it('of one that never ran has no outcome, and is cancelled', () => {
      expect(processIn('pending').stop().record).toMatchObject({ state: 'exited', status: 'cancelled', outcome: null, run: 0, completed_at: null })
    })

    it('is sticky: the next manager does not start it, the user can', () => {
      const process = processIn('running').stop()
      world.child.exits(signal('SIGKILL'))
      process.saveAndRestore().saveAndRestore()
      world.passMs(3_600_000)
      expect(process.record).toMatchObject({ state: 'exited', status: 'cancelled' })
      expect(world.startCount).toBe(1)
      process.start()
      expect(process.context.cancelled).toBe(false)
      expect(world.startCount).toBe(2)
    })

    it('that was begun is finished by the next manager, by the same ladder', () => {
      const process = processIn('running').stop()
      world.passMs(2_000)
      process.saveAndRestore()
      expect([...world.liveStops]).toEqual([
        { id: 'web', run: 1, askedAtMs: EPOCH_MS, rungs: [{ signal: 'SIGTERM', atMs: EPOCH_MS }], killAtMs: EPOCH_MS + 5_000 },
      ])
      world.passMs(3_000)
      expect(world.signals.at(-1)).toMatchObject({ signal: 'SIGKILL' })
    })
  })

  describe('a restart by command', () => {
    it('begins the next run only when the tree of the last one is gone', () => {
      const process = processIn('running').restart()
      world.child.leavesBehind(code(0))
      expect(world.startCount).toBe(1)
      world.child.exits(code(0))
      expect(process.state).toBe('starting')
      expect(world.runs.map(({ run }) => run)).toEqual([1, 2])
      world.child.isLaunched()
      expect(process.record).toMatchObject({ state: 'running', run: 2, restarts: 1, pid: 1_002, exit_code: null, completed_at: null })
    })

    it.each(OUTCOMES)('restarts whatever the end is: %s, also with the policy never', (_name, outcome) => {
      const process = processIn('running', { restart: { strategy: 'never' } }).restart()
      world.child.exits(outcome)
      expect(process.state).toBe('starting')
    })

    it('costs no attempt and forgives those that were made', () => {
      const process = processIn('backoff', { restart: { strategy: 'always', maxAttempts: 1 } })
      expect(process.context.counters.crash?.streak).toBe(1)
      process.restart()
      expect(process.context).toMatchObject({ counters: {}, restarts: 1, retryAtMs: null })
      world.child.isLaunched()
      process.restart()
      world.child.exits(code(1))
      world.child.isLaunched()
      expect(process.context).toMatchObject({ counters: {}, restarts: 2, run: 3 })
      world.child.exits(code(1))
      expect(process.state).toBe('backoff')
    })

    it('is said in the reasons', () => {
      const process = processIn('running').restart()
      world.child.exits(code(0))
      expect(process.context.reasons.at(-1)?.text).toBe('restarted by the user')
    })
  })

  describe('a process that keeps failing', () => {
    it('is started again up to the limit, then gives up and says so once', () => {
      const process = world.process({ restart: { strategy: 'on-failure', maxAttempts: 2 } }).start()
      for (let run = 1; run <= 3; run++) {
        world.child.isLaunched()
        world.child.exits(code(1))
        if (run < 3) world.passDeadline()
      }
      expect(world.startCount).toBe(3)
      expect(process.is('settled')).toBe(true)
      expect(world.emitted('process.gave-up')).toEqual([
        {
          type: 'process.gave-up',
          id: 'web',
          run: 3,
          reason: 'exited with code 1: gave up after 2 restarts for its own end within 10m (maxAttempts 2)',
          atMs: EPOCH_MS + 3_000,
        },
      ])
      expect(process.record.error).toBe('exited with code 1: gave up after 2 restarts for its own end within 10m (maxAttempts 2)')
      process.saveAndRestore()
      world.passMs(3_600_000)
      expect(world.startCount).toBe(3)
      expect(world.emitted('process.gave-up')).toHaveLength(1)
    })

    it('waits longer each time, up to the cap', () => {
      world.process({ restart: { strategy: 'always', delayMs: 100, maxDelayMs: 350 } }).start()
      const waits = Array.from({ length: 4 }, () => {
        world.child.exits(code(1))
        const beganAtMs = world.nowMs
        world.passDeadline()
        return world.nowMs - beganAtMs
      })
      expect(waits).toEqual([100, 200, 350, 350])
      expect(world.emitted('process.backing-off').map(({ retryAtMs }) => retryAtMs - EPOCH_MS)).toEqual([100, 300, 650, 1_000])
    })

    it('is not started a ms too early', () => {
      processIn('backoff')
      world.passMs(999)
      expect(world.startCount).toBe(1)
      world.passMs(1)
      expect(world.startCount).toBe(2)
    })

    it('starts counting anew when its window has passed', () => {
      const process = processIn('backoff', { restart: { strategy: 'always', maxAttempts: 1 } })
      world.passDeadline()
      world.child.isLaunched()
      world.passMs(600_000)
      world.child.exits(code(1))
      expect(process.state).toBe('backoff')
      expect(process.context.counters).toEqual({ crash: { streak: 1, atMs: [EPOCH_MS + 601_000] } })
    })

    it('that gave up may be started by the user, with a fresh count', () => {
      const process = processIn('backoff', { restart: { strategy: 'always', maxAttempts: 1 } })
      world.passDeadline()
      world.child.exits(code(1))
      expect(process.context.gaveUp).toBe(true)
      process.start()
      expect(process.context).toMatchObject({ gaveUp: false, counters: {}, outcome: null })
    })

    it('keeps the last ten reasons', () => {
      const process = world.process({ restart: { strategy: 'always', delayMs: 1, multiplier: 1 } }).start()
      for (let run = 1; run <= 15; run++) {
        world.child.exits(code(run))
        world.passDeadline()
      }
      expect(process.context.reasons).toHaveLength(10)
      expect(process.context.reasons.at(-1)?.text).toBe('exited with code 15: restart 15 in 1 ms (always)')
    })

    it('with a wait that ended while no manager lived is started at once by the next one', () => {
      const process = processIn('backoff')
      world.clock.set(0)
      const saved = process.context.retryAtMs
      expect(saved).toBe(EPOCH_MS + 1_000)
      world.passMs(50_000)
      expect(process.state).toBe('starting')
    })
  })

  describe('leftovers of a command that ended by itself', () => {
    it.each([
      ['exited', { strategy: 'never' }],
      ['backoff', ALWAYS],
    ] as const)('are stopped, then it is %s', (to, restart) => {
      const process = processIn('running', { restart })
      world.child.leavesBehind(code(3))
      expect(process.context.stop).toMatchObject({ purpose: 'leftovers', killAtMs: EPOCH_MS + 5_000 })
      expect(process.record).toMatchObject({ state: 'stopping', exit_code: 3, pid: null })
      expect(world.signals.at(0)?.signal).toBe('SIGTERM')
      world.passMs(5_000)
      expect(world.signals.at(-1)?.signal).toBe('SIGKILL')
      expect(world.emitted('process.exited')).toHaveLength(0)
      world.child.exits(code(3))
      expect(process.state).toBe(to)
      expect(process.context).toMatchObject({ cancelled: false, stop: null })
      expect(world.emitted('process.exited')).toHaveLength(1)
    })
  })

  describe('a lost keeper', () => {
    it('is noted once, and the command is still watched', () => {
      const process = processIn('running')
      world.child.losesItsKeeper()
      world.child.fails().passes()
      expect(process.record).toMatchObject({ state: 'running', keeper_lost: true, pid: 1_001 })
      expect(process.context.reasons.filter(({ text }) => text.startsWith('the keeper cannot be reached'))).toHaveLength(1)
    })

    it('is noted while it stops, too, and forgotten with the next run', () => {
      const process = processIn('running').restart()
      world.child.losesItsKeeper()
      expect(process.context.keeperLost).toBe(true)
      world.child.exits(unknown)
      expect(process.context.keeperLost).toBe(false)
    })
  })

  describe('an end that nobody saw', () => {
    it.each(['on-failure', 'always'] as const)('with the policy %s is an orphan that is started again', (strategy) => {
      const process = processIn('running', { restart: { strategy } })
      world.child.exits(unknown)
      expect(process.state).toBe('backoff')
      expect(world.emitted('process.settled')).toHaveLength(0)
      expect(world.emitted('process.exited')).toMatchObject([{ outcome: unknown }])
      world.passDeadline()
      expect(world.startCount).toBe(2)
    })

    it('without a policy is an orphan until the user says otherwise', () => {
      const process = processIn('running', { restart: { strategy: 'never' } })
      world.child.exits(unknown)
      world.passMs(3_600_000)
      expect(process.record).toMatchObject({ state: 'orphaned', status: 'orphaned', exit_code: null, signal: null })
      expect(world.emitted('process.settled')).toMatchObject([{ state: 'orphaned' }])
      process.start()
      expect(process.record).toMatchObject({ state: 'starting', run: 2, outcome: null })
    })

    it('that uses up the policy gives up as an orphan', () => {
      const process = processIn('backoff', { restart: { strategy: 'always', maxAttempts: 1 } })
      world.passDeadline()
      world.child.exits(unknown)
      expect(process.state).toBe('orphaned')
      expect(world.emitted('process.gave-up')).toHaveLength(1)
    })
  })

  describe('facts of an older run are dropped', () => {
    const late: readonly (readonly [string, Parameters<FakeProcess['send']>[0]])[] = [
      ['run.launched', { type: 'run.launched', run: 1, identity: { pid: 7, start: '7', boot: 'b' }, atMs: EPOCH_MS }],
      ['run.exited', { type: 'run.exited', run: 1, outcome: code(9), atMs: EPOCH_MS, nowMs: EPOCH_MS }],
      ['run.ended', { type: 'run.ended', run: 1, outcome: code(9), atMs: EPOCH_MS, nowMs: EPOCH_MS }],
      ['run.ended, unknown', { type: 'run.ended', run: 1, outcome: unknown, atMs: EPOCH_MS, nowMs: EPOCH_MS }],
      ['run.keeper-lost', { type: 'run.keeper-lost', run: 1, atMs: EPOCH_MS }],
      ['run.ports-assigned', { type: 'run.ports-assigned', run: 1, ports: { http: 1 }, atMs: EPOCH_MS }],
      ['probe.failed', { type: 'probe.failed', run: 1, probe: 'liveness', latencyMs: 1, body: null, reason: 'late', atMs: EPOCH_MS }],
      ['probe.passed', { type: 'probe.passed', run: 1, probe: 'liveness', latencyMs: 1, body: 'late', atMs: EPOCH_MS }],
      ['ready.signalled', { type: 'ready.signalled', run: 1, atMs: EPOCH_MS }],
      ['startup.timed-out', { type: 'startup.timed-out', run: 1, atMs: EPOCH_MS }],
      ['run.steadied', { type: 'run.steadied', run: 1, afterMs: 60_000, atMs: EPOCH_MS }],
      ['stop.escalated', { type: 'stop.escalated', run: 1, signal: 'SIGKILL', atMs: EPOCH_MS }],
    ]
    const second: Readonly<Record<string, (process: FakeProcess) => void>> = {
      starting: () => {},
      running: () => void world.child.isLaunched(),
      unhealthy: () => {
        world.child.isLaunched().fails()
      },
      stopping: (process) => {
        world.child.isLaunched()
        process.stop()
      },
    }

    it.each(Object.keys(second).flatMap((state) => late.map(([name, fact]) => ({ state, name, fact }))))('$state: $name', ({ state, fact }) => {
      const process = processIn('backoff').start()
      second[state]?.(process)
      const before = memoryOf(process)
      process.send(fact)
      expect(process.state).toBe(state)
      expect(memoryOf(process)).toEqual(before)
    })
  })

  describe('signals', () => {
    it('go to the run’s effect, and its answer is emitted under the request', () => {
      const process = processIn('running').signal('SIGHUP', 'r1').signal('SIGSYS', 'r2')
      process.send({ type: 'process.refresh', atMs: EPOCH_MS })
      expect(world.child.commands).toMatchObject([{ signal: 'SIGHUP', target: 'group' }, { signal: 'SIGSYS' }, { type: 'process.refresh' }])
      expect(world.emitted('process.signalled')).toEqual([
        { type: 'process.signalled', id: 'web', request: 'r1', error: null },
        { type: 'process.signalled', id: 'web', request: 'r2', error: 'the command is not there any more' },
      ])
      expect(process.state).toBe('running')
    })
  })

  describe('what is emitted', () => {
    it('tells a whole life in order', () => {
      const process = processIn('running')
      world.passMs(10)
      world.child.exits(code(1))
      world.passDeadline()
      world.child.isLaunched()
      process.stop()
      world.child.exits(signal('SIGTERM'))
      expect(world.allEmitted).toEqual([
        { type: 'process.started', id: 'web', run: 1, pid: 1_001, atMs: EPOCH_MS },
        { type: 'process.ready', id: 'web', run: 1, atMs: EPOCH_MS },
        { type: 'process.exited', id: 'web', run: 1, outcome: code(1), atMs: EPOCH_MS + 10 },
        { type: 'process.backing-off', id: 'web', run: 1, retryAtMs: EPOCH_MS + 1_010, reason: 'exited with code 1: restart 1 in 1000 ms (always)' },
        { type: 'process.started', id: 'web', run: 2, pid: 1_002, atMs: EPOCH_MS + 1_010 },
        { type: 'process.ready', id: 'web', run: 2, atMs: EPOCH_MS + 1_010 },
        { type: 'process.exited', id: 'web', run: 2, outcome: signal('SIGTERM'), atMs: EPOCH_MS + 1_010 },
        { type: 'process.settled', id: 'web', state: 'exited', atMs: EPOCH_MS + 1_010 },
      ])
    })
  })

  describe('for every kind of end and every policy', () => {
    const grid = (['never', 'on-failure', 'always'] as const).flatMap((strategy) =>
      OUTCOMES.map(([name, outcome, isFailure]): { strategy: typeof strategy; name: string; outcome: Outcome; to: string } => {
        const isRestarted = strategy === 'always' || (strategy === 'on-failure' && isFailure)
        return { strategy, name, outcome, to: isRestarted ? 'backoff' : outcome.kind === 'unknown' ? 'orphaned' : 'exited' }
      }),
    )

    it.each(grid)('$strategy, $name: $to', ({ strategy, outcome, to }) => {
      const process = processIn('running', { restart: { strategy } })
      world.child.exits(outcome)
      expect(process.state).toBe(to)
      expect(process.context.outcome).toEqual(outcome)
    })
  })
})
