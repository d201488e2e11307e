/** Puts the environment into one text: `${env.NAME}`, `${env.NAME:-default}`. */
import { quote } from '../schema/leaf.ts'

/** @returns undefined: there is no such variable */
export type LookUp = (name: string) => string | undefined

/** Told of each reference that has no value. */
export type Complain = (message: string) => void

const SCAN = /\$\$|\$\{env\b([^}]*)(\}?)/g
const REFERENCE = /^\.([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/

/**
 * @param isTemplate the text is filled in again at launch (docs/ports.md): there `$$` is a dollar sign, so what is put in has its own dollars doubled, and
 * all other `${…}` stay. Elsewhere `$${` is `${`.
 */
export function interpolate(text: string, isTemplate: boolean, lookUp: LookUp, complain: Complain): string {
  return text.replace(SCAN, (whole: string, inner: string | undefined, end: string, at: number) => {
    if (inner === undefined) return !isTemplate && text.startsWith('{env.', at + 2) ? '$' : whole
    const value = valueFor(whole, inner, end, lookUp, complain)
    return isTemplate ? value.replaceAll('$', '$$$$') : value
  })
}

/** Replaces each reference by what `replace` makes of its name and value; for code, into which no value is put. */
export function replaceReferences(code: string, replace: (name: string, value: string, at: number) => string, lookUp: LookUp, complain: Complain): string {
  return code.replace(SCAN, (whole: string, inner: string | undefined, end: string, at: number) => {
    if (inner === undefined) return whole
    const value = valueFor(whole, inner, end, lookUp, complain)
    return replace(REFERENCE.exec(inner)?.[1] ?? '', value, at)
  })
}

function valueFor(whole: string, inner: string, end: string, lookUp: LookUp, complain: Complain): string {
  const [, name, fallback] = REFERENCE.exec(inner) ?? []
  if (end === '') complain(`there is no } after ${quote(whole)}`)
  else if (name === undefined) complain(`${quote(whole)} is no reference: write \${env.NAME} or \${env.NAME:-default}`)
  else if (fallback?.includes('${') === true) complain(`the default in ${quote(whole)} cannot have a reference of its own`)
  else {
    const value = lookUp(name)
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value
    if (value !== undefined) return value
    complain(`there is no variable ${name} in the environment or in .env; set it, or write \${env.${name}:-default}`)
  }
  return ''
}
