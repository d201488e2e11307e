/** The names that a template knows, and their values. */
import type { ProcessSpec } from '../types.ts'

export interface Facts {
  readonly run: number
  /** The ports of this run, by name. */
  readonly ports: Readonly<Record<string, number>>
  /** What the process inherits: all that it gets beside its own `env`. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/** What is known where a text stands. */
export interface Names extends Pick<Facts, 'run' | 'ports'>, Pick<ProcessSpec, 'id' | 'labels' | 'meta'> {
  /** What comes first counts. Null: not known before the launch. */
  readonly env: readonly Facts['env'][] | null
  /** What that environment is, in words. */
  readonly whose: string
}

export type Found = { readonly value: string } | { readonly problem: string }

/** What an unknown variable is taken for before the launch: as good for a path as for anything else. */
const UNKNOWN = { value: '/' }

export function lookUp(name: string, names: Names): Found {
  const found = find(name, names)
  return 'value' in found && found.value.includes('\0') ? { problem: `the value of \${${name}} has a NUL` } : found
}

function find(name: string, { id, run, ports, labels, meta, env, whose }: Names): Found {
  const dot = name.indexOf('.')
  const key = name.slice(dot + 1)
  switch (dot < 0 ? name : name.slice(0, dot + 1)) {
    case 'id':
      return { value: id }
    case 'run':
      return { value: String(run) }
    case 'port':
      return onlyPort(ports)
    case 'port.':
      return member(name, key, ports, 'ports')
    case 'labels.':
      return member(name, key, labels, 'labels')
    case 'meta.':
      return member(name, key, meta, 'meta')
    case 'env.':
      return env === null ? UNKNOWN : variable(key, env, whose)
    default:
      return {
        problem: `there is no \${${name}}; there are port, port.NAME, id, run, env.NAME, labels.NAME and meta.NAME; for the text itself write $\${${name}}`,
      }
  }
}

function onlyPort(ports: Facts['ports']): Found {
  const [only, another] = Object.keys(ports)
  return only !== undefined && another === undefined ? { value: String(ports[only]) } : { problem: `there is no \${port}${listed(ports, 'ports', 'port.')}` }
}

function member(name: string, key: string, group: Readonly<Record<string, unknown>>, what: string): Found {
  return Object.hasOwn(group, key) ? { value: String(group[key]) } : { problem: `there is no \${${name}}${listed(group, what)}` }
}

function variable(key: string, env: readonly Facts['env'][], whose: string): Found {
  const value = env.find((variables) => Object.hasOwn(variables, key))?.[key]
  return value === undefined ? { problem: `there is no \${env.${key}} in ${whose}` } : { value }
}

function listed(group: Readonly<Record<string, unknown>>, what: string, prefix = ''): string {
  const keys = Object.keys(group)
  return keys.length === 0 ? `; this process has no ${what}` : `; the ${what} of this process are ${keys.map((key) => prefix + key).join(', ')}`
}
