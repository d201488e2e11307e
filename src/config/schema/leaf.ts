/** What the schema is built of. Each part says in its own words what would be right, and in JSON Schema what an editor may offer. */
import * as z from 'zod'
import { suggest } from '../../suggest.ts'

type JsonPart = Readonly<Record<string, unknown>>
type Kind = 'text' | 'number' | 'flag' | 'list' | 'map' | 'nothing' | 'function' | 'other'

/** A sentence of its own about a value that is wrong. */
export class Refused {
  readonly sentence: string

  constructor(sentence: string) {
    this.sentence = sentence
  }
}

/** An editor lets a reference stand for any value; what comes of it is checked when the file is read. */
const REFERENCE = { type: 'string', pattern: '\\$\\{env\\.[^}]+\\}' } as const
/** What one problem quotes of a value. */
const MOST_SHOWN = 60

/**
 * One value that is no map and no list.
 * @param words what it must be @param kinds what it may look like; anything else is meant for another branch of a union
 * @param read undefined: it is wrong
 */
export function leaf<Value>(
  words: string,
  json: JsonPart,
  kinds: readonly Kind[],
  read: (given: unknown) => Value | Refused | undefined,
): z.ZodType<Value, unknown> {
  return z
    .unknown()
    .transform((given, context): Value => {
      const isOfKind = kinds.includes(kindOf(given))
      const value = isOfKind ? read(given) : undefined
      if (value !== undefined && !(value instanceof Refused)) return value
      const message = value instanceof Refused ? value.sentence : mustBe(words, given)
      context.addIssue({ code: 'custom', message, params: { isMismatch: !isOfKind } })
      return z.NEVER
    })
    .meta(json)
}

/** A map with these keys and no others. @param words what it is, as `a map with command` */
export function object<Shape extends z.ZodRawShape>(words: string, shape: Shape) {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    error: (issue) => {
      // One line for each key: `toProblems` takes them apart again.
      if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, known)).join('\n')
      return mustBe(words, issue.input)
    },
  })
}

export function list<Item extends z.ZodType>(words: string, item: Item) {
  return z.array(item, { error: (issue) => mustBe(words, issue.input) })
}

/** A map with keys of the user's choice. */
export function record<Value extends z.ZodType>(words: string, value: Value, key: { readonly pattern: RegExp; readonly words: string }) {
  return z.record(z.string().regex(key.pattern), value, {
    error: (issue) => (issue.code === 'invalid_key' ? `${quote(issue.input)} is not ${key.words}` : mustBe(words, issue.input)),
  })
}

/** One of several forms, which differ in what they look like. */
export function oneOf<const Branches extends readonly z.ZodType[]>(words: string, branches: Branches) {
  return z.union(branches, { error: (issue) => mustBe(words, issue.input) })
}

/** An option: what it means, and what holds without it (in words of the file; the library knows its own defaults). */
export function option<Schema extends z.ZodType>(schema: Schema, description: string, fallback?: unknown) {
  return schema.optional().meta({ description, ...(fallback === undefined ? {} : { default: fallback }) })
}

/** @param json what an editor knows of it, beside that a reference may stand for it */
export function orReference(json: JsonPart): JsonPart {
  return { anyOf: [json, REFERENCE] }
}

export function mustBe(words: string, given: unknown): string {
  return given === undefined ? `is missing: it must be ${words}` : `must be ${words}, not ${told(given)}`
}

export function kindOf(value: unknown): Kind {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'list'
  switch (typeof value) {
    case 'string':
      return 'text'
    case 'number':
    case 'bigint':
      return 'number'
    case 'boolean':
      return 'flag'
    case 'object':
      return Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null ? 'map' : 'other'
    case 'function':
      return 'function'
    default:
      return 'other'
  }
}

/** The value, as a problem tells it. */
export function told(value: unknown): string {
  switch (kindOf(value)) {
    case 'text':
      return quote(value)
    case 'number':
    case 'flag':
      return String(value)
    case 'list':
      return 'a list'
    case 'map':
      return 'a map'
    case 'nothing':
      return 'nothing'
    case 'function':
      return 'a function'
    default:
      return `something else (${Object.prototype.toString.call(value).slice('[object '.length, -1)})`
  }
}

export function quote(value: unknown): string {
  const text = String(value)
  return JSON.stringify(text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text)
}

/** What the other form, or another program, calls it. */
const ELSEWHERE: readonly (readonly string[])[] = [
  ['command', 'executable', 'cmd', 'script'],
  ['args', 'arguments'],
  ['env', 'environment'],
  ['cwd', 'working_directory', 'working_dir'],
  ['health', 'health_check', 'healthcheck', 'liveness_probe', 'readiness_probe'],
  ['restart', 'restart_policy', 'availability'],
  ['enabled', 'disabled'],
  ['meta', 'description'],
  ['ready', 'ready_log_line'],
  ['breaker', 'circuit_breaker'],
  ['stop_signal', 'stop'],
  ['shutdown_timeout', 'stop_timeout', 'stop_grace_period', 'kill_timeout', 'shutdown', 'stop'],
  ['replicas', 'instances', 'scale', 'numprocs'],
  ['processes', 'services'],
]

function unknownKey(key: string, known: readonly string[]): string {
  const plain = key
    .replace(/[a-z](?=[A-Z])/g, '$&_')
    .toLowerCase()
    .replaceAll('-', '_')
  const near =
    suggest(plain, known)[0] ??
    ELSEWHERE.filter((names) => names.includes(plain))
      .flat()
      .find((name) => known.includes(name))
  return `there is no key ${quote(key)} here; ${near === undefined ? `known are ${known.join(', ')}` : `did you mean ${quote(near)}?`}`
}
