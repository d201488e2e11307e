/** Decides which environment variables are secrets, by name, and hides their values wherever something is shown. */

const SECRET_NAME =
  /password|passwd|passphrase|pass(_|$)|_pwd$|secret|token(?!iz)|jwt|bearer|credential|creds(_|$)|conn(ection)?_?str|private|api_?key|access_?key|auth(?!or(_|$)|_sock$)|cookie|session_?key|_key$|^key$|_pat$|dsn$/i
const URL_PASSWORD = /(\/\/[^/\s:@]*:)[^/\s@]+(?=@)/g

export const REDACTED = '***'

/** @returns the same variables; values of names that look secret, and passwords inside URLs, replaced by `***`. */
export function redactEnv(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, isSecretName(name) ? REDACTED : redactUrl(value)]))
}

/** However its words are put together: API_KEY, x-api-key, apiKey. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name.replace(/([a-z])([A-Z])/g, '$1_$2').replaceAll('-', '_'))
}

/** Hides the password in a URL. */
export function redactUrl(value: string): string {
  return value.replace(URL_PASSWORD, `$1${REDACTED}`)
}

/** The same JSON; texts and numbers under names that look secret replaced by `***`, wherever they are. */
export function redactJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redactJson)
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? redactUrl(value) : value
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [
      name,
      isSecretName(name) && (typeof part === 'string' || typeof part === 'number') ? REDACTED : redactJson(part),
    ]),
  )
}
