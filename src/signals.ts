/** Names and numbers of signals on this machine. */
import { constants } from 'node:os'

const BY_NAME = new Map<string, number>(Object.entries(constants.signals))
const BY_NUMBER = new Map<number, string>([...BY_NAME].reverse().map(([name, number]) => [number, name]))
BY_NUMBER.set(constants.signals.SIGABRT, 'SIGABRT')

const LINUX_FIRST_REALTIME = 34
const LINUX_LAST_REALTIME = 64

/** @returns `SIGTERM` for 15; `SIGRTMIN+n` for a realtime signal, `SIG<n>` for one without a name. */
export function signalName(number: number): string {
  const name = BY_NUMBER.get(number)
  if (name !== undefined) return name
  if (number >= LINUX_FIRST_REALTIME && number <= LINUX_LAST_REALTIME)
    return number === LINUX_FIRST_REALTIME ? 'SIGRTMIN' : `SIGRTMIN+${number - LINUX_FIRST_REALTIME}`
  return `SIG${number}`
}

/** @param name `SIGTERM`, `TERM`, `15`, in any case @returns null when this machine has no such signal */
export function signalNumber(name: string): number | null {
  const upper = name.trim().toUpperCase()
  if (/^\d+$/.test(upper)) {
    const number = Number(upper)
    return number >= 1 && number <= LINUX_LAST_REALTIME ? number : null
  }
  const full = upper.startsWith('SIG') ? upper : `SIG${upper}`
  const realtime = /^SIGRTMIN(?:\+(\d+))?$/.exec(full)
  if (realtime !== null) {
    const number = LINUX_FIRST_REALTIME + Number(realtime[1] ?? 0)
    return process.platform === 'linux' && number <= LINUX_LAST_REALTIME ? number : null
  }
  return BY_NAME.get(full) ?? null
}

/** @returns the canonical name, or null when this machine has no such signal */
export function canonicalSignal(name: string): string | null {
  const number = signalNumber(name)
  return number === null ? null : signalName(number)
}
