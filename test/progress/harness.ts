import { readFileSync } from 'node:fs'
import type { Progress, ProgressSpec } from '../../src/output.ts'
import { OutputLines, ProgressReader } from '../../src/progress.ts'

const FIXTURES = new URL('../fixtures/progress/', import.meta.url)

/** What is understood of an output, in turn, each line a tenth of a second after the one before. */
export function progressOf(output: string, spec: ProgressSpec = { kind: 'auto' }): readonly Progress[] {
  const reader = new ProgressReader(spec)
  const lines = new OutputLines()
  const seen: Progress[] = []
  let atMs = 0
  for (const { text } of [...lines.write(output), { text: lines.rest }]) {
    if (text.trim() !== '') atMs += 100
    reader.take(text, atMs)
    if (reader.progress !== null && reader.progress !== seen.at(-1)) seen.push(reader.progress)
  }
  return seen
}

/** What a real tool has printed to a file. */
export function sample(name: string): string {
  return readFileSync(new URL(`${name}.txt`, FIXTURES), 'utf8')
}

export function percentsOf(output: string, spec?: ProgressSpec): readonly (number | null)[] {
  return progressOf(output, spec).map(({ percent }) => percent)
}
