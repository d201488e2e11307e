/** Reads YAML, and JSON, which is YAML with fewer forms: to plain data, and to the place of every key and value. */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
  type YAMLParseError,
  type YAMLWarning,
} from 'yaml'
import type { Locate, Path, Problems } from './problems.ts'
import { quote } from './schema/leaf.ts'

/** More than any file says; less than what a few nested anchors can be made to say. */
export const MOST_VALUES = 100_000
export const DEEPEST = 64
export const TOO_MUCH = `says more than ${MOST_VALUES} values, which anchors in anchors can do`
export const TOO_DEEP = `is nested too deep: ${DEEPEST} levels are read`

export interface Read {
  readonly value: unknown
  /** A number or a flag as it is written: `1.10` is not 1.1. Undefined: there is none there. */
  readonly sourceOf: (path: Path) => string | undefined
}

/** What is wrong is added to the problems, which know from now on where things stand. @returns undefined: it cannot be read */
export function readDocument(text: string, problems: Problems): Read | undefined {
  const counter = new LineCounter()
  try {
    const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: true, merge: false, stringKeys: false, logLevel: 'error' })
    const wrong = complaintsOf(document)
    for (const { pos, message, code } of wrong) {
      const end = code === 'DUPLICATE_KEY' ? pos[0] + keyAt(text, pos[0]).length : pos[1]
      problems.addAt(placeOf(counter, pos[0], end), [], sentenceOf(code, message, text, pos))
    }
    if (document.errors.some(isSyntax)) return undefined
    const converter = new Converter(document, counter, problems)
    problems.locate = converter.locate
    const value = document.contents === null ? null : converter.convert(document.contents, [], 0)
    return { value, sourceOf: converter.sourceOf }
  } catch (error) {
    if (error instanceof TooMuch) problems.addAt(error.node?.range ? placeOf(counter, error.node.range[0], error.node.range[1]) : null, [], error.message)
    // Thousands of brackets, one in the other, are more than the parser's stack.
    else if (error instanceof RangeError) problems.addAt(null, [], TOO_DEEP)
    else throw error
    return undefined
  }
}

class TooMuch extends Error {
  readonly node: Node | null

  constructor(node: Node | null, message: string) {
    super(message)
    this.node = node
  }
}

interface Spot {
  readonly key: Node | null
  readonly value: Node | null
}

/** Not the library's own `toJS`: it counts a hundred uses of one anchor as an attack, and forgets where things stand. */
class Converter {
  readonly #counter: LineCounter
  readonly #problems: Problems
  readonly #targets: ReadonlyMap<Alias, Node>
  readonly #spots = new Map<string, Spot>()
  #values = 0

  constructor(document: Document.Parsed, counter: LineCounter, problems: Problems) {
    this.#targets = targetsIn(document)
    this.#counter = counter
    this.#problems = problems
    this.#spots.set(keyOf([]), { key: null, value: document.contents })
  }

  readonly locate: Locate = (path, part) => {
    for (let length = path.length; length >= 0; length--) {
      const spot = this.#spots.get(keyOf(path.slice(0, length)))
      if (spot === undefined) continue
      // What is not there is missing in what its key names.
      const isBeside = length < path.length && !isScalar(spot.value)
      const node = part === 'key' || isBeside || isEmpty(spot.value) ? (spot.key ?? spot.value) : (spot.value ?? spot.key)
      if (node?.range) return placeOf(this.#counter, node.range[0], node.range[1])
    }
    return { line: 1, column: 1, length: 1 }
  }

  readonly sourceOf = (path: Path): string | undefined => {
    const node = this.#spots.get(keyOf(path))?.value
    return isScalar(node) ? node.source : undefined
  }

  convert(node: Node | null, path: Path, depth: number): unknown {
    this.#mustBeBounded(node, depth)
    if (isAlias(node)) return this.convert(this.#resolve(node, path), path, depth + 1)
    if (path.length > 0) this.#spots.set(keyOf(path), { key: this.#spots.get(keyOf(path))?.key ?? null, value: node })
    if (isScalar(node)) return node.value
    if (isSeq(node)) return node.items.map((item, index) => this.convert(item as Node | null, [...path, index], depth + 1))
    if (isMap(node)) return this.#map(node, path, depth)
    return null
  }

  #map(node: YAMLMap, path: Path, depth: number): Record<string, unknown> {
    const read: Record<string, unknown> = {}
    for (const [name, pair] of this.#pairs(node, path, depth)) {
      const child = [...path, name]
      this.#spots.set(keyOf(child), { key: pair.key as Node, value: pair.value as Node | null })
      read[name] = this.convert(pair.value as Node | null, child, depth + 1)
    }
    return read
  }

  /** Its own keys count more than those that it merges, and of several merged maps the first. */
  #pairs(node: YAMLMap, path: Path, depth: number): Map<string, Pair> {
    this.#mustBeBounded(node, depth)
    const own = new Map<string, Pair>()
    const merged = new Map<string, Pair>()
    for (const pair of node.items) {
      const { key } = pair
      if (isScalar(key) && key.source === '<<' && key.type === 'PLAIN') {
        for (const [name, from] of this.#merged(pair, path, depth)) if (!merged.has(name)) merged.set(name, from)
        continue
      }
      const name = isScalar(key) && key.value !== null ? (key.source ?? String(key.value)) : undefined
      if (name === undefined || name === '__proto__') this.#complain(key as Node | null, path, `${quote(name ?? 'this')} cannot be a key`)
      else own.set(name, pair)
    }
    return new Map([...merged, ...own])
  }

  #merged(pair: Pair, path: Path, depth: number): readonly (readonly [string, Pair])[] {
    const given = isAlias(pair.value) ? this.#resolve(pair.value, path) : pair.value
    const sources = isSeq(given) ? given.items : [given]
    return sources.flatMap((source) => {
      const map = isAlias(source) ? this.#resolve(source, path) : source
      if (isMap(map)) return [...this.#pairs(map, path, depth + 1)]
      this.#complain(pair.key as Node, path, '"<<" merges a map, or a list of maps, as in "<<: *defaults"')
      return []
    })
  }

  #resolve(alias: Alias, path: Path): Node | null {
    const node = this.#targets.get(alias)
    if (node === undefined) this.#complain(alias, path, `there is no anchor &${alias.source} above`)
    return node ?? null
  }

  #mustBeBounded(node: Node | null, depth: number): void {
    if (++this.#values > MOST_VALUES) throw new TooMuch(node, TOO_MUCH)
    if (depth > DEEPEST) throw new TooMuch(node, TOO_DEEP)
  }

  #complain(node: Node | null, path: Path, message: string): void {
    if (node?.range) this.#problems.addAt(placeOf(this.#counter, node.range[0], node.range[1]), path, message)
    else this.#problems.add(path, message)
  }
}

/** What each alias stands for: the last anchor of that name above it. The library looks for it through the whole document, for each. */
function targetsIn(document: Document.Parsed): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>()
  const targets = new Map<Alias, Node>()
  visit(document, (_key, node) => {
    if (isAlias(node)) {
      const target = anchors.get(node.source)
      if (target !== undefined) targets.set(node, target)
    } else if (isNode(node) && node.anchor !== undefined) anchors.set(node.anchor, node)
  })
  return targets
}

function isEmpty(node: Node | null): boolean {
  return node === null || (isScalar(node) && node.range?.[0] === node.range?.[1])
}

function keyOf(path: Path): string {
  return path.join('\0')
}

function placeOf(counter: LineCounter, from: number, to: number): { line: number; column: number; length: number } {
  const { line, col } = counter.linePos(from)
  return { line: Math.max(line, 1), column: Math.max(col, 1), length: Math.max(1, to - from) }
}

/** All but these: what a key that is given twice stands in can be read all the same. */
function isSyntax({ code }: YAMLParseError): boolean {
  return code !== 'DUPLICATE_KEY'
}

/** Behind the first error of syntax everything looks wrong. */
function complaintsOf({ errors, warnings }: Document.Parsed): readonly (YAMLParseError | YAMLWarning)[] {
  const [first] = errors.filter(isSyntax).sort((a, b) => a.pos[0] - b.pos[0])
  return [
    ...errors.filter((error) => error === first || (!isSyntax(error) && (first === undefined || error.pos[0] < first.pos[0]))),
    ...(first === undefined ? warnings : []),
  ]
}

/** The parser tells where it begins only. */
function keyAt(text: string, from: number): string {
  return /^(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s:,{}[\]]+)/.exec(text.slice(from, from + 200))?.[0] ?? ''
}

function sentenceOf(code: string, message: string, text: string, [from]: readonly [number, number]): string {
  if (code === 'DUPLICATE_KEY') return `the key ${quote(keyAt(text, from).replace(/^(["'])(.*)\1$/s, '$2'))} is given twice in this map`
  if (code === 'MULTIPLE_DOCS') return 'there are several documents in the file; one is read'
  // The parser’s own stack.
  if (message.includes('call stack')) return TOO_DEEP
  if (code === 'TAG_RESOLVE_FAILED') return `there is no such tag here: ${message}`
  if (text.slice(from - 1, from + 1) === '${') return 'a value with "${" in it must be in quotes here, within { } or [ ]'
  const hint = code === 'BLOCK_AS_IMPLICIT_KEY' ? '; look at the indentation of this line and of the next' : ''
  return `is not valid YAML: ${message}${hint}`
}
