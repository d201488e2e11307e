import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitCommandLine } from '../../src/config/prepare/split.ts'

/** What a real shell makes of the line, in which nothing is expanded. */
function shellWords(line: string): readonly string[] | null {
  const { status, stdout } = spawnSync('sh', ['-fc', `printf '%s\\0' end ${line}`], { encoding: 'utf8' })
  return status === 0 ? stdout.split('\0').slice(1, -1) : null
}

describe('splitCommandLine', () => {
  it('splits as a shell does', () => {
    const piece = fc.constantFrom('a', 'b', 'é', ' ', ' ', '\t', "'", '"', "'x y'", '"x y"', '\\', '\\\\', '\\"', "\\'", '\\ ', '=', '-')
    const lines = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
    fc.assert(
      fc.property(lines, (line) => {
        const words = splitCommandLine(line)
        const right = shellWords(line)
        // A backslash at the end stands for itself in a shell, and nobody means it.
        if ('problem' in words) expect(right === null || line.endsWith('\\')).toBe(true)
        else expect(words).toEqual(right)
      }),
      { numRuns: 80, examples: [[`'\\\\'"x"`], ['"\\$x \\` \\\\ \\a"'], [`''`], ['']] },
    )
  })

  it.each([
    ['node server.js && rm -rf * | x > $HOME ~', ['node', 'server.js', '&&', 'rm', '-rf', '*', '|', 'x', '>', '$HOME', '~']],
    ['say ${env.X:-two words} "${env.Y:-it"s}" a${b c}d', ['say', '${env.X:-two words}', '${env.Y:-it"s}', 'a${b c}d']],
    ['a \\\n  b', ['a', 'b']],
    ['# no comment', ['#', 'no', 'comment']],
  ])('%j: operators are words, and a reference is one', (line, words) => {
    expect(splitCommandLine(line)).toEqual(words)
  })

  it.each([
    ["a 'b", "the quote ' at character 3 is not closed"],
    ['"', 'the quote " at character 1 is not closed'],
    ['a\\', 'there is nothing after the backslash at the end'],
  ])('%j is refused', (line, problem) => {
    expect(splitCommandLine(line)).toEqual({ problem })
  })
})
