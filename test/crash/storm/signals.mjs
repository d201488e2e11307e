// Names of signals: of two for one number, the one that is meant (SIGIOT is SIGABRT).
import { constants } from 'node:os'

const ALIASES = ['SIGIOT', 'SIGPOLL', 'SIGCLD', 'SIGUNUSED']
const NAMES = new Map(Object.entries(constants.signals).flatMap(([name, number]) => (ALIASES.includes(name) ? [] : [[number, name]])))

export function signalName(number) {
  return NAMES.get(number) ?? `SIG${number}`
}
