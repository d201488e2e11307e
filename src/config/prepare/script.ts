/** References in the script of a shell. A value that is put into code is run as code: the script gets a variable instead, whose value is data. */
import { type Complain, type LookUp, replaceReferences } from './interpolate.ts'

/** The variables that stand for references in the scripts of one process. */
export class ScriptVariables {
  readonly #names = new Map<string, string>()
  readonly #values = new Map<string, string>()

  get env(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#values)
  }

  /** @returns the script with `${PROCMAN_CONFIG_ENV_NAME}` for `${env.NAME}` */
  replaceIn(script: string, lookUp: LookUp, complain: Complain): string {
    const isSingleQuoted = singleQuotedPartsOf(script)
    const replace = (name: string, value: string, at: number) => {
      if (isSingleQuoted(at)) complain(`\${env.${name}} stands in single quotes, in which a shell puts nothing in; write double quotes`)
      return `\${${this.#nameFor(name, value)}}`
    }
    return replaceReferences(script, replace, lookUp, complain)
  }

  /** The same variable with another default is another value. The name stays within it: by it secrets are known. */
  #nameFor(name: string, value: string): string {
    const key = `${name}=${value}`
    const known = this.#names.get(key)
    if (known !== undefined) return known
    let fresh = `PROCMAN_CONFIG_ENV_${name}`
    for (let number = 2; this.#values.has(fresh); number++) fresh = `PROCMAN_CONFIG_ENV_${number}_${name}`
    this.#names.set(key, fresh)
    this.#values.set(fresh, value)
    return fresh
  }
}

/** Good enough to warn: what a here-document holds is not looked into. */
function singleQuotedPartsOf(script: string): (at: number) => boolean {
  const parts = script.includes('<<')
    ? []
    : [...script.matchAll(/\\[\s\S]|"(?:\\[\s\S]|[^"\\])*"|(?<=^|\s)#[^\n]*|'[^']*'/g)]
        .filter(([part]) => part.startsWith("'"))
        .map((match): readonly [number, number] => [match.index, match.index + match[0].length])
  return (at) => parts.some(([from, to]) => from < at && at < to)
}
