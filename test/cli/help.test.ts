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

function leavesOf(command: Command): readonly Command[] {
  const visible = command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help')
  return visible.flatMap((each) => (each.commands.length === 0 ? [each] : leavesOf(each)))
}

const verbs = leavesOf(createProgram(io, () => undefined)).map((verb) => [pathOf(verb), verb] as const)

describe('help', () => {
  it.each(verbs)('of %s has examples, which the command line takes', async (path, verb) => {
    const examples = examplesOf(verb)
    expect(examples).not.toEqual([])
    for (const example of examples) {
      const [line = ''] = example.split(/ (?:[|>]|&&) /)
      const [first, ...words] = split(line)
      const { program, called } = idleProgram()
      await program.parseAsync(words, { from: 'user' })
      expect([first, called]).toEqual(['procman', [path]])
    }
  })

  it('has every verb in a group of its own kind', () => {
    const program = createProgram(io, () => undefined)
    const headings = [...program.helpInformation().matchAll(/^(\S.*:)$/gm)].map(([, heading]) => heading)
    expect(headings).not.toContain('Commands:')
    expect(headings).toEqual(expect.arrayContaining(['Processes:', 'Look:', 'Maintenance:']))
  })
})
