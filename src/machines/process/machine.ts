/** The life of one process. Wiring only: what to do is decided by the functions in restart.ts, stop.ts and context.ts. See README.md beside this file. */
import { assign, emit, enqueueActions, sendTo, setup } from 'xstate'
import type { DeadlineInput } from '../../effects/deadline/contract.ts'
import type { HealthCommand, HealthInput } from '../../effects/probe/contract.ts'
import type { RunCommand, RunInput } from '../../effects/run/contract.ts'
import type { TerminateInput } from '../../effects/terminate/contract.ts'
import type { ProcessContext, ProcessSpec } from '../../types.ts'
import { placeholder } from '../placeholder.ts'
import { afterPorts, afterProbe, afterProgress, afterReady, afterSignal, afterSteady, afterUnready, withProbe } from './attendance.ts'
import { isOpen } from './breaker.ts'
import { nowOf } from './change.ts'
import {
  afterCancel,
  afterExit,
  afterKeeperLoss,
  afterLaunch,
  afterNote,
  afterReset,
  afterStopRequest,
  contextOf,
  endOf,
  isCurrent,
  mayBegin,
  nextRun,
  settledWith,
  shallRestart,
} from './context.ts'
import type { ProcessEmitted, ProcessEvent } from './events.ts'
import { describeProbe, failingProbe, isReady, isReadyOnceLaunched, isUpUnwell, shallRestartUnhealthy } from './health.ts'
import { afterHold, afterUpdate, afterUpdateOfStarted, needsRestart, planUpdate } from './update.ts'

export interface ProcessInput {
  readonly spec: ProcessSpec
  readonly createdAtMs: number
}

const runOf = ({ context }: { context: ProcessContext }): HealthInput => ({ id: context.spec.id, run: context.run })
const launchOf = ({ context }: { context: ProcessContext }): RunInput => ({ ...runOf({ context }), launch: true })
const retryOf = ({ context }: { context: ProcessContext }): DeadlineInput => ({
  atMs: context.retryAtMs ?? 0,
  ...(context.retryDelayMs === null ? {} : { atMostMs: context.retryDelayMs }),
})
const ladderOf = ({ context }: { context: ProcessContext }): TerminateInput => ({
  id: context.spec.id,
  run: context.run,
  askedAtMs: context.stop?.askedAtMs ?? 0,
  rungs: context.stop?.rungs ?? [],
  killAtMs: context.stop?.killAtMs ?? 0,
})

const base = setup({
  types: { input: {} as ProcessInput, context: {} as ProcessContext, events: {} as ProcessEvent, emitted: {} as ProcessEmitted },
  actors: {
    run: placeholder<RunCommand, RunInput>('run'),
    probeHealth: placeholder<HealthCommand, HealthInput>('probeHealth'),
    terminate: placeholder<{ type: 'none' }, TerminateInput>('terminate'),
    waitUntil: placeholder<{ type: 'none' }, DeadlineInput>('waitUntil'),
  },
  guards: {
    isCurrent: ({ context, event }) => isCurrent(context, event),
    endsUnknown: ({ context, event }) => isCurrent(context, event) && endOf(context, event).outcome.kind === 'unknown',
    shallRestart: ({ context, event }) => isCurrent(context, event) && shallRestart(context, event),
    stoppedForRestart: ({ context, event }) => isCurrent(context, event) && context.stop?.purpose === 'restart' && !context.cancelled,
    isFirstTold: ({ context, event }) => isCurrent(context, event) && context.identity === null,
    isReadyOnceLaunched: ({ context, event }) => isCurrent(context, event) && isReadyOnceLaunched(context),
    becomesReady: ({ context, event }) => isCurrent(context, event) && isReady(withProbe(context, event)),
    isUpUnwell: ({ context, event }) => isCurrent(context, event) && isUpUnwell(withProbe(context, event)),
    becomesUnwell: ({ context, event }) => isCurrent(context, event) && failingProbe(withProbe(context, event)) !== null,
    shallEndUnhealthy: ({ context, event }) => isCurrent(context, event) && shallRestartUnhealthy(withProbe(context, event)),
    isToBeRestarted: ({ context }) => shallRestartUnhealthy(context),
    needsRestart: ({ context, event }) => needsRestart(context, event),
    isReadyOnceUpdated: ({ context, event }) => context.identity !== null && isReady({ ...context, ...afterUpdate(context, event) }),
    isUpUnwellOnceUpdated: ({ context, event }) => context.identity !== null && isUpUnwell({ ...context, ...afterUpdate(context, event) }),
    isReadyAgainOnceUpdated: ({ context, event }) => isReady({ ...context, ...afterUpdateOfStarted(context, event) }),
    mayBegin: ({ context, event }) => mayBegin(context, event),
    isBreakerOpen: ({ context, event }) => isOpen(context.breaker, 'atMs' in event ? event.atMs : 0),
    isBackoffDue: ({ context }) => context.retryAtMs !== null,
  },
  actions: {
    beginRun: assign(({ context, event }) => nextRun(context, event)),
    recordLaunch: assign(({ context, event }) => afterLaunch(context, event)),
    recordExit: assign(({ context, event }) => afterExit(context, event)),
    recordEnd: assign(({ context, event }) => settledWith(context, event)),
    recordKeeperLoss: assign(({ context, event }) => afterKeeperLoss(context, event)),
    recordPorts: assign(({ context, event }) => afterPorts(context, event)),
    recordProbe: assign(({ context, event }) => afterProbe(context, event)),
    recordSignal: assign(({ context, event }) => afterSignal(context, event)),
    recordProgress: assign(({ context, event }) => afterProgress(context, event)),
    recordReady: assign(({ context, event }) => afterReady(context, event)),
    recordUnready: assign(afterUnready),
    recordSteady: assign(({ context, event }) => afterSteady(context, event)),
    reset: assign(({ context, event }) => afterReset(context, event)),
    update: assign(({ context, event }) => afterUpdate(context, event)),
    updateStarted: assign(({ context, event }) => afterUpdateOfStarted(context, event)),
    planUpdate: assign(({ context, event }) => planUpdate(context, event)),
    hold: assign(({ context, event }) => afterHold(context, event)),
    tellProbes: sendTo('probeHealth', { type: 'health.renew' as const }),
    recordNote: assign(({ context, event }) => afterNote(context, event)),
    planStop: assign(({ context, event }) => afterStopRequest(context, event)),
    cancel: assign(({ context, event }) => afterCancel(context, event)),
    tellRun: sendTo('run', ({ event }) => event as RunCommand),
    emitStarted: emit(({ context }) => ({
      type: 'process.started' as const,
      id: context.spec.id,
      run: context.run,
      pid: context.identity?.pid ?? 0,
      atMs: context.startedAtMs ?? 0,
    })),
    emitReady: emit(({ context }) => ({
      type: 'process.ready' as const,
      id: context.spec.id,
      run: context.run,
      atMs: context.readyAtMs ?? 0,
    })),
    emitUnhealthy: emit(({ context, event }) => {
      const probe = failingProbe(context)
      const reason = probe === null ? '' : describeProbe(probe, context.probes[probe])
      return { type: 'process.unhealthy' as const, id: context.spec.id, run: context.run, reason, atMs: nowOf(event) }
    }),
    emitProgressed: enqueueActions(({ context, event, enqueue }) => {
      const { progress, run, spec } = context
      if (progress !== null) enqueue.emit({ type: 'process.progressed', id: spec.id, run, progress, atMs: nowOf(event) })
    }),
    emitExited: emit(({ context, event }) => {
      const { outcome, atMs } = endOf(context, event)
      return { type: 'process.exited' as const, id: context.spec.id, run: context.run, outcome, atMs }
    }),
    emitBackoff: emit(({ context }) => ({
      type: 'process.backing-off' as const,
      id: context.spec.id,
      run: context.run,
      retryAtMs: context.retryAtMs ?? 0,
      reason: context.reasons.at(-1)?.text ?? '',
    })),
    emitSignalled: emit(({ context, event }) => ({
      type: 'process.signalled' as const,
      id: context.spec.id,
      request: 'request' in event ? event.request : '',
      error: event.type === 'signal.failed' ? event.reason : null,
    })),
    announceSettled: enqueueActions(({ context, event, enqueue }, { state }: { state: 'exited' | 'orphaned' }) => {
      // An orphan that is started again at once has not settled.
      if (context.retryAtMs !== null) return
      const atMs = 'atMs' in event ? event.atMs : (context.endedAtMs ?? 0)
      if (context.gaveUp) enqueue.emit({ type: 'process.gave-up', id: context.spec.id, run: context.run, reason: context.reasons.at(-1)?.text ?? '', atMs })
      enqueue.emit({ type: 'process.settled', id: context.spec.id, state, atMs })
    }),
  },
})

/** What the end of a run leads to, wherever it happens. An unknown end is an orphan first; the policy is asked there. */
const endings = [
  { guard: 'endsUnknown', target: 'orphaned', actions: ['recordEnd', 'emitExited'] },
  { guard: 'shallRestart', target: 'backoff', actions: ['recordEnd', 'emitExited'] },
  { guard: 'isCurrent', target: 'exited', actions: ['recordEnd', 'emitExited'] },
] as const

const whileThere = {
  'process.reset': { actions: 'reset' },
} as const

/** What can happen to a run that is up, ready or not. */
const whileUp = {
  ...whileThere,
  'run.exited': { guard: 'isCurrent', target: 'stopping', actions: ['recordExit', 'planStop'] },
  'run.ended': endings,
  'run.keeper-lost': { guard: 'isCurrent', actions: 'recordKeeperLoss' },
  'run.progressed': { guard: 'isCurrent', actions: ['recordProgress', 'emitProgressed'] },
  'process.stop': { target: 'stopping', actions: ['planStop', 'cancel'] },
  'process.restart': { target: 'stopping', actions: 'planStop' },
} as const

const whileSignallable = {
  'process.signal': { actions: 'tellRun' },
  'process.refresh': { actions: 'tellRun' },
  'signal.sent': { actions: 'emitSignalled' },
  'signal.failed': { actions: 'emitSignalled' },
} as const

const whileDown = {
  ...whileThere,
  'process.start': { guard: 'mayBegin', target: 'starting' },
  'process.restart': { guard: 'mayBegin', target: 'starting' },
} as const

const whileHoldable = {
  'process.hold': { actions: 'hold' },
} as const

/** What its run was launched with is another now: the old way to stop is planned before the spec is replaced. */
const relaunch = { guard: 'needsRestart', target: 'stopping', actions: ['planUpdate', 'update'] } as const

const attended = { id: 'probeHealth', src: 'probeHealth', input: runOf } as const

export const processMachine = base.createMachine({
  id: 'process',
  initial: 'pending',
  context: ({ input }) => contextOf(input.spec, input.createdAtMs),
  // Where it is more than that, the state says so.
  on: { 'process.update': { actions: 'update' } },
  states: {
    pending: {
      on: { ...whileDown, ...whileHoldable, 'process.stop': { target: 'exited', actions: 'cancel' } },
    },
    starting: {
      tags: 'alive',
      entry: 'beginRun',
      invoke: [{ id: 'run', src: 'run', input: launchOf }, attended],
      on: {
        ...whileUp,
        ...whileSignallable,
        'run.ports-assigned': { guard: 'isCurrent', actions: 'recordPorts' },
        'run.launched': [
          { guard: 'isReadyOnceLaunched', target: 'running', actions: ['recordLaunch', 'emitStarted', 'recordReady'] },
          { guard: 'isFirstTold', actions: ['recordLaunch', 'emitStarted'] },
        ],
        'probe.passed': [
          { guard: 'becomesReady', target: 'running', actions: ['recordProbe', 'recordReady'] },
          { guard: 'isUpUnwell', target: 'unhealthy', actions: 'recordProbe' },
          { guard: 'isCurrent', actions: 'recordProbe' },
        ],
        'probe.failed': [
          { guard: 'shallEndUnhealthy', target: 'stopping', actions: ['recordProbe', 'emitUnhealthy', 'planStop'] },
          { guard: 'isCurrent', actions: 'recordProbe' },
        ],
        'ready.signalled': [
          { guard: 'becomesReady', target: 'running', actions: ['recordSignal', 'recordReady'] },
          { guard: 'isUpUnwell', target: 'unhealthy', actions: 'recordSignal' },
          { guard: 'isCurrent', actions: 'recordSignal' },
        ],
        'startup.timed-out': { guard: 'isCurrent', target: 'stopping', actions: 'planStop' },
        'process.update': [
          relaunch,
          { guard: 'isReadyOnceUpdated', target: 'running', actions: ['update', 'recordReady'] },
          { guard: 'isUpUnwellOnceUpdated', target: 'unhealthy', actions: 'update' },
          { actions: ['update', 'tellProbes'] },
        ],
      },
    },
    running: {
      tags: ['alive', 'ready'],
      entry: 'emitReady',
      invoke: [{ id: 'run', src: 'run', input: runOf }, attended],
      on: {
        ...whileUp,
        ...whileSignallable,
        'probe.passed': { guard: 'isCurrent', actions: 'recordProbe' },
        'probe.failed': [
          { guard: 'becomesUnwell', target: 'unhealthy', actions: ['recordProbe', 'recordUnready'] },
          { guard: 'isCurrent', actions: 'recordProbe' },
        ],
        'run.steadied': { guard: 'isCurrent', actions: 'recordSteady' },
        // A probe that is new has not failed yet.
        'process.update': [relaunch, { actions: ['updateStarted', 'tellProbes'] }],
      },
    },
    unhealthy: {
      tags: 'alive',
      entry: 'emitUnhealthy',
      invoke: [{ id: 'run', src: 'run', input: runOf }, attended],
      always: { guard: 'isToBeRestarted', target: 'stopping', actions: 'planStop' },
      on: {
        ...whileUp,
        ...whileSignallable,
        'probe.passed': [
          { guard: 'becomesReady', target: 'running', actions: ['recordProbe', 'recordReady'] },
          { guard: 'isCurrent', actions: 'recordProbe' },
        ],
        'probe.failed': [
          { guard: 'shallEndUnhealthy', target: 'stopping', actions: ['recordProbe', 'planStop'] },
          { guard: 'isCurrent', actions: 'recordProbe' },
        ],
        'process.update': [
          relaunch,
          { guard: 'isReadyAgainOnceUpdated', target: 'running', actions: ['updateStarted', 'recordReady'] },
          { actions: ['updateStarted', 'tellProbes'] },
        ],
      },
    },
    backoff: {
      tags: 'waiting',
      entry: 'emitBackoff',
      invoke: { id: 'waitUntil', src: 'waitUntil', input: retryOf },
      on: {
        ...whileDown,
        'process.reset': [{ guard: 'isBreakerOpen', target: 'starting', actions: 'reset' }, { actions: 'reset' }],
        'deadline.passed': { target: 'starting' },
        'process.stop': { target: 'exited', actions: 'cancel' },
      },
    },
    stopping: {
      tags: 'alive',
      invoke: [
        { id: 'run', src: 'run', input: runOf },
        { id: 'terminate', src: 'terminate', input: ladderOf },
      ],
      on: {
        ...whileThere,
        ...whileSignallable,
        'run.ports-assigned': { guard: 'isCurrent', actions: 'recordPorts' },
        'run.launched': { guard: 'isCurrent', actions: 'recordLaunch' },
        'run.exited': { guard: 'isCurrent', actions: 'recordExit' },
        'run.ended': [{ guard: 'stoppedForRestart', target: 'starting', actions: ['recordEnd', 'emitExited'] }, ...endings],
        'run.keeper-lost': { guard: 'isCurrent', actions: 'recordKeeperLoss' },
        'stop.escalated': { guard: 'isCurrent', actions: 'recordNote' },
        'process.stop': { target: 'stopping', reenter: true, actions: ['planStop', 'cancel'] },
      },
    },
    exited: {
      tags: 'settled',
      entry: { type: 'announceSettled', params: { state: 'exited' } },
      on: { ...whileDown, ...whileHoldable },
    },
    orphaned: {
      tags: 'settled',
      entry: { type: 'announceSettled', params: { state: 'orphaned' } },
      always: { guard: 'isBackoffDue', target: 'backoff' },
      on: { ...whileDown, ...whileHoldable },
    },
  },
})

export type ProcessMachine = typeof processMachine
