/**
 * Checks of what was read from a file: a value comes out with the type that it was checked for, keys that nobody knows left out, and everything wrong is told
 * with where it is. By hand, since a state directory is read at each start of a manager and at each `list`: a validation library costs more there than the rest.
 */
export type Issue = { readonly path: string; readonly what: string }

/** Gives the value back, or tells what is wrong with it; then what it gives back is of no use. */
export type Check<T> = (value: unknown, path: string, issues: Issue[]) => T
export type Checked<C> = C extends Check<infer T> ? T : never

type Shape = Readonly<Record<string, Check<unknown>>>

function where<T>(holds: (value: unknown) => boolean, what: string): Check<T> {
  return (value, path, issues) => {
    if (!holds(value)) issues.push({ path, what })
    return value as T
  }
}

/** NaN and the infinite are no numbers here. */
export function number(min: number, max = Number.MAX_VALUE): Check<number> {
  return where((value) => typeof value === 'number' && value >= min && value <= max, `must be a number from ${min} to ${max}`)
}

export function integer(min: number, max = Number.MAX_SAFE_INTEGER): Check<number> {
  return where((value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max, `must be a whole number from ${min} to ${max}`)
}

export const boolean: Check<boolean> = where((value) => value === true || value === false, 'must be true or false')

export const string: Check<string> = where((value) => typeof value === 'string', 'must be a string')

export function stringLike(pattern: RegExp): Check<string> {
  return where((value) => typeof value === 'string' && pattern.test(value), `must look like ${pattern}`)
}

export function oneOf<const T extends string>(known: readonly T[]): Check<T> {
  return where((value) => (known as readonly unknown[]).includes(value), `must be one of ${known.join(', ')}`)
}

/** Text that can be handed to a program. */
export const text: Check<string> = (value, path, issues) => {
  string(value, path, issues)
  if (typeof value === 'string' && value.includes('\0')) issues.push({ path, what: 'has a NUL' })
  return value as string
}

export function nullable<T>(check: Check<T>): Check<T | null> {
  return (value, path, issues) => (value === null ? null : check(value, path, issues))
}

/** For what older files do not have. */
export function orElse<T, D>(check: Check<T>, missing: D): Check<T | D> {
  return (value, path, issues) => (value === undefined ? missing : check(value, path, issues))
}

export function listOf<T>(check: Check<T>): Check<readonly T[]> {
  return (value, path, issues) => {
    if (Array.isArray(value)) return value.map((each, index) => check(each, `${path}.${index}`, issues))
    issues.push({ path, what: 'must be a list' })
    return []
  }
}

/** Names may be anything, "constructor" too. `check` is told the path of the whole. */
export function recordOf(check: Check<string>): Check<Readonly<Record<string, string>>> {
  return (value, path, issues) => {
    if (!isObject(value)) issues.push({ path, what: 'must be an object of strings' })
    else for (const [name, each] of Object.entries(value)) for (const part of [name, each]) check(part, path, issues)
    return value as Readonly<Record<string, string>>
  }
}

export function shape<const S extends Shape>(known: S): Check<{ readonly [K in keyof S]: Checked<S[K]> }> {
  const entries = Object.entries(known)
  return (value, path, issues) => {
    const found: Record<string, unknown> = {}
    if (!isObject(value)) issues.push({ path, what: 'must be an object' })
    else
      for (const [key, check] of entries) found[key] = check(Object.hasOwn(value, key) ? value[key] : undefined, path === '' ? key : `${path}.${key}`, issues)
    return found as { readonly [K in keyof S]: Checked<S[K]> }
  }
}

/** Any of these keys may be missing; then it is missing in what comes out, too. */
export function partial<const S extends Shape>(known: S): Check<{ readonly [K in keyof S]?: Checked<S[K]> }> {
  return (value, path, issues) => {
    if (!isObject(value)) issues.push({ path, what: 'must be an object' })
    const given = isObject(value) ? Object.entries(known).filter(([key]) => Object.hasOwn(value, key)) : []
    return Object.fromEntries(given.map(([key, check]) => [key, check((value as Record<string, unknown>)[key], `${path}.${key}`, issues)])) as {
      readonly [K in keyof S]?: Checked<S[K]>
    }
  }
}

/** Values of one kind under any names. */
export function dictionaryOf<T>(check: Check<T>): Check<Readonly<Record<string, T>>> {
  return (value, path, issues) => {
    if (!isObject(value)) issues.push({ path, what: 'must be an object' })
    return Object.fromEntries(Object.entries(isObject(value) ? value : {}).map(([name, each]) => [name, check(each, `${path}.${name}`, issues)]))
  }
}

export const scalar: Check<string | number | boolean> = where(
  (value) => typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)),
  'must be a string, a number, or true or false',
)

/** Several shapes, told apart by their `kind`. */
export function byKind<const V extends Readonly<Record<string, Shape>>>(
  variants: V,
): Check<{ [K in keyof V]: { readonly kind: K } & { readonly [F in keyof V[K]]: Checked<V[K][F]> } }[keyof V]> {
  const shapes = new Map(Object.entries(variants).map(([kind, known]) => [kind, shape({ ...known, kind: oneOf([kind]) })]))
  return (value, path, issues) => {
    const check = isObject(value) && typeof value.kind === 'string' ? shapes.get(value.kind) : undefined
    if (check === undefined) issues.push({ path, what: `must be of kind ${[...shapes.keys()].join(', ')}` })
    return check?.(value, path, issues) as never
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
