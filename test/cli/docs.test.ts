/** docs/cli.md and the program say the same. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { exitCodeOfError } from '../../src/cli/exit-codes.ts'
import type { Io } from '../../src/cli/io.ts'
import { createProgram } from '../../src/cli/program.ts'
import { ERROR_CODES, type ProcmanErrorCode } from '../../src/errors.ts'

const text = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')
const io: Io = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env: {}, cwd: '/', nowMs: () => 0, onSignal: () => () => undefined }
const program = createProgram(io, () => undefined)
const verbs = program
  .createHelp()
  .visibleCommands(program)
  .filter((verb) => verb.name() !== 'help')

/** With those of its own verbs. */
const optionsOf = (verb: (typeof verbs)[number]) =>
  [verb, ...verb.commands].flatMap(({ options }) => options.filter(({ hidden }) => !hidden).map(({ long }) => String(long)))

describe('docs/cli.md', () => {
  it.each(verbs.map((verb) => [verb.name(), verb] as const))('has a section for %s, and all of its options', (name, verb) => {
    expect(text).toMatch(new RegExp(`^### (\`.*\`, )?\`${name}\\b`, 'm'))
    expect(optionsOf(verb).filter((option) => !text.includes(option))).toEqual([])
  })

  it('has no option that there is not', () => {
    const known = new Set([
      '--help',
      '--version',
      ...verbs.flatMap((verb) => [verb, ...verb.commands].flatMap(({ options }) => options.map(({ long }) => long))),
    ])
    expect([...text.matchAll(/--[a-z][a-z-]*/g)].map(([option]) => option).filter((option) => !known.has(option))).toEqual([])
  })

  it.each(Object.keys(ERROR_CODES))('has %s in the row of its exit code', (code) => {
    const row = text.split('\n').find((line) => line.startsWith('| ') && line.includes(`\`${code}\``))
    expect(row?.startsWith(`| ${exitCodeOfError(code as ProcmanErrorCode)} |`)).toBe(true)
  })
})
