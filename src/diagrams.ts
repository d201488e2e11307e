/** The charts of the machines, as shipped in diagrams/. `npm run diagrams` draws them from the machines. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ProcmanError } from './errors.ts'

const MACHINES = ['process', 'supervisor', 'reconciler'] as const
const EXTENSIONS = { mermaid: 'mmd', svg: 'svg' } as const

export type DiagramName = (typeof MACHINES)[number]
export type DiagramFormat = keyof typeof EXTENSIONS

/** The chart of a machine as text. */
export function diagramOf(name: DiagramName, format: DiagramFormat): string {
  if (!MACHINES.includes(name)) throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', `no machine is called ${String(name)}: ${MACHINES.join(', ')}`)
  if (!Object.hasOwn(EXTENSIONS, format)) {
    throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', `no diagram has the format ${String(format)}: ${Object.keys(EXTENSIONS).join(', ')}`)
  }
  return readFileSync(join(packageRoot(dirname(fileURLToPath(import.meta.url))), 'diagrams', `${name}.${EXTENSIONS[format]}`), 'utf8')
}

/** The nearest folder with a package.json: the same from src/ and from dist/. */
function packageRoot(folder: string): string {
  const parent = dirname(folder)
  return parent === folder || existsSync(join(folder, 'package.json')) ? folder : packageRoot(parent)
}
