/** How a run ended, in words. */
import type { LaunchFailure, Outcome } from '../../types.ts'

/** One sentence about how a run ended. Whether that is a failure is for its policy to say: code 0 is told like any other. */
export function describeFailure(outcome: Outcome, command: string, cwd: string): string {
  switch (outcome.kind) {
    case 'code':
      return `exited with code ${outcome.code}`
    case 'signal':
      return `ended by ${outcome.signal}${outcome.core ? ' (core dumped)' : ''}`
    case 'launch-failed':
      return describeLaunchFailure(outcome, command, cwd)
    case 'not-started':
      return 'stopped before it was executed'
    case 'unknown':
      return `how it ended is not known: ${outcome.reason}`
  }
}

function describeLaunchFailure({ step, errno, path, detail }: LaunchFailure, command: string, cwd: string): string {
  const place = path === undefined ? '' : ` in ${JSON.stringify(path)}`
  const quoted = JSON.stringify(command)
  if (detail !== undefined) return detail
  if (step === 'port') return `no port is to be had (${errno})`
  if (step === 'template') return `a template cannot be filled in (${errno})`
  if (step === 'cwd') return `working directory ${JSON.stringify(cwd)} cannot be entered (${errno})`
  if (step === 'interpreter') return `interpreter of ${quoted} not found (${errno}): look at its #! line`
  if (step === 'log') return `a log file, stdin or its descriptor${place} cannot be opened (${errno})`
  if (step === 'fork') return `no new process can be made (${errno})`
  if (step === 'intent') return `the run could not be written down${place} (${errno})`
  if (step === 'keeper') return `no keeper can be started${place} (${errno})`
  if (errno === 'ENOENT' || errno === 'ENOTDIR') return `command ${quoted} not found (${errno})`
  if (errno === 'EACCES' || errno === 'EPERM') return `command ${quoted} is not executable (${errno})`
  if (errno === 'ENOEXEC') return `command ${quoted} is not a program of this machine, and a script needs a #! line (${errno})`
  if (errno === 'E2BIG') return `arguments and environment of ${quoted} are too long (${errno})`
  return `command ${quoted} cannot be executed (${errno})`
}
