/** The machine in a world without processes: steps are carried out when the test says so, in the order that it chooses. */
import { createActor, fromCallback } from 'xstate'
import type { Step } from '../../../src/machines/reconciler/book.ts'
import { changeBetween } from '../../../src/machines/reconciler/change.ts'
import type { ExecutorCommand, ReconcilerEmitted, ReconcilerEvent } from '../../../src/machines/reconciler/events.ts'
import type { Actual, Declared, Facts } from '../../../src/machines/reconciler/facts.ts'
import { reconcilerMachine } from '../../../src/machines/reconciler/machine.ts'
import { as, ORIGIN } from './fixtures.ts'

export class World {
  readonly processes = new Map<string, Actual>()
  /** Begun, and not finished yet. */
  readonly steps: Step[] = []
  readonly told: ReconcilerEmitted[] = []
  /** Called with each step as it begins. */
  onStep: (step: Step) => void = () => {}
  deadlines = 0
  /** How often the effects were begun that go on as long as the reconciler. */
  begun = 0
  readonly actor

  constructor(processes: readonly Actual[] = []) {
    for (const each of processes) this.processes.set(each.spec.id, each)
    this.actor = createActor(
      reconcilerMachine.provide({
        actors: {
          provider: fromCallback(() => {}),
          processes: fromCallback(({ sendBack }) => {
            this.begun++
            sendBack({ type: 'processes.changed', changes: [...this.processes].map(([id, actual]) => ({ id, actual })) })
          }),
          executor: fromCallback(({ receive }) => {
            receive((command) => {
              const { step } = command as ExecutorCommand
              this.steps.push(step)
              this.onStep(step)
            })
          }),
          waitUntil: fromCallback(() => {
            this.deadlines++
          }),
        },
      }),
      { input: { origin: ORIGIN } },
    )
    this.actor.on('*', (event) => this.told.push(event))
    this.actor.start()
  }

  get state() {
    return this.actor.getSnapshot().value
  }

  send(event: ReconcilerEvent): void {
    this.actor.send(event)
  }

  declare(...declared: readonly Declared[]): void {
    this.send({ type: 'desired.given', declared, disabled: [] })
  }

  reconcile({ startDown = false, replace = false } = {}): void {
    this.send({ type: 'reconciler.reconcile', startDown, replace })
  }

  /** Something happens to a process. */
  become(id: string, record: Facts): void {
    const known = this.processes.get(id)
    if (known === undefined) throw new Error(`there is no ${id}`)
    this.#set(id, { ...known, record })
  }

  /** Null: it is removed. */
  #set(id: string, actual: Actual | null): void {
    if (actual === null) this.processes.delete(id)
    else this.processes.set(id, actual)
    this.send({ type: 'processes.changed', changes: [{ id, actual }] })
  }

  remove(id: string): void {
    this.#set(id, null)
  }

  add(actual: Actual): void {
    this.#set(actual.spec.id, actual)
  }

  /** Finishes one of the steps that are going on. @param record what a launch leads to */
  finish(step: Step, record: Facts = as.healthy): void {
    this.steps.splice(this.steps.indexOf(step), 1)
    const code = this.#carryOut(step, record)
    const now = { step, actual: this.processes.get(step.id) ?? null, atMs: 0 }
    this.send(code === null ? { type: 'step.done', ...now } : { type: 'step.failed', ...now, code, message: `${step.kind} is refused` })
  }

  fail(step: Step, code: string, record?: Facts): void {
    this.steps.splice(this.steps.indexOf(step), 1)
    if (record !== undefined) this.become(step.id, record)
    this.send({ type: 'step.failed', step, actual: this.processes.get(step.id) ?? null, code, message: `${step.kind} has failed`, atMs: 0 })
  }

  /** Finishes all steps, also those that come of it. @returns them as "launch web" */
  settle(): readonly string[] {
    const done: string[] = []
    for (let step = this.steps[0]; step !== undefined; step = this.steps[0]) {
      done.push(`${step.kind} ${step.id}`)
      this.finish(step)
    }
    return done
  }

  /** @returns why it is refused, as the supervisor would: somebody was faster */
  #carryOut(step: Step, launched: Facts): string | null {
    const known = this.processes.get(step.id)
    if (step.kind === 'create') {
      if (known !== undefined) return 'PROCMAN_PROCESS_EXISTS'
      this.#set(step.id, { spec: step.declared.spec, record: as.pending })
      return null
    }
    if (known === undefined) return 'PROCMAN_PROCESS_UNKNOWN'
    const { record } = known
    const isDown = record.state === 'pending' || record.state === 'exited' || record.state === 'orphaned'
    if (!isDown && (step.kind === 'hold' || step.kind === 'remove' || (step.kind === 'launch' && record.state !== 'backoff'))) return 'PROCMAN_WRONG_STATE'
    switch (step.kind) {
      case 'update': {
        const isRelaunched = changeBetween(known.spec, step.declared.spec)?.restarts && !isDown
        this.#set(step.id, { spec: step.declared.spec, record: isRelaunched ? { ...launched, run: record.run + 1 } : record })
        break
      }
      case 'hold':
        this.become(step.id, { ...record, waiting_for: step.text })
        break
      case 'launch':
        this.become(step.id, { ...launched, run: record.run + 1 })
        break
      case 'stop':
      case 'kill':
        if (!isDown || record.state === 'pending') this.become(step.id, { ...as.cancelled, run: record.run })
        break
      case 'remove':
        this.#set(step.id, null)
    }
    return null
  }
}
