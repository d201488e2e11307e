/** JSON as it might be after somebody has been at it. */
import fc from 'fast-check'

/** Numbers, names and values on which programs stumble. */
const NASTY: readonly unknown[] = [
  null, true, false, '', '0', 'constructor', '__proto__', [], {}, [[]], 0, -0, -1, 1.5, 2 ** 31, 2 ** 31 - 1, -(2 ** 31), 2 ** 53, 2 ** 53 - 1, 8.64e15, 8.64e15 + 1,
  1e300, 1e308, -1e300, 5e-324, 'x'.repeat(10_000), '\u0000', '\ud800', '../../etc', 'a\nb\tc',
] // biome-ignore format: one list

export const nasty = fc.oneof(fc.constantFrom(...NASTY), fc.jsonValue({ maxDepth: 2 }), fc.integer(), fc.double())

type Op = { readonly kind: 'delete' | 'replace' | 'add' | 'swap'; readonly where: number; readonly value: unknown }

const op: fc.Arbitrary<Op> = fc.record({ kind: fc.constantFrom('delete', 'replace', 'replace', 'add', 'swap'), where: fc.nat(10_000), value: nasty })
const NAMES = ['__proto__', 'constructor', 'toString', 'format', 'value', 'kind', 'pid', 'at', 'void', 'spec', 'x']

type Branch = Record<string, unknown>

function branches(value: unknown): Branch[] {
  if (typeof value !== 'object' || value === null) return []
  return [value as Branch, ...Object.values(value).flatMap(branches)]
}

function applyOp(root: unknown, { kind, where, value }: Op): void {
  const all = branches(root)
  const branch = all[where % Math.max(1, all.length)]
  if (branch === undefined) return
  const keys = Object.keys(branch)
  const key = keys[where % Math.max(1, keys.length)]
  if (kind === 'add') Object.defineProperty(branch, NAMES[where % NAMES.length] ?? 'x', { value, enumerable: true, configurable: true, writable: true })
  else if (key === undefined) return
  else if (kind === 'delete') delete branch[key]
  else if (kind === 'replace') branch[key] = value
  else branch[key] = branch[keys[(where + 1) % keys.length] ?? key]
}

/** A key twice in one object: no parser of ours is asked which counts, but it must not matter. */
function doubled(text: string, where: number, value: unknown): string {
  const openings = [...text.matchAll(/\{(?=")/g)].map(({ index }) => index)
  const at = openings[where % Math.max(1, openings.length)]
  if (at === undefined) return text
  const key = NAMES[where % NAMES.length]
  return `${text.slice(0, at + 1)}${JSON.stringify(key)}:${JSON.stringify(value) ?? 'null'},${text.slice(at + 1)}`
}

export interface Mutation {
  readonly ops: readonly Op[]
  readonly double: { readonly where: number; readonly value: unknown } | null
  readonly cut: number | null
  readonly byte: { readonly where: number; readonly value: number } | null
}

/** Mostly not: a file that is cut is damaged whatever else is in it, and what is damaged says little. */
const seldom = <T>(value: fc.Arbitrary<T>) => fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value })

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  ops: fc.array(op, { minLength: 0, maxLength: 3 }),
  double: seldom(fc.record({ where: fc.nat(10_000), value: nasty })),
  cut: seldom(fc.nat(10_000)),
  byte: seldom(fc.record({ where: fc.nat(100_000), value: fc.nat(255) })),
})

export function mutated(value: unknown, { ops, double, cut, byte }: Mutation): Buffer {
  const copy: unknown = structuredClone(value)
  for (const each of ops) applyOp(copy, each)
  let text = JSON.stringify(copy) ?? 'null'
  if (double !== null) text = doubled(text, double.where, double.value)
  const bytes = Buffer.from(text)
  if (byte !== null && bytes.length > 0) bytes[byte.where % bytes.length] = byte.value
  return cut === null ? bytes : bytes.subarray(0, cut % (bytes.length + 1))
}

/** Printed, and taken again with PROCMAN_TEST_SEED. */
export function aSeed(what: string): number {
  const seed = Number(process.env.PROCMAN_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
  console.info(`${what}: PROCMAN_TEST_SEED=${seed}`)
  return seed
}
