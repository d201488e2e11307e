/** The example's service host and how one talks to it, for the tests of both of its programs. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Status {
  readonly status: string
  readonly instance: string | null
  readonly db: string
  readonly starts: number
  readonly port: number
  readonly pid: number
  readonly uptimeMs: number
  readonly wasm: { readonly bytes: number; readonly result: number }
  readonly requests: number
}

/** A file of the example. */
export function exampleFile(name: string): string {
  return fileURLToPath(new URL(`../../examples/servicehost/${name}`, import.meta.url))
}

export async function statusOf(port: number): Promise<Status> {
  const response = await fetch(`http://127.0.0.1:${port}/api/status`)
  if (response.status !== 200) throw new Error(`status ${response.status}: ${await response.text()}`)
  return (await response.json()) as Status
}

export function post(port: number, path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST' })
}

/** What the database says. */
export function startsIn(path: string): number {
  return JSON.parse(readFileSync(path, 'utf8')).starts
}

/** FNV-1a, 32 bits, without the module: what it has to come to. */
export function checksumOf(text: string): number {
  return Buffer.from(text).reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 0x811c9dc5 | 0) >>> 0
}
