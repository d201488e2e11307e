/** Begins a run: writes down what it is to execute, has a keeper started for it, and tells when there is something to see. */
import { existsSync } from 'node:fs'
import { errnoOf } from '../../files.ts'
import type { Bell } from './keeper-starter.ts'
import type { RunPorts } from './ports.ts'
import { hasIntent, runFile, writeIntent } from './run-files.ts'

export interface AskedRun {
  readonly ports: RunPorts
  readonly id: string
  readonly run: number
  readonly jobDir: string
  readonly token: string
}

/** What comes of it. The truth is in the run files. */
export interface Answers {
  /** A keeper says that the command is being executed. Told before `look`. */
  launched(): void
  look(): void
  failed(step: 'intent' | 'keeper', errno: string): void
}

const CLAIM_LOOK_MS = 20

/**
 * The intent is on disk before the keeper is asked for: from then on the run is known, also to a manager whose snapshot does not speak of it yet.
 * Nothing is answered before this returns. @returns a function after which nothing is done or answered any more
 */
export function askForKeeper(asked: AskedRun, answers: Answers): () => void {
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
    if (bell.kind === 'failed') answers.failed('keeper', bell.errno)
    else ports.inTurn(look)
  }
  ports.inTurn(() => {
    if (isOver) return
    try {
      putIntent(asked)
    } catch (error) {
      return answers.failed('intent', errnoOf(error))
    }
    try {
      forget = ports.starter.start(jobDir, run, token, heard)
    } catch (error) {
      answers.failed('keeper', errnoOf(error))
    }
  })
  return () => {
    isOver = true
    clearInterval(looker)
    forget?.()
  }
}

function putIntent({ ports, id, run, jobDir, token }: AskedRun): void {
  const spec = ports.specOf(id)
  const intent = { token, spec, env: ports.environmentOf(spec, run) }
  try {
    writeIntent(jobDir, run, intent)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || !ports.putBack(id)) throw error
    writeIntent(jobDir, run, intent)
  }
}
