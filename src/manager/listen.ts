/** Where a manager is to be reached beside its socket, and what is asked for there. */
import type { Project } from '../config/contract.ts'
import type { ListenOptions } from '../control/contract.ts'
import { parseListen } from './address.ts'
import type { TokenOptions } from './daemon/protocol.ts'
import { readTokens } from './tokens.ts'

/**
 * @param asked `--listen`; null: as the project says
 * @returns makes the tokens, once the state directory is ours; undefined: no listener
 * @throws PROCMAN_INVALID_ARGUMENT
 */
export function listenOptions(
  stateDir: string,
  asked: string | null,
  tokens: TokenOptions | undefined,
  project: Project | null,
): () => Promise<ListenOptions | undefined> {
  const port = project?.manager.port ?? null
  const address = asked !== null ? parseListen(asked) : port === null ? null : { host: '127.0.0.1', port }
  return async () => {
    if (address === null) return undefined
    return { ...address, ...readTokens(stateDir, tokens ?? { file: null, readFile: null }) }
  }
}
