/** What a probe asks, by its kind. */
import type { ProbeCheck } from '../types.ts'
import { type About, pathFrom } from './about.ts'
import { parseAddress } from './address.ts'
import { parseEnv } from './env.ts'
import { parseHttp } from './http.ts'
import { isFullText, isText, isTexts, Options } from './must.ts'
import { parseTls } from './tls.ts'

type ParseCheck = (given: unknown, place: string, about: About, problems: string[]) => ProbeCheck

/** All kinds but functions, which are kept beside the spec. */
export const CHECKS: Readonly<Record<'http' | 'tcp' | 'exec' | 'grpc', ParseCheck>> = { http: parseHttp, tcp: parseTcp, exec: parseExec, grpc: parseGrpc }

function parseTcp(given: unknown, place: string, about: About, problems: string[]): ProbeCheck {
  const { host, port } = parseAddress(given, place, [], about, problems)
  return { kind: 'tcp', host, port }
}

function parseGrpc(given: unknown, place: string, about: About, problems: string[]): ProbeCheck {
  const { host, port, options } = parseAddress(given, place, ['service', 'tls'], about, problems)
  return { kind: 'grpc', host, port, service: options.read('service', 'the name of a service', isText, ''), tls: parseTls(options) }
}

function parseExec(given: unknown, place: string, about: About, problems: string[]): ProbeCheck {
  const [command, ...args] = isTexts(given) ? given : []
  const asked = Array.isArray(given) && isTexts(given) ? { command, args } : given
  const options = new Options(asked, place, ['command', 'args', 'cwd', 'env'], problems)
  const cwd = options.read('cwd', 'a path', isFullText, null)
  return {
    kind: 'exec',
    command: options.need('command', 'a non-empty string without NUL', isFullText, ''),
    args: [...options.read('args', 'strings without NUL', isTexts, [])],
    cwd: cwd === null ? null : pathFrom(about.cwd, cwd, about.template),
    env: parseEnv(options),
  }
}
