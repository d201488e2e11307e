/** Begins a run: writes down what it is to execute, has a keeper started for it, and tells when there is something to see. */
import { existsSync } from 'node:fs'
import { errnoOf } from '../../files.ts'
import { hasIntent, type Intent, readIntent, writeIntent } from './intent-file.ts'
import type { Bell } from './keeper-starter.ts'
import type { RunPorts } from './ports.ts'
import { runFile } from './run-files.ts'

type Ports = Readonly<Record<string, number>>

export interface AskedRun {
  readonly ports: RunPorts
  readonly id: string
  readonly run: number
  readonly jobDir: string
  readonly token: string
}

/** What comes of it. The truth is in the run files. */
export interface Answers {
  /** The ports that it is to be launched with. Told before anything else, and only where the process has any. */
  assigned(ports: Ports): void
  /** A keeper says that the command is being executed. Told before `look`. */
  launched(): void
  look(): void
  failed(failure: Failure): void
}

export interface Failure {
  readonly step: 'intent' | 'keeper' | 'port' | 'template'
  readonly errno: string
  /** What is wrong, where it is not a file of ours. */
  readonly detail?: string
}

const CLAIM_LOOK_MS = 20

/**
 * The intent is on disk before the keeper is asked for: from then on the run is known, also to a manager whose snapshot does not speak of it yet.
 * Nothing is answered before this returns. @returns a function after which nothing is done or answered any more
 */
export function askForKeeper(asked: AskedRun, answers: Answers): () => void {
  const { ports, id, run, jobDir } = asked
  let isOver = false
  let end: (() => void) | undefined
  const begin = (assigned?: Ports) => {
    if (!isOver) end = ask(asked, assigned, answers)
  }
  if (ports.hasPorts(id)) {
    ports.assignPorts(id, readIntent(jobDir, run)?.ports ?? null).then(
      (assigned) => {
        if (!isOver) answers.assigned(assigned)
        begin(assigned)
      },
      (error: Error & { readonly errno?: string }) => {
        if (!isOver) answers.failed({ step: 'port', errno: error.errno ?? 'EADDRINUSE', detail: error.message })
      },
    )
  } else begin()
  return () => {
    isOver = true
    end?.()
  }
}

function ask(asked: AskedRun, assigned: Ports | undefined, answers: Answers): () => void {
  const { ports, run, jobDir, token } = asked
  let isOver = false
  let forget: (() => void) | undefined
  const look = () => {
    if (!isOver) answers.look()
  }
  // A keeper that an earlier manager has asked for may come first: it does not ring here.
  const looker = hasIntent(jobDir, run) ? setInterval(() => existsSync(runFile(jobDir, run, 'claim')) && look(), CLAIM_LOOK_MS) : undefined
  const heard = (bell: Bell) => {
    if (isOver) return
    if (bell.kind === 'launched') answers.launched()
    // Hundreds may ring at once.
    if (bell.kind === 'failed') answers.failed({ step: 'keeper', errno: bell.errno })
    else ports.inTurn(look)
  }
  ports.inTurn(() => {
    if (isOver) return
    const failure = putIntent(asked, assigned)
    if (failure !== null) return answers.failed(failure)
    try {
      forget = ports.starter.start(jobDir, run, token, heard)
    } catch (error) {
      answers.failed({ step: 'keeper', errno: errnoOf(error) })
    }
  })
  return () => {
    isOver = true
    clearInterval(looker)
    forget?.()
  }
}

/** @returns why it could not be written down */
function putIntent({ ports, id, run, jobDir, token }: AskedRun, assigned: Ports | undefined): Failure | null {
  let intent: Intent
  try {
    intent = { token, ports: assigned ?? {}, ...ports.launchOf(id, run, assigned) }
  } catch (error) {
    return { step: 'template', errno: 'EINVAL', detail: error instanceof Error ? error.message : String(error) }
  }
  try {
    try {
      writeIntent(jobDir, run, intent)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || !ports.putBack(id)) throw error
      writeIntent(jobDir, run, intent)
    }
    return null
  } catch (error) {
    return { step: 'intent', errno: errnoOf(error) }
  }
}
