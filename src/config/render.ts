/** Problems as text for a terminal: place, path, sentence, and the line with a mark under what is meant. */
import { escapeControls } from '../escape.ts'
import type { LocatedProblem, Place } from './problems.ts'

/** Of a long line this much is shown. */
const MOST_COLUMNS = 120
const BEFORE = 40

/** @param name how the file is called to people @param text what it says; null: it is not shown */
export function renderProblems(problems: readonly LocatedProblem[], name: string, text: string | null): string {
  const lines = text?.split(/\r\n|\n|\r/) ?? []
  const head = problems.length === 1 ? `there is a problem in ${name}` : `there are ${problems.length} problems in ${name}`
  return [escapeControls(head), ...problems.map((problem) => renderProblem(problem, name, lines))].join('\n')
}

function renderProblem({ place, path, message }: LocatedProblem, name: string, lines: readonly string[]): string {
  const where = place === null ? name : `${name}:${place.line}:${place.column}`
  const sentence = escapeControls(`${where}: ${path === '' ? '' : `${path}: `}${message}`)
  const line = place === null ? undefined : lines[place.line - 1]
  return place === null || line === undefined ? sentence : `${sentence}\n${renderMark(line, place)}`
}

function renderMark(line: string, { line: number, column, length }: Place): string {
  const from = column - 1 > MOST_COLUMNS - BEFORE ? column - 1 - BEFORE : 0
  const shown = line.slice(from, from + MOST_COLUMNS)
  const before = printable(line.slice(from, column - 1))
  const marked = printable(line.slice(column - 1, Math.min(column - 1 + length, from + MOST_COLUMNS)))
  const gutter = String(number)
  const indent = `  ${' '.repeat(gutter.length)} | `
  return `  ${gutter} | ${printable(shown)}\n${indent}${' '.repeat(before.length)}${'^'.repeat(Math.max(1, marked.trimEnd().length))}`
}

function printable(text: string): string {
  return escapeControls(text.replaceAll('\t', ' '))
}
