/** A directory with files in it, and what `loadProject` makes of them. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import type { ConfigProblem, Project } from '../../src/config/contract.ts'
import { loadProject } from '../../src/config/load.ts'
import type { DesiredProcess } from '../../src/desired.ts'
import { isProcmanError, type ProcmanError } from '../../src/errors.ts'

type Files = Readonly<Record<string, string>>
type Env = Readonly<Record<string, string | undefined>>

export function directoryOf(files: Files): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'procman-config-')))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), text)
  }
  return dir
}

/** @param files the text of procman.yaml, or all files @param path which is read */
export function load(files: string | Files, { env = {}, path }: { readonly env?: Env; readonly path?: string } = {}): Promise<Project> {
  const cwd = directoryOf(typeof files === 'string' ? { 'procman.yaml': files } : files)
  return loadProject({ cwd, env, ...(path === undefined ? {} : { path }) })
}

/** Of one process of the short form, what is made of it. @param lines of its map */
export async function built(lines: string, env: Env = {}): Promise<DesiredProcess> {
  const text = `processes:\n  it:\n${lines.replace(/^(?=.)/gm, '    ')}\n`
  const [process] = (await load(text, { env })).processes
  if (process === undefined) throw new Error('there is no process')
  return process
}

export async function refusalOf(loading: Promise<unknown>): Promise<ProcmanError> {
  const refusal = await loading.then(
    () => null,
    (error: unknown) => error,
  )
  if (!isProcmanError(refusal)) throw new Error(`it was not refused, but ${String(refusal)}`)
  return refusal
}

/** What is wrong, each as `line:column path: message`. */
export async function problemsOf(...given: Parameters<typeof load>): Promise<readonly string[]> {
  const { code, details } = await refusalOf(load(...given))
  expect(code).toBe('PROCMAN_CONFIG_INVALID')
  return (details.problems as readonly ConfigProblem[]).map(({ line, column, path, message }) => `${line ?? '-'}:${column ?? '-'} ${path}: ${message}`)
}
