/** Why a probe failed, in plain words. */

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'host not found (EAI_AGAIN)',
  ENODATA: 'host not found (ENODATA)',
  EHOSTUNREACH: 'host not reachable (EHOSTUNREACH)',
  ENETUNREACH: 'host not reachable (ENETUNREACH)',
  EADDRNOTAVAIL: 'host not reachable (EADDRNOTAVAIL)',
  ETIMEDOUT: 'connection not answered (ETIMEDOUT)',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate is self-signed (in its chain)',
  CERT_HAS_EXPIRED: 'certificate has expired',
  CERT_NOT_YET_VALID: 'certificate is not valid yet',
  CERT_REVOKED: 'certificate is revoked',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate is of an unknown issuer',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate is of an unknown issuer',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate is of an unknown issuer',
}

const KINDS: readonly (readonly [code: RegExp, words: (message: string, code: string) => string])[] = [
  [/^ERR_TLS_CERT_ALTNAME_/, (message) => `certificate is for another host: ${message.replace(/^.*?altnames: /, '')}`],
  [/^(CERT_|UNABLE_TO_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH)/, (message) => `certificate is not trusted: ${message}`],
  [/ALERT.*(CERTIFICATE|UNKNOWN_CA)/, (_, code) => `certificate of the client is refused (${code})`],
  [/^ERR_OSSL_/, (_, code) => `certificate or key cannot be used (${code})`],
  [/^(ERR_SSL_|EPROTO)/, (_, code) => `no valid TLS answer (${code})`],
  [/^(HPE_|HTTPParserError|UND_ERR_(?!INVALID_ARG))/, (message) => `no valid HTTP answer: ${message}`],
]

/** @param error whatever was thrown */
export function causeOf(error: unknown): string {
  const message = messageOf(error)
  // undici gives some answers that it cannot parse a name only.
  const code = codeOf(error) || (error instanceof Error ? error.name : '')
  return WORDS[code] ?? KINDS.find(([pattern]) => pattern.test(code))?.[1](message, code) ?? message
}

/** @returns '' when it has none */
export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code ?? '') : ''
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}

export function timeoutCause(timeoutMs: number): string {
  return `timeout after ${timeoutMs} ms`
}
