/** Who may ask what over TCP. Pure: the facts of a request in, a refusal or null out. On the Unix socket the permissions of the file decide. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { ProcmanError } from '../../errors.ts'

export interface Keys {
  readonly token: string
  readonly readToken?: string
}

export interface Asked {
  readonly method: string | undefined
  readonly host: string | undefined
  readonly origin: string | undefined
  readonly authorization: string | undefined
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']
const HARMLESS = ['GET', 'HEAD']
/** Of what somebody has sent, in answers and in the log. */
export const SHOWN_CHARS = 200

/** @param port where it was asked */
export function refusalOf(asked: Asked, port: number, keys: Keys): ProcmanError | null {
  // A page of the internet whose name has been made to point here shows itself by that name.
  if (!isOurs(asked.host, port)) return forbidden(`the host ${show(asked.host)} is not one of ${LOOPBACK.map((host) => `${host}:${port}`).join(', ')}`)
  if (asked.origin !== undefined && !isOurs(asked.origin.replace(/^https?:\/\//, ''), port)) return forbidden(`pages of ${show(asked.origin)} may not ask`)
  const [, given] = /^Bearer +(\S+)$/i.exec(asked.authorization ?? '') ?? []
  if (given === undefined) return unauthorized('a token is needed: Authorization: Bearer TOKEN')
  const isFull = isSame(given, keys.token)
  const isReading = keys.readToken !== undefined && isSame(given, keys.readToken)
  if (isFull) return null
  if (!isReading) return unauthorized('this token is not accepted')
  return HARMLESS.includes(asked.method ?? '') ? null : forbidden('with this token one may look, and change nothing')
}

function isOurs(host: string | undefined, port: number): boolean {
  return LOOPBACK.some((name) => host?.toLowerCase() === `${name}:${port}` || (port === 80 && host?.toLowerCase() === name))
}

/** Of the same length whatever is given, so that neither length nor time tells anything. */
function isSame(given: string, right: string): boolean {
  return timingSafeEqual(digest(given), digest(right))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function show(value: string | undefined): string {
  return value === undefined ? 'that is not told' : JSON.stringify(value.slice(0, SHOWN_CHARS))
}

function forbidden(message: string): ProcmanError {
  return new ProcmanError('PROCMAN_FORBIDDEN', message)
}

function unauthorized(message: string): ProcmanError {
  return new ProcmanError('PROCMAN_UNAUTHORIZED', message)
}
