/** The reconciler of one project, which is told what is declared whenever its file was read. */
import type { Supervisor } from '../api.ts'
import type { Project } from '../config/contract.ts'
import type { DesiredStateObserver, DesiredStateProvider } from '../desired.ts'
import { createReconciler, planProcesses, type Reconciler } from '../reconciler.ts'
import type { ApplyReport, PlanLine } from './contract.ts'

export class Reconciling {
  readonly origin: string
  readonly #supervisor: Supervisor
  readonly #reconciler: Reconciler
  #observer: DesiredStateObserver | null = null

  /** @param name of where it is declared, for people */
  constructor(supervisor: Supervisor, origin: string, name: string) {
    this.#supervisor = supervisor
    this.origin = origin
    const provider: DesiredStateProvider = {
      name,
      watch: (observer) => {
        this.#observer = observer
        return () => {
          this.#observer = null
        }
      },
    }
    this.#reconciler = createReconciler({ supervisor, provider, origin })
  }

  /** Settles once all that can be done now is done. */
  async apply({ processes, disabled }: Project, how: { readonly startDown: boolean; readonly replace: boolean }): Promise<ApplyReport> {
    // Before anything is begun: what comes of it is told by what there was.
    const lines = planOf(this.#supervisor, this.origin, { processes, disabled }, how)
    this.#observer?.next(processes, { disabled })
    const { warnings, failures } = await this.#reconciler.apply(how)
    return { lines, warnings, failures }
  }

  drain(options: { readonly keep: boolean; readonly timeoutMs: number }): Promise<ApplyReport> {
    return this.#reconciler.drain(options)
  }

  close(): void {
    this.#reconciler.close()
  }
}

function planOf(
  supervisor: Supervisor,
  origin: string,
  { processes, disabled }: Pick<Project, 'processes' | 'disabled'>,
  how: { readonly startDown: boolean; readonly replace: boolean },
): readonly PlanLine[] {
  const actual = supervisor.list().map((record) => ({ record, spec: supervisor.ref(record.id).getSnapshot().context.spec }))
  return planProcesses({ origin, processes, disabled, actual, ...how })
}
