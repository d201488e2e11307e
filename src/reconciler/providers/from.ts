/** Providers made of what a program has at hand. */
import type { DesiredProcess, DesiredStateProvider } from '../../desired.ts'
import { callSource, iterableSource, listSource, type SourceOptions } from './source.ts'

/** What should exist never changes. */
export function fromList(processes: readonly DesiredProcess[], options: SourceOptions = {}): DesiredStateProvider {
  return listSource(processes, options)
}

/** Called at once, and again at each `refresh`. What it throws is told, and what it said before holds. */
export function fromFunction(call: () => readonly DesiredProcess[] | Promise<readonly DesiredProcess[]>, options: SourceOptions = {}): DesiredStateProvider {
  return callSource(call, options)
}

/** Each item is the whole list. When it ends, the last one holds; what it throws is told. Its `return` is called when the reconciler is closed. */
export function fromAsyncIterable(iterable: AsyncIterable<readonly DesiredProcess[]>, options: SourceOptions = {}): DesiredStateProvider {
  return iterableSource(iterable, options)
}
