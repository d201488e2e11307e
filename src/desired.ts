/** Desired state: the processes that should exist, and who tells. The reconciler brings the supervisor's processes in line with it. */
import type { ProcessInput } from './api.ts'

/** A process that should exist. `autostart: false`: it should exist, and is started by nobody but a user. */
export interface DesiredProcess extends ProcessInput {
  readonly id: string
}

export interface DesiredStateObserver {
  /**
   * The whole desired state, each time. What is not in it is not wanted any more.
   * @param about `disabled`: ids of those that are declared and not wanted, for the reason that is told
   */
  next(processes: readonly DesiredProcess[], about?: { readonly disabled?: readonly string[] }): void
  /** It cannot be told now: nothing is changed, and why is told to whoever looks. */
  error(error: unknown): void
}

/** Tells what should exist, and tells it again whenever that changes. */
export interface DesiredStateProvider {
  /** Where it comes from, for people: a path, or a few words. */
  readonly name: string
  /**
   * Begins to tell: `next` or `error` is called at least once, soon, and then whenever there is something new.
   * @returns ends it: neither is called any more
   */
  watch(observer: DesiredStateObserver): () => void
  /** Has it told anew now, where that is possible: a file is read again, a function is called again. */
  refresh?(): void
}
