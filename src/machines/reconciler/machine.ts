/** Brings about what is declared, again at each change. Wiring only: what to do is decided by the functions beside it. See README.md. */
import { assign, emit, enqueueActions, setup } from 'xstate'
import type { DeadlineInput } from '../../effects/deadline/contract.ts'
import { placeholder } from '../placeholder.ts'
import { type Book, declare, finish, introduce, isQuiet, newBook, see, touchAll } from './book.ts'
import type { ExecutorCommand, Failure, ReconcilerEmitted, ReconcilerEvent } from './events.ts'
import { linesOf, originsOf } from './plan.ts'
import { fail, isFruitless, retry, takeTurn, wishAll } from './turn.ts'

/** What could not be done is tried again after so long. */
export const RETRY_MS = 30_000

export interface ReconcilerContext {
  /** Changed in place, see there. */
  readonly book: Book
  /** Why what is declared could not be told the last time. */
  readonly failure: Failure | null
  /** While everything is being stopped: from when on it is killed, ms since 1970. */
  readonly killAtMs: number
  /** When what could not be done is tried again, ms since 1970. */
  readonly retryAtMs: number
}

const base = setup({
  types: {
    input: {} as { readonly origin: string },
    context: {} as ReconcilerContext,
    events: {} as ReconcilerEvent,
    emitted: {} as ReconcilerEmitted,
  },
  actors: {
    provider: placeholder<{ type: 'none' }, undefined>('provider'),
    processes: placeholder<{ type: 'none' }, undefined>('processes'),
    executor: placeholder<ExecutorCommand, undefined>('executor'),
    waitUntil: placeholder<{ type: 'none' }, DeadlineInput>('waitUntil'),
  },
  guards: {
    isToBegin: ({ context: { book } }) => book.isAsked && book.declared !== null,
    isQuiet: ({ context }) => isQuiet(context.book),
    isQuietInTrouble: ({ context }) => isQuiet(context.book) && [...context.book.troubles.values()].some(({ isRetried }) => isRetried),
    isBusy: ({ context }) => !isQuiet(context.book),
  },
  actions: {
    takeDeclared: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'desired.given') return
      const { book } = context
      declare(book, event.declared, event.disabled)
      if (book.startsDown) wishAll(book)
      book.startsDown = false
      enqueue.assign({ failure: null })
      enqueue.emit({ type: 'reconciler.told', processes: event.declared.length })
    }),
    tellPlan: emit(({ context }) => ({ type: 'reconciler.planned' as const, lines: linesOf(context.book, false) })),
    recordFailure: assign(({ event }) => (event.type === 'desired.failed' ? { failure: { code: event.code, message: event.message } } : {})),
    tellFailure: emit(({ context }) => ({ type: 'reconciler.desired-failed' as const, ...(context.failure ?? { code: '', message: '' }) })),
    see: enqueueActions(({ context, event }) => {
      if (event.type === 'processes.changed') for (const { id, actual } of event.changes) see(context.book, id, actual)
    }),
    ask: enqueueActions(({ context: { book }, event }) => {
      if (event.type !== 'reconciler.reconcile') return
      book.isAsked = true
      book.drain = null
      book.replaced.clear()
      if (event.replace) for (const origin of originsOf(book.actual.values())) book.replaced.add(origin)
      touchAll(book)
      if (event.startDown) wishAll(book)
      book.startsDown = event.startDown && book.declared === null
    }),
    drain: enqueueActions(({ context: { book }, event, enqueue }) => {
      if (event.type !== 'reconciler.drain') return
      book.drain = { keeps: event.keep, isForced: false }
      book.wishes.clear()
      touchAll(book)
      enqueue.assign({ killAtMs: event.killAtMs })
    }),
    force: enqueueActions(({ context: { book } }) => {
      if (book.drain !== null) book.drain = { ...book.drain, isForced: true }
      touchAll(book)
    }),
    retry: enqueueActions(({ context }) => retry(context.book)),
    finishStep: enqueueActions(({ context: { book }, event, enqueue }) => {
      if (event.type !== 'step.done' && event.type !== 'step.failed') return
      const { step } = event
      const isCurrent = book.busy.get(step.id) === step
      if (event.type === 'step.done') introduce(book, step)
      finish(book, step, event.actual)
      if (!isCurrent || (event.type === 'step.done' && !isFruitless(book, step))) return
      const failure =
        event.type === 'step.failed' ? event : { code: 'PROCMAN_INTERNAL', message: `${step.kind} of process ${step.id} has changed nothing (${step.reason})` }
      const trouble = fail(book, { id: step.id, step: step.kind, code: failure.code, message: failure.message }, event.type === 'step.failed')
      if (trouble === null) return
      enqueue.emit({ type: 'reconciler.failed', ...trouble })
      enqueue.assign({ retryAtMs: event.atMs + RETRY_MS })
    }),
    act: enqueueActions(({ context, enqueue }) => {
      const { steps, refused } = takeTurn(context.book)
      for (const trouble of refused) enqueue.emit({ type: 'reconciler.failed', ...trouble })
      for (const step of steps) {
        enqueue.emit({ type: 'reconciler.step', id: step.id, step: step.kind, reason: step.reason })
        enqueue.sendTo('executor', { type: 'step.do', step })
      }
    }),
    tellSteady: emit(({ context: { book } }) => ({
      type: 'reconciler.steady' as const,
      waiting: [...book.waiting.keys()],
      failed: [...book.troubles.keys()],
    })),
  },
})

const whileReconciling = {
  'desired.given': { target: '#reconciler.converging', reenter: true, actions: ['takeDeclared', 'tellPlan'] },
  'processes.changed': { actions: ['see', 'act'] },
  'step.done': { actions: ['finishStep', 'act'] },
  'step.failed': { actions: ['finishStep', 'act'] },
} as const

const whileDraining = {
  'desired.given': { actions: 'takeDeclared' },
  'processes.changed': { actions: ['see', 'act'] },
  'step.done': { actions: ['finishStep', 'act'] },
  'step.failed': { actions: ['finishStep', 'act'] },
} as const

export const reconcilerMachine = base.createMachine({
  id: 'reconciler',
  context: ({ input }) => ({ book: newBook(input.origin), failure: null, killAtMs: 0, retryAtMs: 0 }),
  invoke: [
    // Before the provider: what there is is known by the time that something is declared.
    { id: 'processes', src: 'processes', input: undefined },
    { id: 'executor', src: 'executor', input: undefined },
    { id: 'provider', src: 'provider', input: undefined },
  ],
  initial: 'waiting',
  on: {
    'desired.failed': { actions: ['recordFailure', 'tellFailure'] },
    'reconciler.reconcile': { target: '.converging', actions: ['ask', 'tellPlan'] },
    'reconciler.drain': { target: '.draining', actions: ['drain', 'tellPlan'] },
    'reconciler.close': '.closed',
  },
  states: {
    /** Nobody has told what is to be there, or nobody has asked for it. */
    waiting: {
      always: { guard: 'isToBegin', target: 'converging', actions: 'tellPlan' },
      on: {
        'desired.given': { actions: 'takeDeclared' },
        'processes.changed': { actions: 'see' },
        'reconciler.reconcile': { actions: 'ask' },
      },
    },
    converging: {
      entry: 'act',
      on: whileReconciling,
      always: [
        { guard: 'isQuietInTrouble', target: 'troubled' },
        { guard: 'isQuiet', target: 'steady' },
      ],
    },
    steady: {
      entry: 'tellSteady',
      on: whileReconciling,
      always: { guard: 'isBusy', target: 'converging' },
    },
    /** As steady, with something that could not be done. */
    troubled: {
      entry: 'tellSteady',
      invoke: { id: 'waitUntil', src: 'waitUntil', input: ({ context }) => ({ atMs: context.retryAtMs, atMostMs: RETRY_MS }) },
      on: { ...whileReconciling, 'deadline.passed': { target: 'converging', actions: 'retry' } },
      always: { guard: 'isBusy', target: 'converging' },
    },
    draining: {
      entry: 'act',
      invoke: { id: 'waitUntil', src: 'waitUntil', input: ({ context }) => ({ atMs: context.killAtMs }) },
      on: { ...whileDraining, 'deadline.passed': { actions: ['force', 'act'] } },
      always: { guard: 'isQuiet', target: 'drained' },
    },
    drained: {
      entry: 'tellSteady',
      on: { ...whileDraining, 'processes.changed': { actions: 'see' } },
    },
    closed: { type: 'final' },
  },
})

export type ReconcilerMachine = typeof reconcilerMachine
