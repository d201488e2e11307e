/** Where a syslog server listens. */

export type SyslogAddress =
  | { readonly kind: 'udp'; readonly host: string; readonly port: number; readonly text: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly text: string }
  | { readonly kind: 'unix'; readonly path: string; readonly text: string }

const PORTS = { udp: 514, tcp: 601 } as const
const FORM = /^(udp|tcp):\/\/(?:\[([^\]]+)\]|([^:/[\]]+))(?::(\d{1,5}))?\/?$/

/** @returns null: it is none */
export function readSyslogAddress(text: string): SyslogAddress | null {
  const path = /^(?:unix:(?:\/\/)?)?(\/.+)$/.exec(text)?.[1]
  if (path !== undefined) return { kind: 'unix', path, text: `unix://${path}` }
  const [, given, six, name, digits] = FORM.exec(text) ?? []
  if (given === undefined) return null
  const kind = given === 'tcp' ? 'tcp' : 'udp'
  const port = digits === undefined ? PORTS[kind] : Number(digits)
  return port >= 1 && port <= 65_535 ? { kind, host: six ?? name ?? '', port, text } : null
}
