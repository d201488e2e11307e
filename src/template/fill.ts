/** Fills in one text. */
import type { TextKind } from './code.ts'
import { type Found, lookUp, type Names } from './names.ts'

/** Told what is wrong; throws, or takes note of it. */
export type Complain = (what: string) => void

/** Values are put in literally: a template in a value stays what it is. */
export function fillText(text: string, kind: TextKind, names: Names, complain: Complain): string {
  const take = (found: Found) => {
    if ('value' in found) return found.value
    complain(found.problem)
    return ''
  }
  return kind === 'text' ? fillPlain(text, names, take, complain) : fillCode(text, kind, names, take, complain)
}

type Take = (found: Found) => string

function fillPlain(text: string, names: Names, take: Take, complain: Complain): string {
  return text.replace(/\$\$|\$\{([^}]*)(\}?)/g, (whole: string, name: string | undefined, end: string) => {
    if (name === undefined) return '$'
    if (end === '}') return take(lookUp(name, names))
    complain(`there is no } after ${whole.slice(0, 20)}; for the text itself write $${whole.slice(0, 20)}`)
    return ''
  })
}

/** Code has its own `${…}` and `$$`, and would run what is put into it: only what cannot do harm there is filled in, numbers and for a shell the id. */
function fillCode(text: string, kind: 'shell' | 'code', names: Names, take: Take, complain: Complain): string {
  return text.replace(/\$\$|\$\{([^{}$]*)\}/g, (whole: string, name: string | undefined) => {
    if (name === undefined) return whole
    if (isHarmless(name, kind, names)) return take(lookUp(name, names))
    if (kind === 'code') return whole
    // No shell has a variable with a dot in its name: this one was meant for us.
    if (name.startsWith('port.')) take(lookUp(name, names))
    else if (/^(env|labels|meta)\./.test(name)) complain(`${whole} in code for a shell would be run as code: pass it as an argument or a variable instead`)
    return whole
  })
}

function isHarmless(name: string, kind: 'shell' | 'code', { ports }: Names): boolean {
  if (name === 'port') return Object.keys(ports).length === 1
  if (name.startsWith('port.')) return Object.hasOwn(ports, name.slice('port.'.length))
  return kind === 'shell' && (name === 'id' || name === 'run')
}
