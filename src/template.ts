/**
 * Fills in the `${…}` of a spec. Pure. Values are put in literally, never filled in again, and never into code for an interpreter (`sh -c`), where they would
 * be run; see `template/code.ts`.
 */
import { fillText } from './template/fill.ts'
import type { Facts, Names } from './template/names.ts'
import { type Fill, mapTexts, mapValues } from './template/texts.ts'
import type { ProcessSpec } from './types.ts'

/** A template that cannot be filled in at this launch. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
  /** As `args.1` or `health.liveness.http.url`. */
  readonly place: string
  readonly what: string

  constructor(place: string, what: string) {
    super(`${place}: ${what}`)
    this.place = place
    this.what = what
  }
}

/** @returns what is wrong with its templates, each with its place. Variables of the environment are judged at launch. */
export function checkTemplates(spec: ProcessSpec): readonly string[] {
  const problems: string[] = []
  const samples = { run: 1, ports: mapValues(spec.ports, () => 1), env: null }
  fillAll(spec, samples, (place, what) => problems.push(`${place}: ${what}`))
  return problems
}

/**
 * The spec as it is launched. In `env`, `${env.NAME}` is what the process inherits; elsewhere it is what the process gets, its own `env` included.
 * @throws TemplateError for a name without a value
 */
export function fillSpec(spec: ProcessSpec, facts: Facts): ProcessSpec {
  return fillAll(spec, facts, (place, what) => {
    throw new TemplateError(place, what)
  })
}

/**
 * The texts of a spec with its own values filled in (labels, metadata), and a mark in place of each that only a launch knows: specs of one process that come out the
 * same are launched the same. Never throws.
 */
export function outlineOf(spec: ProcessSpec): ProcessSpec {
  const variables = [...JSON.stringify(spec).matchAll(/\$\{env\.([^}]*)\}/g)].map(([, name = '']) => [name, `${MARK}env.${name}${MARK}`])
  const ports = Object.fromEntries(
    Object.keys(spec.ports)
      .sort()
      .map((name, index) => [name, MARKED_NUMBER - 1 - index]),
  )
  return fillAll(spec, { run: MARKED_NUMBER, ports, env: Object.fromEntries(variables) }, () => {})
}

/** No text of a spec has it but by chance. */
const MARK = '\uE000'
const MARKED_NUMBER = -1_000_000.5

type Known = Omit<Facts, 'env'> & { readonly env: Facts['env'] | null }

function fillAll(spec: ProcessSpec, { run, ports, env }: Known, complain: (place: string, what: string) => void): ProcessSpec {
  if (!spec.template) return spec
  const { id, labels, meta } = spec
  const fillWith =
    (names: Pick<Names, 'env' | 'whose'>): Fill =>
    (text, place, kind = 'text') =>
      fillText(text, kind, { id, labels, meta, run, ports, ...names }, (what) => complain(place, what))
  const fillInherited = fillWith({ env: env && [env], whose: 'the environment that it inherits' })
  const own = mapValues(spec.env, (value, name) => fillInherited(value, `env.${name}`))
  const fill = fillWith({ env: env && [own, env], whose: 'its environment' })
  return { ...mapTexts(spec, fill, complain), env: own }
}
