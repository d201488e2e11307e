/** Executes a command below the keeper program, which leaves nothing of its tree behind: neither when it is told to, nor when the manager dies. */
import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { errnoOf } from '../../files.ts'
import { type End, endIn } from '../run/run-files.ts'
import type { CommandLine, Execution } from './execution.ts'

/** @param program the path of a keeper that has the mode `guard` */
export function executeGuarded({ command, args, cwd, env }: CommandLine, program: string): Execution {
  const guard = spawn(program, ['guard', command, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'], detached: true })
  // One that could not be started may have no pipes.
  const link = guard.stdio?.[3] as Socket | null | undefined
  const failure = new Promise<End>((resolve) => {
    guard.once('error', (error) => resolve({ kind: 'launch-failed', step: 'keeper', errno: errnoOf(error) }))
  })
  const gone = Promise.race([failure, new Promise((resolve) => guard.once('exit', resolve))])
  return {
    outputs: [guard.stdout, guard.stderr],
    ended: Promise.race([failure, ...(link ? [reportOn(link)] : [])]),
    gone,
    kill() {
      link?.destroy()
      return gone
    },
  }
}

function reportOn(link: Socket): Promise<End> {
  return new Promise((resolve) => {
    let text = ''
    link
      .on('data', (chunk) => {
        text += chunk
        if (text.endsWith('\n')) resolve(endIn(text))
      })
      // It closes, too.
      .on('error', () => {})
      .once('close', () => resolve({ kind: 'unknown', reason: 'the guard of the command was killed' }))
  })
}
