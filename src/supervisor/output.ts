/** Which output there is to wait for: that of the run that is up. */
import type { Recorder } from '../effects/logs/arrivals/recorder.ts'
import type { LogStream } from '../effects/logs/contract.ts'
import { readChild, recordedRunsIn } from '../effects/run/run-files.ts'
import type { Slices } from '../persistence/slices.ts'
import type { ActorSnapshot } from './wait.ts'

const STREAMS = ['stdout', 'stderr'] as const

interface StartedRun {
  readonly run: number
  readonly stdout: number
  readonly stderr: number
  readonly startedAtMs: number
}

/** Where runs began, of all whose run files are there, ascending by run. */
export function startedRunsIn(jobDir: string): readonly StartedRun[] {
  return recordedRunsIn(jobDir).flatMap((run) => {
    const child = readChild(jobDir, run)
    return child === null ? [] : [{ run, stdout: child.stdout, stderr: child.stderr, startedAtMs: child.atMs }]
  })
}

/** There is nothing to look at of what nobody keeps, nor of what a keeper holds in memory; one that cannot do that has put it into files. */
function streamsInFiles(jobDir: string, { run, spec }: ActorSnapshot['context']): readonly LogStream[] {
  return STREAMS.filter((stream) => {
    const capture = spec.logs[stream]
    return capture === 'files' || (capture === 'memory' && (readChild(jobDir, run)?.[`${stream}Fd`] ?? null) === null)
  })
}

export interface OutputPorts {
  jobDirOf(id: string): string
  readonly recorder: Recorder
  readonly slices: Slices
  readonly restored: Promise<void>
}

/** @returns to be told each state of the process, and whether it was found so. What takes time is done in slices, once everything is taken in: nobody waits for it */
export function followRuns(id: string, { jobDirOf, recorder, slices, restored }: OutputPorts): (snapshot: ActorSnapshot, isFound: boolean) => void {
  let up = 0
  return (snapshot, isFound) => {
    const { run, identity } = snapshot.context
    const now = snapshot.hasTag('alive') && (identity !== null || isFound) ? run : 0
    if (now === up) return
    up = now
    if (now === 0) return slices.run(() => recorder.end(id))
    recorder.begin(id, now, isFound, streamsInFiles(jobDirOf(id), snapshot.context))
    if (isFound) void restored.then(() => slices.run(() => recorder.lookAt(id)))
  }
}
