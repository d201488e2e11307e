/** The help of every verb has examples, and they are right. */
import type { Command } from 'commander'
import { split } from 'shlex'
import { describe, expect, it } from 'vitest'
import { examplesOf } from '../../src/cli/examples.ts'
import type { Io } from '../../src/cli/io.ts'
import { createProgram } from '../../src/cli/program.ts'

const io: Io = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env: {}, cwd: '/', nowMs: () => 0, onSignal: () => () => undefined }

/** Where the verbs are parsed, and do nothing. */
function idleProgram(): { program: Command; called: string[] } {
  const called: string[] = []
  const program = createProgram(io, () => undefined)
  const idle = (command: Command): void => {
    if (command.commands.length === 0) command.action(() => void called.push(pathOf(command)))
    for (const sub of command.commands) idle(sub)
  }
  idle(program)
  return { program, called }
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}

function partsOf(verb: Command): readonly Command[] {
  return verb.commands.length === 0 ? [verb] : [verb, ...verb.commands.filter((each) => each.name() !== 'help').flatMap(partsOf)]
}

const program = createProgram(io, () => undefined)
const visible = program.createHelp().visibleCommands(program)
const verbs = visible.filter((verb) => verb.name() !== 'help').map((verb) => [verb.name(), verb] as const)

describe('help', () => {
  it.each(verbs)('of %s has examples, which the command line takes', async (_name, verb) => {
    const examples = partsOf(verb).flatMap(examplesOf)
    expect(examples).not.toEqual([])
    for (const example of examples) {
      const [line = ''] = example.split(/ (?:[|>]|&&) /)
      const [first, ...words] = split(line)
      const { program, called } = idleProgram()
      await program.parseAsync(words, { from: 'user' })
      expect([first, ...called]).toEqual(['procman', expect.stringMatching(new RegExp(`^${pathOf(verb)}\\b`))])
    }
  })

  it('has every verb in a group of its own kind', () => {
    const program = createProgram(io, () => undefined)
    const headings = [...program.helpInformation().matchAll(/^(\S.*:)$/gm)].map(([, heading]) => heading)
    expect(headings).not.toContain('Commands:')
    expect(headings).toEqual(expect.arrayContaining(['Processes:', 'Look:', 'Maintenance:']))
  })
})
