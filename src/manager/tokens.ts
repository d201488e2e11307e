/** The tokens that the TCP listener asks for. */
import { randomBytes } from 'node:crypto'
import { chmodSync, lstatSync } from 'node:fs'
import { join } from 'node:path'
import { ProcmanError } from '../errors.ts'
import { errnoOf, readWhole, replaceFile } from '../files.ts'
import type { TokenOptions } from './daemon/protocol.ts'

/** Shorter ones could be guessed. */
const SHORTEST = 16

export interface Tokens {
  readonly token: string
  readonly readToken: string
}

/**
 * @param given a file of the user's is read and never written. In the state directory they are made where there are none: `control.token`, `control.read-token`.
 * @throws PROCMAN_INVALID_ARGUMENT for a file that holds none, or that others may read
 */
export function readTokens(stateDir: string, given: TokenOptions): Tokens {
  return {
    token: given.file === null ? ownToken(join(stateDir, 'control.token')) : tokenOf(given.file, 'token file'),
    readToken: given.readFile === null ? ownToken(join(stateDir, 'control.read-token')) : tokenOf(given.readFile, 'token file for reading'),
  }
}

function ownToken(path: string): string {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) replaceFile(path, `${randomBytes(32).toString('base64url')}\n`)
  else chmodSync(path, 0o600)
  return tokenOf(path, 'token file')
}

function tokenOf(path: string, what: string): string {
  const found = readable(path, what)
  const mode = lstatSync(path).mode & 0o077
  if (mode !== 0) throw refused(path, `the ${what} ${path} can be read or written by others: chmod 600 ${path}`)
  const token = found.trim()
  if (token.length < SHORTEST || /[^\x21-\x7e]/.test(token))
    throw refused(path, `the ${what} ${path} must hold one token of at least ${SHORTEST} letters, digits or signs, without spaces`)
  return token
}

function readable(path: string, what: string): string {
  try {
    const found = readWhole(path)
    if (found.kind === 'text') return found.text
    throw refused(path, `the ${what} ${path} cannot be read: ${found.kind === 'missing' ? 'there is none' : found.reason}`)
  } catch (error) {
    if (error instanceof ProcmanError) throw error
    throw refused(path, `the ${what} ${path} cannot be read (${errnoOf(error)})`)
  }
}

function refused(path: string, message: string): ProcmanError {
  return new ProcmanError('PROCMAN_INVALID_ARGUMENT', message, { details: { path } })
}
