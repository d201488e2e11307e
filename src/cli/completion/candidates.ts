/** What can follow the words that were typed, by the tree of commands that commander has. Pure: what lies outside of it (ids, files) is named, not looked for. */
import type { Argument, Command, Option } from 'commander'
import { offersOf } from './offers.ts'

export interface Candidate {
  readonly value: string
  readonly description: string
}

export interface Candidates {
  readonly words: readonly Candidate[]
  /** What comes to the words: ids of processes, or what the shell knows itself. */
  readonly more: 'none' | 'ids' | 'files' | 'directories' | 'commands'
  /** What stands before each of them in the unfinished word, as `--status=`, and is no part of a file's name. */
  readonly prefix: string
  /** Ids that are on the line already. */
  readonly given: readonly string[]
  readonly stateDir: string | null
}

/** Where the unfinished word stands. */
interface Place {
  readonly command: Command
  /** Its operands so far. */
  readonly operands: readonly string[]
  /** The option whose value comes next. */
  readonly expecting: Option | null
  /** Behind `--`, or in the words of a command that is to be run. */
  readonly isLiteral: boolean
  readonly stateDir: string | null
}

/** @param words what follows `procman`, the last one unfinished, perhaps empty */
export function candidatesFor(program: Command, words: readonly string[]): Candidates {
  const last = words.at(-1) ?? ''
  const start: Place = { command: program, operands: [], expecting: null, isLiteral: false, stateDir: null }
  const place = words.slice(0, -1).reduce((at, word) => step(program, at, word), start)
  const { command, operands, expecting, isLiteral, stateDir } = place
  const answer = (words: readonly Candidate[], more: Candidates['more'] = 'none', prefix = ''): Candidates => ({
    words: words.filter(({ value }) => value.startsWith(last)),
    more,
    prefix,
    given: operands,
    stateDir,
  })
  if (expecting !== null) return answer(...valuesOf(expecting, last))
  const [, name, value] = isLiteral ? [] : (/^(--[^=]+)=(.*)$/s.exec(last) ?? [])
  const option = name === undefined ? undefined : findOption(program, command, name)
  if (option !== undefined && value !== undefined) return answer(...valuesOf(option, value, `${name}=`))
  if (!isLiteral && last.startsWith('-')) return answer(optionsOf(program, command))
  if (command.commands.length > 0 && ['', 'help'].includes(operands.join(' '))) return answer(verbsOf(command))
  const argument = command.registeredArguments[operands.length] ?? command.registeredArguments.findLast(({ variadic }) => variadic)
  return argument === undefined ? answer([]) : answer(...valuesOf(argument, last, '', operands.length))
}

function step(program: Command, place: Place, word: string): Place {
  const { command, operands, expecting, isLiteral } = place
  if (expecting !== null) return { ...place, expecting: null, stateDir: expecting.name() === 'state-dir' ? word : place.stateDir }
  if (isLiteral) return { ...place, operands: [...operands, word] }
  if (word === '--') return { ...place, isLiteral: true }
  if (word.startsWith('-') && word !== '-') {
    const [flag = '', value] = word.split('=', 2)
    const option = findOption(program, command, flag)
    if (option === undefined || !option.required) return place
    return value === undefined ? { ...place, expecting: option } : step(program, { ...place, expecting: option }, value)
  }
  const sub = operands.length > 0 ? undefined : command.commands.find((each) => each.name() === word || each.aliases().includes(word))
  if (sub !== undefined) return { ...place, command: sub }
  return { ...place, operands: [...operands, word], isLiteral: isCommandLine(command) }
}

/** Its operands are a command with arguments: options of ours end where that begins. */
function isCommandLine(command: Command): boolean {
  const [first] = command.registeredArguments
  return first?.name() === 'command' && first.variadic
}

/** Options of the program stand before its verbs; the same with a verb are its own. */
function findOption(program: Command, command: Command, flag: string): Option | undefined {
  return [...command.options, ...program.options].find(({ long, short }) => long === flag || short === flag)
}

function optionsOf(program: Command, command: Command): readonly Candidate[] {
  const own = command.createHelp().visibleOptions(command)
  return (command === program ? own : own.filter(({ long }) => long !== '--version')).map(({ long, short, description }) => ({
    value: long ?? short ?? '',
    description,
  }))
}

function verbsOf(command: Command): readonly Candidate[] {
  const visible = command.createHelp().visibleCommands(command)
  return visible.flatMap((each) => [each.name(), ...each.aliases()].map((value) => ({ value, description: each.description() })))
}

/** @param nth how many of the same operand were given before */
function valuesOf(of: Argument | Option, unfinished: string, prefix = '', nth = 0): [words: readonly Candidate[], more: Candidates['more'], prefix: string] {
  const choices = offersOf(of)
  const kind = 'flags' in of ? (/[<[]([^\]>]+)/.exec(of.flags)?.[1] ?? '') : of.name()
  if (choices.length > 0) {
    const done = kind.endsWith(',...') ? (/^.*,/.exec(unfinished)?.[0] ?? '') : ''
    return [choices.map((choice) => ({ value: `${prefix}${done}${choice}`, description: '' })), 'none', prefix]
  }
  switch (kind) {
    case 'id':
    case 'ID':
      // The name of one that is not there yet.
      return [[], 'long' in of && of.long === '--id' ? 'none' : 'ids', prefix]
    case 'dir':
    case 'directory':
      return [[], 'directories', prefix]
    case 'file':
    case 'path':
      return [[], 'files', prefix]
    case 'command':
      return [[], nth === 0 ? 'commands' : 'files', prefix]
    default:
      return [[], 'none', prefix]
  }
}
