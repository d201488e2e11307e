/** Tells which argument of a command is code that an interpreter will run. A value that is put into code is run as code. */

export type TextKind = 'text' | 'shell' | 'code'

interface Language {
  readonly kind: 'shell' | 'code'
  /** Names, without a version. */
  readonly programs: readonly string[]
  /** @param before the arguments before it */
  readonly isCode: (argument: string, before: readonly string[]) => boolean
}

const LANGUAGES: readonly Language[] = [
  { kind: 'shell', programs: ['sh', 'bash', 'rbash', 'dash', 'ash', 'zsh', 'ksh', 'mksh', 'csh', 'tcsh'], isCode: isShellScript },
  { kind: 'shell', programs: ['fish'], isCode: after(/^(-[a-z]*[cC]|--(init-)?command)$/, /^--(init-)?command=/) },
  { kind: 'code', programs: ['node', 'nodejs', 'bun', 'tsx', 'deno'], isCode: after(/^(-[a-z]*[ep]|--eval|--print|eval)$/, /^--(eval|print)=/) },
  { kind: 'code', programs: ['perl'], isCode: after(/^-[\w.:]*[eE]$/, /^-[\w.:]*[eE]./) },
  { kind: 'code', programs: ['python', 'pypy'], isCode: after(/^-[A-Za-z]*c$/, /^-[A-Za-z]*c./) },
  { kind: 'code', programs: ['ruby', 'lua', 'luajit'], isCode: after(/^-\w*e$/, /^-\w*e./) },
  { kind: 'code', programs: ['php'], isCode: after(/^(-[a-z]*[rBRE]|--(run|process-(begin|code|end)))$/, /^-[rBRE]./) },
  { kind: 'code', programs: ['awk', 'gawk', 'mawk', 'nawk'], isCode: isAwkProgram },
]

/** They run the command that is given to them as arguments. */
const WRAPPERS = ['busybox', 'chroot', 'doas', 'env', 'exec', 'ionice', 'nice', 'nohup', 'setsid', 'stdbuf', 'sudo', 'time', 'timeout', 'unshare', 'xargs']

/** @param before the arguments before it. @returns `shell` or `code` when the command will run the argument, `text` when it is data */
export function kindOfArgument(argument: string, command: string, before: readonly string[]): TextKind {
  const words = [command, ...before]
  const at = WRAPPERS.includes(programOf(command)) ? words.findIndex((word) => languageOf(word) !== undefined) : 0
  const language = languageOf(words[at])
  return language?.isCode(argument, words.slice(at + 1)) ? language.kind : 'text'
}

function languageOf(word = ''): Language | undefined {
  const program = programOf(word)
  return LANGUAGES.find(({ programs }) => programs.includes(program))
}

/** @returns `python` for `/usr/bin/python3.11` */
function programOf(word: string): string {
  return word.slice(word.lastIndexOf('/') + 1).replace(/[\d.-]+$/, '')
}

/** @param option what code comes after @param joined what it is a part of, where an option of the interpreter itself may stand */
function after(option: RegExp, joined: RegExp): Language['isCode'] {
  return (argument, before) => option.test(before.at(-1) ?? '') || (joined.test(argument) && before.every((word) => word.startsWith('-')))
}

/** What follows -c and all further options, as in `bash -ceuo pipefail SCRIPT`: the first operand. What comes behind it is data. */
function isShellScript(_argument: string, before: readonly string[]): boolean {
  const option = before.findIndex((word) => /^-[A-Za-z]*c[A-Za-z]*$/.test(word))
  if (option < 0) return false
  let operand = option
  while (operand < before.length && /^[-+]/.test(before[operand] ?? '')) operand += /^[-+][A-Za-z]*[oO]$/.test(before[operand] ?? '') ? 2 : 1
  return operand === before.length
}

/** The first operand, unless a file has the program. */
function isAwkProgram(argument: string, before: readonly string[]): boolean {
  if (/^(-e|--source)$/.test(before.at(-1) ?? '') || argument.startsWith('--source=')) return true
  if (before.some((word) => /^(-[fE]|--(file|exec))/.test(word)) || argument.startsWith('-')) return false
  let operand = 0
  while (operand < before.length && before[operand]?.startsWith('-')) operand += /^-[Fvil]$/.test(before[operand] ?? '') ? 2 : 1
  return operand === before.length
}
