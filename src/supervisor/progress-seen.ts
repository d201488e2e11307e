/** The progress of a run, for the lock-free reader: also where no manager reads it, or has not written it down yet. */
import type { HealthFact } from '../effects/probe/contract.ts'
import { lookForProgress } from '../effects/progress/look.ts'
import type { RunFact } from '../effects/run/contract.ts'
import type { ProcessContext } from '../types.ts'

/** @returns the facts of the run, and before its end how far it is */
export function withProgress(
  place: { readonly jobDir: string; readonly run: number },
  { spec, progress: known }: ProcessContext,
  facts: readonly RunFact[],
): readonly (RunFact | HealthFact)[] {
  if (spec.progress === null || !facts.some(({ type }) => type === 'run.launched')) return facts
  const progress = lookForProgress(place, spec.progress, Date.now())
  // Who has seen it grow knows how fast it is.
  if (progress === null || (known !== null && known.percent === progress.percent && known.current === progress.current)) return facts
  const isEnd = ({ type }: RunFact) => type === 'run.exited' || type === 'run.ended'
  const fact: HealthFact = { type: 'run.progressed', run: place.run, progress, atMs: progress.atMs }
  return [...facts.filter((each) => !isEnd(each)), fact, ...facts.filter(isEnd)]
}
