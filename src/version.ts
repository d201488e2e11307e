import { readFileSync } from 'node:fs'

/** From package.json, which is one folder up both from src and from dist. */
export function readVersion(): string {
  const found: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return typeof found === 'object' && found !== null && 'version' in found ? String(found.version) : 'unknown'
}
