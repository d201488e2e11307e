import { execFile } from 'node:child_process'
import { readStat } from '../run/identity.ts'

/** True while a process is stopped, by SIGSTOP or by a debugger; false also when there is none. */
export async function isSuspended(pid: number): Promise<boolean> {
  return process.platform === 'darwin' ? (await stateByPs(pid)).startsWith('T') : (readStat(pid)?.isStopped ?? false)
}

/** ps(1) fails when there is no such process: then it has no state. */
function stateByPs(pid: number): Promise<string> {
  return new Promise((resolve) => execFile('/bin/ps', ['-o', 'state=', '-p', String(pid)], (_error, stdout) => resolve(stdout.trim())))
}
