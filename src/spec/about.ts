/** What the parts of a spec are read against. */
import { isAbsolute, join, resolve } from 'node:path'
import type { PortSpec } from '../types.ts'

/** What the checks of a spec's probes must know of the rest of it. */
export interface About {
  /** Absolute, or beginning with a template. */
  readonly cwd: string
  /** What stands for the only port of the process; null: it has none, or several, or no templates. */
  readonly ownPort: string | null
  readonly ports: Readonly<Record<string, PortSpec>>
  readonly template: boolean
}

/** @param base what a relative path starts from; a path that begins with a template is made out at launch */
export function pathFrom(base: string, path: string, template: boolean): string {
  if (template && path.startsWith('${')) return path
  return isAbsolute(base) || isAbsolute(path) ? resolve(base, path) : join(base, path)
}

/** The text as it may be once its templates are filled in: good enough to tell whether it is a URL or a port. */
export function sampleOf(text: string, { template }: Pick<About, 'template'>): string {
  return template ? text.replace(/\$\{[^}]*\}/g, '1') : text
}
