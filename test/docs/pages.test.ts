/** What the pages say is what the code does: their examples are accepted, their figures are right, their links lead somewhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { ProcessInput } from '../../src/api.ts'
import { backoffDelay } from '../../src/machines/process/restart.ts'
import { parseProcessInput } from '../../src/spec/parse.ts'

const root = new URL('../../', import.meta.url)
const read = (page: string) => readFileSync(new URL(page, root), 'utf8')
const markdown = (folder: string) => readdirSync(new URL(folder, root)).flatMap((name) => (name.endsWith('.md') ? [`${folder}${name}`] : []))
const pages = ['README.md', ...markdown('docs/'), ...markdown('docs/decisions/')]

describe.each(['docs/health.md', 'docs/restart.md', 'docs/ports.md'])('%s', (page) => {
  const examples = [...read(page).matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = ''], index) => [index + 1, code.replace(/^import .*\n/gm, '')] as const)

  it.each(examples)('has examples that are accepted: %i', async (_number, code) => {
    const asked: string[] = []
    const accept = async (input: ProcessInput) => {
      const { id } = parseProcessInput(input, () => 'generated').spec
      asked.push(id)
      return { id }
    }
    const note = async (what: unknown) => asked.push(String(what))
    const supervisor = { start: accept, waitFor: note, get: () => ({ ports: {} }) }
    // In a block of its own, where it may declare what is given to it.
    const run = new Function('createSupervisor', 'waitForHealth', 'supervisor', 'stateDir', 'console', `return (async () => {{${code}}})()`)
    await run(async () => supervisor, note, supervisor, '/nowhere', { log: () => {} })
    expect(asked).not.toEqual([])
  })
})

describe('docs/restart.md', () => {
  const rowOf = (name: string) =>
    (read('docs/restart.md').match(new RegExp(`^\\| ${name} +\\|(.*)\\|$`, 'm'))?.[1] ?? '').split('|').map((cell) => Number(cell.trim()))
  const { restart } = parseProcessInput({ command: 'x', restart: 'always' }, () => 'x').spec

  it.each([
    ['wait', 0.5, 0],
    ['with jitter, from', 0, restart.jitter],
    ['with jitter, to', 1, restart.jitter],
  ] as const)('tells the waits that there are by default: %s', (row, draw, jitter) => {
    const waits = Array.from({ length: 12 }, (_, attempts) => (Math.round(backoffDelay({ ...restart, jitter }, attempts, draw) / 100) / 10).toFixed(1))
    expect(rowOf(row).map((seconds) => seconds.toFixed(1))).toEqual(waits)
  })

  it.each(['maxAttempts', 'windowMs', 'delayMs', 'multiplier', 'maxDelayMs', 'jitter', 'resetAfterMs'] as const)('tells the default of %s', (name) => {
    const [, told = ''] = read('docs/restart.md').match(new RegExp(`^\\| \`${name}\` +\\| ([\\d .]+?) +\\|`, 'm')) ?? []
    expect(Number(told.replaceAll(' ', ''))).toBe(restart[name])
  })
})

describe.each(pages)('the links of %s', (page) => {
  const targets = [
    ...read(page)
      .replace(/```.*?```/gs, '')
      .matchAll(/\]\(([^)]+)\)/g),
  ].map(([, target = '']) => target)
  const local = targets.filter((target) => !/^https?:/.test(target))

  it('lead to files and headings that there are', () => {
    const broken = local.filter((target) => {
      const [file = '', anchor] = target.split('#')
      const url = new URL(file === '' ? page : new URL(file, new URL(page, root)), root)
      return !existsSync(url) || (anchor !== undefined && !anchorsOf(readFileSync(url, 'utf8')).includes(anchor))
    })
    expect(broken).toEqual([])
  })
})

/** As GitHub makes them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
