/** The effect that carries out steps: each is one call of the supervisor. */
import type { ProcessInput, Supervisor } from '../api.ts'
import { defineEffect, type EffectRegistry } from '../effects/effect.ts'
import { isProcmanError, ProcmanError } from '../errors.ts'
import type { Step } from '../machines/reconciler/book.ts'
import type { ExecutorCommand, Failure, ReconcilerEvent } from '../machines/reconciler/events.ts'
import type { Declared } from '../machines/reconciler/facts.ts'
import { look } from './look.ts'

export function carryOutSteps(registry: EffectRegistry, supervisor: Supervisor, inputOf: (declared: Declared) => ProcessInput) {
  return defineEffect<ExecutorCommand, undefined, ReconcilerEvent>(registry, ({ send, onCommand }) => {
    onCommand(({ step }) => {
      void attempt(supervisor, step, inputOf).then((failure) => {
        // There is nothing that could be reconciled any more.
        if (failure?.code === 'PROCMAN_CLOSED') return send({ type: 'reconciler.close' })
        const now = { step, actual: look(supervisor, step.id), atMs: Date.now() }
        send(failure === null ? { type: 'step.done', ...now } : { type: 'step.failed', ...now, ...failure })
      }, registry.onError)
    })
    return () => {}
  })
}

async function attempt(supervisor: Supervisor, step: Step, inputOf: (declared: Declared) => ProcessInput): Promise<Failure | null> {
  // Who gave the command may be in the middle of telling what has become of a process.
  await null
  try {
    await carryOut(supervisor, step, inputOf)
    return null
  } catch (error) {
    return failureOf(error)
  }
}

export function failureOf(error: unknown): Failure {
  if (isProcmanError(error)) return { code: error.code, message: error.message }
  return { code: 'PROCMAN_INTERNAL', message: error instanceof Error ? error.message : String(error) }
}

async function carryOut(supervisor: Supervisor, step: Step, inputOf: (declared: Declared) => ProcessInput): Promise<unknown> {
  const { id } = step
  // It is created down: who starts it is decided by what it depends on.
  if (step.kind === 'create') return supervisor.start({ ...inputOf(step.declared), autostart: false })
  // Methods take the beginning of an id, too.
  if (!supervisor.table.getSnapshot().context.processes.has(id)) {
    throw new ProcmanError('PROCMAN_PROCESS_UNKNOWN', `there is no process ${JSON.stringify(id)}`, { details: { id } })
  }
  switch (step.kind) {
    case 'update':
      return supervisor.update(id, inputOf(step.declared))
    case 'hold':
      return supervisor.hold(id, step.text)
    case 'launch':
      return supervisor.launch(id)
    case 'stop':
      return supervisor.stop(id)
    case 'kill':
      return supervisor.stop(id, { timeoutMs: 0 })
    case 'remove':
      return supervisor.remove(id)
  }
}
