import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES } from '../../src/errors.ts'

describe('docs/errors.md', () => {
  const text = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  const documented = [...text.matchAll(/^\| `(PROCMAN_\w+)`/gm)].map((match) => match[1])

  it('documents every error code there is, and no other', () => {
    expect(documented.sort()).toEqual(Object.keys(ERROR_CODES).sort())
  })
})
