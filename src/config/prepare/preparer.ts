/** Prepares the values of one process, or of another part of the file. */
import { kindOfArgument } from '../../template/code.ts'
import type { Read } from '../document.ts'
import type { Path, Problems } from '../problems.ts'
import { quote } from '../schema/leaf.ts'
import { type Fields, isMap, mapFields } from './fields.ts'
import { interpolate, type LookUp, replaceReferences } from './interpolate.ts'
import { ScriptVariables } from './script.ts'
import { splitCommandLine } from './split.ts'

/** Filled in again at each launch. */
const TEMPLATES = ['env', 'environment', 'cwd', 'working_directory', 'health', 'health_check']
/** Maps with keys of the user's choice: no name in them means anything. */
const FREE = ['env', 'environment', 'labels', 'headers', 'meta', 'ports', 'depends_on']
/** Of these the values are texts, whatever they look like. */
const TEXTS = ['env', 'environment', 'labels', 'headers']
/** Maps with a command in them. */
const WITH_COMMAND = ['control', 'exec']
const COMMAND_LINES = ['exec', 'exec_command']

interface Ports {
  readonly isTemplate: boolean
  readonly sourceOf: Read['sourceOf']
  readonly lookUp: LookUp
  readonly problems: Problems
}

export class Preparer {
  readonly variables = new ScriptVariables()
  readonly #ports: Ports

  constructor(ports: Ports) {
    this.#ports = ports
  }

  /** A process of either form. */
  process(given: unknown, path: Path): unknown {
    if (typeof given === 'string') return { command: this.#words(this.#split(given, path), path) }
    return isMap(given) ? this.#fields(given, path, false, true) : this.value(given, path, false)
  }

  /** Plain data. @param isTemplate it is filled in again at launch */
  value(given: unknown, path: Path, isTemplate: boolean): unknown {
    if (typeof given === 'string') return interpolate(given, isTemplate && this.#ports.isTemplate, this.#ports.lookUp, this.#complain(path))
    if (Array.isArray(given)) return given.map((item, index) => this.value(item, [...path, index], isTemplate))
    return isMap(given) ? mapFields(given, (part, name) => this.value(part, [...path, name], isTemplate)) : given
  }

  #fields(given: Fields, path: Path, isTemplate: boolean, hasCommand: boolean): Fields {
    const command = hasCommand ? this.#command(given, path) : {}
    return mapFields(given, (value, name) => {
      const child = [...path, name]
      const isFilledIn = isTemplate || TEMPLATES.includes(name)
      if (Object.hasOwn(command, name)) return command[name]
      if (FREE.includes(name) && isMap(value))
        return mapFields(value, (part, key) => this.value(TEXTS.includes(name) ? this.#asWritten(part, [...child, key]) : part, [...child, key], isFilledIn))
      if (COMMAND_LINES.includes(name) && (typeof value === 'string' || Array.isArray(value)))
        return this.#words(typeof value === 'string' ? this.#split(value, child) : this.#listed(value, child), child)
      return isMap(value) ? this.#fields(value, child, isFilledIn, WITH_COMMAND.includes(name)) : this.value(value, child, isFilledIn)
    })
  }

  /** A command with its arguments: which of them is code shows in those before it. */
  #command(given: Fields, path: Path): Fields {
    const [name, argsName] = Object.hasOwn(given, 'executable') ? (['executable', 'arguments'] as const) : (['command', 'args'] as const)
    const { [name]: command, [argsName]: args } = given
    // The programs `true` and `false` are flags for YAML.
    const asked = this.#asWritten(command, [...path, name])
    const line = typeof asked === 'string' ? asked : undefined
    const isScript = [true, 'true'].includes(this.value(given.shell, [...path, 'shell'], false) as boolean | string)
    const first =
      line === undefined
        ? this.#listed(command, [...path, name])
        : name === 'executable' || isScript
          ? [{ word: line, path: [...path, name] }]
          : this.#split(line, [...path, name])
    const rest = this.#listed(args, [...path, argsName])
    const words = isScript && line !== undefined ? this.#words([SHELL, SHELL_OPTION, ...first, ...rest], path).slice(2) : this.#words([...first, ...rest], path)
    const head = words.slice(0, first.length)
    return {
      ...(line === undefined && !Array.isArray(command) ? {} : { [name]: name === 'executable' || (isScript && line !== undefined) ? head[0] : head }),
      ...(Array.isArray(args) ? { [argsName]: words.slice(first.length) } : {}),
    }
  }

  #split(line: string, path: Path): readonly Word[] {
    const words = splitCommandLine(line)
    if (!('problem' in words)) return words.map((word) => ({ word, path }))
    this.#ports.problems.add(path, `${words.problem}: ${quote(line)}`)
    return [{ word: '', path }]
  }

  #listed(given: unknown, path: Path): readonly Word[] {
    return Array.isArray(given) ? given.map((item, index) => ({ word: this.#asWritten(item, [...path, index]), path: [...path, index] })) : []
  }

  /** Into code no value is put: a shell gets a variable, and other languages have their own way to the environment. */
  #words(words: readonly Word[], path: Path): readonly unknown[] {
    const filled: unknown[] = []
    for (const { word, path: place } of words) {
      const [program = '', ...before] = filled.map(String)
      const kind = typeof word === 'string' && filled.length > 0 ? kindOfArgument(word, program, before) : 'text'
      if (typeof word !== 'string' || kind === 'text') filled.push(this.value(word, place, true))
      else if (kind === 'shell') filled.push(this.variables.replaceIn(word, this.#ports.lookUp, this.#complain(place)))
      else {
        const refuse = (name: string) => {
          this.#ports.problems.add(place, `\${env.${name}} in code would be run as code: have the code read its environment`)
          return ''
        }
        filled.push(replaceReferences(word, refuse, this.#ports.lookUp, this.#complain(path)))
      }
    }
    return filled
  }

  /** `1.10` is a number for YAML, and 1.1; as a text it is what the file says. */
  #asWritten(value: unknown, path: Path): unknown {
    return typeof value === 'number' || typeof value === 'boolean' ? (this.#ports.sourceOf(path) ?? String(value)) : value
  }

  #complain(path: Path): (message: string) => void {
    return (message) => this.#ports.problems.add(path, message)
  }
}

/** A word of a command as it stands in the file, and where. */
interface Word {
  readonly word: unknown
  readonly path: Path
}

const SHELL = { word: 'sh', path: [] }
const SHELL_OPTION = { word: '-c', path: [] }
