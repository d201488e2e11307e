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
    this.#carryOut(step, record)
    this.send({ type: 'step.done', step, actual: this.processes.get(step.id) ?? null, atMs: 0 })
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

  #carryOut(step: Step, launched: Facts): void {
    const known = this.processes.get(step.id)
    if (step.kind === 'create') {
      if (known !== undefined) throw new Error(`${step.id} is there`)
      return this.#set(step.id, { spec: step.declared.spec, record: as.pending })
    }
    if (known === undefined) throw new Error(`there is no ${step.id} to ${step.kind}`)
    const { record } = known
    const isDown = record.state === 'pending' || record.state === 'exited' || record.state === 'orphaned'
    switch (step.kind) {
      case 'update':
        return this.#set(step.id, {
          spec: step.declared.spec,
          record: changeBetween(known.spec, step.declared.spec)?.restarts && !isDown ? { ...launched, run: record.run + 1 } : record,
        })
      case 'hold':
        if (!isDown) throw new Error(`${step.id} is ${record.state}`)
        return this.become(step.id, { ...record, waiting_for: step.text })
      case 'launch':
        if (!isDown) throw new Error(`${step.id} is ${record.state}`)
        return this.become(step.id, { ...launched, run: record.run + 1 })
      case 'stop':
      case 'kill':
        return isDown && record.state !== 'pending' ? undefined : this.become(step.id, { ...as.cancelled, run: record.run })
      case 'remove':
        if (!isDown) throw new Error(`${step.id} is ${record.state}`)
        return this.#set(step.id, null)
    }
  }
}
