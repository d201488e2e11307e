/** Asking a manager for something once: without a client's copy of all processes, and without loading what that needs. */
import { request as httpRequest } from 'node:http'
import { remoteManager } from '../control/client/remote-manager.ts'
import { API_VERSION, type RemoteManager, SOCKET_NAME, VERSION_HEADER } from '../control/contract.ts'
import { fromErrorBody } from '../control/errors.ts'
import { shortPathOf } from '../control/short-path.ts'
import { isProcmanError, ProcmanError } from '../errors.ts'

/** @throws what the manager answers, PROCMAN_MANAGER_UNREACHABLE: each of its methods */
export function askManager(stateDir: string): RemoteManager {
  return remoteManager(async (method, path, body) => {
    const short = shortPathOf(stateDir, SOCKET_NAME)
    try {
      const { status, text } = await send(short.path, method, path, body)
      if (status !== 200) throw fromErrorBody(parsed(text), status)
      return parsed(text)
    } catch (error) {
      throw isProcmanError(error) ? error : unreachable(stateDir, error)
    } finally {
      short.release()
    }
  })
}

function send(socketPath: string, method: string, path: string, body: object | undefined): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const asked = httpRequest({ socketPath, method, path, agent: false, headers: { host: 'localhost', [VERSION_HEADER]: API_VERSION, ...type } }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
      answer.on('error', reject)
    })
    asked.on('error', reject)
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unreachable(stateDir: string, error: unknown): ProcmanError {
  const { code, message } = error instanceof Error ? (error as NodeJS.ErrnoException) : { code: undefined, message: String(error) }
  return new ProcmanError('PROCMAN_MANAGER_UNREACHABLE', `the manager of ${stateDir} cannot be reached, or was lost: ${message}`, {
    details: { stateDir, errno: code },
    cause: error,
  })
}
