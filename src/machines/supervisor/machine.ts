/** The root actor: opens a state directory, holds every process in it, and lets go or stops everything. Wiring only. */
import { assign, emit, enqueueActions, sendTo, setup } from 'xstate'
import type { DeadlineInput } from '../../effects/deadline/contract.ts'
import type { ProcessSpec } from '../../types.ts'
import { placeholder } from '../placeholder.ts'
import type { ProcessEmitted } from '../process/events.ts'
import type { RegistryEvent, RegistryLogic, RegistryReport } from './registry.ts'

export interface SupervisorContext {
  readonly stateDir: string
  /** Why the directory could not be opened. */
  readonly refusal: { readonly code: string; readonly message: string; readonly details: Readonly<Record<string, unknown>> } | null
  /** When a shutdown stops waiting for politeness, ms since 1970. */
  readonly killAtMs: number | null
}

/** What the effect that holds the directory found. */
export type DirectoryFact =
  | { readonly type: 'directory.found'; readonly id: string; readonly snapshot: object }
  | { readonly type: 'directory.opened' }
  | ({ readonly type: 'directory.refused' } & NonNullable<SupervisorContext['refusal']>)
  /** Another manager has it: nothing may be written to it any more. */
  | { readonly type: 'directory.lost'; readonly message: string }
  | { readonly type: 'directory.damaged'; readonly id: string | null; readonly path: string; readonly message: string }

export type SupervisorCommand =
  | { readonly type: 'supervisor.add'; readonly spec: ProcessSpec; readonly atMs: number }
  | { readonly type: 'supervisor.remove'; readonly id: string }
  | { readonly type: 'supervisor.close' }
  | { readonly type: 'supervisor.shutdown'; readonly atMs: number; readonly killAtMs: number }

export type SupervisorEvent = SupervisorCommand | DirectoryFact | RegistryReport | { readonly type: 'deadline.passed'; readonly atMs: number }

/** Everything that any process emits, and what went wrong with one without harming the others. */
export type SupervisorEmitted =
  | ProcessEmitted
  | { readonly type: 'process.damaged'; readonly id: string | null; readonly path: string | null; readonly message: string }

const registryPlaceholder = placeholder<RegistryEvent, undefined>('registry') as unknown as RegistryLogic

export const supervisorMachine = setup({
  types: { input: {} as { readonly stateDir: string }, context: {} as SupervisorContext, events: {} as SupervisorEvent, emitted: {} as SupervisorEmitted },
  actors: {
    registry: registryPlaceholder,
    directory: placeholder<{ type: 'none' }, { readonly stateDir: string }>('directory'),
    waitUntil: placeholder<{ type: 'none' }, DeadlineInput>('waitUntil'),
  },
  actions: {
    addProcess: enqueueActions(({ event, enqueue }) => {
      if (event.type === 'supervisor.add') enqueue.sendTo('registry', { type: 'registry.add', spec: event.spec, createdAtMs: event.atMs })
    }),
    restoreProcess: enqueueActions(({ event, enqueue }) => {
      if (event.type === 'directory.found') enqueue.sendTo('registry', { type: 'registry.restore', id: event.id, snapshot: event.snapshot })
    }),
    removeProcess: enqueueActions(({ event, enqueue }) => {
      if (event.type === 'supervisor.remove') enqueue.sendTo('registry', { type: 'registry.remove', id: event.id })
    }),
    passOn: emit(({ event }) => {
      if (event.type !== 'registry.emitted') throw new Error(`internal: ${event.type} is not for passing on`)
      return event.event
    }),
    tellDamage: emit(({ event }) => damageOf(event)),
    recordRefusal: assign(({ event }) =>
      event.type === 'directory.refused' ? { refusal: { code: event.code, message: event.message, details: event.details } } : {},
    ),
    planKill: assign(({ event }) => (event.type === 'supervisor.shutdown' ? { killAtMs: event.killAtMs } : {})),
    stopAll: sendTo('registry', ({ event }) => ({ type: 'registry.stop-all' as const, atMs: 'atMs' in event ? event.atMs : 0 })),
    killAll: sendTo('registry', ({ event }) => ({ type: 'registry.stop-all' as const, atMs: 'atMs' in event ? event.atMs : 0, timeoutMs: 0 })),
    releaseAll: sendTo('registry', { type: 'registry.release' }),
  },
}).createMachine({
  id: 'supervisor',
  context: ({ input }) => ({ stateDir: input.stateDir, refusal: null, killAtMs: null }),
  invoke: [
    { id: 'registry', src: 'registry', input: undefined },
    { id: 'directory', src: 'directory', input: ({ context }) => ({ stateDir: context.stateDir }) },
  ],
  initial: 'opening',
  on: {
    'registry.emitted': { actions: 'passOn' },
    'registry.failed': { actions: 'tellDamage' },
    'directory.damaged': { actions: 'tellDamage' },
    // Also late: what could not be read when the directory was opened.
    'directory.found': { actions: 'restoreProcess' },
    'directory.lost': { target: '.closed', actions: 'tellDamage' },
    'supervisor.close': '.closed',
  },
  states: {
    opening: {
      on: {
        'directory.opened': 'managing',
        'directory.refused': { target: 'refused', actions: 'recordRefusal' },
      },
    },
    managing: {
      tags: 'open',
      on: {
        'supervisor.add': { actions: 'addProcess' },
        'supervisor.remove': { actions: 'removeProcess' },
        'supervisor.shutdown': { target: 'draining', actions: 'planKill' },
      },
    },
    draining: {
      entry: 'stopAll',
      invoke: { id: 'waitUntil', src: 'waitUntil', input: ({ context }) => ({ atMs: context.killAtMs ?? 0 }) },
      on: {
        'deadline.passed': { actions: 'killAll' },
        'registry.settled': 'drained',
      },
    },
    drained: {},
    closed: { entry: 'releaseAll', type: 'final' },
    refused: { type: 'final' },
  },
})

export type SupervisorMachine = typeof supervisorMachine

function damageOf(event: SupervisorEvent): SupervisorEmitted {
  if (event.type === 'registry.failed') return { type: 'process.damaged', id: event.id, path: null, message: event.message }
  if (event.type === 'directory.damaged') return { ...event, type: 'process.damaged' }
  if (event.type === 'directory.lost') return { type: 'process.damaged', id: null, path: null, message: event.message }
  throw new Error(`internal: ${event.type} tells of no damage`)
}
