/** The life of one process. Wiring only: what to do is decided by the functions in restart.ts, stop.ts and context.ts. See README.md beside this file. */
import { assign, emit, enqueueActions, sendTo, setup } from 'xstate'
import type { DeadlineInput } from '../../effects/deadline/contract.ts'
import type { RunCommand, RunInput } from '../../effects/run/contract.ts'
import type { TerminateInput } from '../../effects/terminate/contract.ts'
import type { ProcessContext, ProcessSpec } from '../../types.ts'
import { placeholder } from '../placeholder.ts'
import {
  afterCancel,
  afterExit,
  afterKeeperLoss,
  afterLaunch,
  afterNote,
  afterStopRequest,
  contextOf,
  endOf,
  isCurrent,
  nextRun,
  settledWith,
  shallRestart,
} from './context.ts'
import type { ProcessEmitted, ProcessEvent } from './events.ts'

export interface ProcessInput {
  readonly spec: ProcessSpec
  readonly createdAtMs: number
}

const runOf = ({ context }: { context: ProcessContext }): RunInput => ({ id: context.spec.id, run: context.run })
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
    terminate: placeholder<{ type: 'none' }, TerminateInput>('terminate'),
    waitUntil: placeholder<{ type: 'none' }, DeadlineInput>('waitUntil'),
  },
  guards: {
    isCurrent: ({ context, event }) => isCurrent(context, event),
    endsUnknown: ({ context, event }) => isCurrent(context, event) && endOf(context, event).outcome.kind === 'unknown',
    shallRestart: ({ context, event }) => isCurrent(context, event) && shallRestart(context, event),
    stoppedForRestart: ({ context, event }) => isCurrent(context, event) && context.stop?.purpose === 'restart' && !context.cancelled,
    isBackoffDue: ({ context }) => context.retryAtMs !== null,
  },
  actions: {
    beginRun: assign(({ context, event }) => nextRun(context, event)),
    recordLaunch: assign(({ context, event }) => afterLaunch(context, event)),
    recordExit: assign(({ context, event }) => afterExit(context, event)),
    recordEnd: assign(({ context, event }) => settledWith(context, event)),
    recordKeeperLoss: assign(({ context, event }) => afterKeeperLoss(context, event)),
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

/** What can happen to a run that is up, ready or not. */
const whileUp = {
  'run.exited': { guard: 'isCurrent', target: 'stopping', actions: ['recordExit', 'planStop'] },
  'run.ended': endings,
  'run.keeper-lost': { guard: 'isCurrent', actions: 'recordKeeperLoss' },
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
  'process.start': { target: 'starting' },
  'process.restart': { target: 'starting' },
} as const

export const processMachine = base.createMachine({
  id: 'process',
  initial: 'pending',
  context: ({ input }) => contextOf(input.spec, input.createdAtMs),
  states: {
    pending: {
      on: { ...whileDown, 'process.stop': { target: 'exited', actions: 'cancel' } },
    },
    starting: {
      tags: 'alive',
      entry: 'beginRun',
      invoke: { id: 'run', src: 'run', input: launchOf },
      on: {
        ...whileUp,
        ...whileSignallable,
        'run.launched': { guard: 'isCurrent', target: 'running', actions: ['recordLaunch', 'emitStarted'] },
      },
    },
    running: {
      tags: ['alive', 'ready'],
      invoke: { id: 'run', src: 'run', input: runOf },
      on: { ...whileUp, ...whileSignallable, 'probe.failed': { guard: 'isCurrent', target: 'unhealthy', actions: 'recordNote' } },
    },
    unhealthy: {
      tags: 'alive',
      invoke: { id: 'run', src: 'run', input: runOf },
      on: { ...whileUp, ...whileSignallable, 'probe.passed': { guard: 'isCurrent', target: 'running' } },
    },
    backoff: {
      tags: 'waiting',
      entry: 'emitBackoff',
      invoke: { id: 'waitUntil', src: 'waitUntil', input: retryOf },
      on: { ...whileDown, 'deadline.passed': { target: 'starting' }, 'process.stop': { target: 'exited', actions: 'cancel' } },
    },
    stopping: {
      tags: 'alive',
      invoke: [
        { id: 'run', src: 'run', input: runOf },
        { id: 'terminate', src: 'terminate', input: ladderOf },
      ],
      on: {
        ...whileSignallable,
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
      on: whileDown,
    },
    orphaned: {
      tags: 'settled',
      entry: { type: 'announceSettled', params: { state: 'orphaned' } },
      always: { guard: 'isBackoffDue', target: 'backoff' },
      on: whileDown,
    },
  },
})

export type ProcessMachine = typeof processMachine
