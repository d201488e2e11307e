import { expect } from 'vitest'
import type { ProcessInput } from '../../src/api.ts'
import { isProcmanError } from '../../src/errors.ts'
import { type ParsedInput, parseProcessInput } from '../../src/spec/parse.ts'
import type { ProcessSpec } from '../../src/types.ts'

export const parseAll = (input: unknown): ParsedInput => parseProcessInput(input as ProcessInput, () => 'newid')
export const parse = (input: unknown): ProcessSpec => parseAll(input).spec

export function problemsOf(input: unknown): readonly string[] {
  try {
    parse(input)
  } catch (error) {
    if (!isProcmanError(error) || error.code !== 'PROCMAN_INVALID_SPEC') throw error
    expect(error.message).toBe((error.details.problems as string[]).join('; '))
    return error.details.problems as string[]
  }
  return []
}
