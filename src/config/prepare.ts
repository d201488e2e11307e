/**
 * What is done with a file's values before they are checked: references are filled in, command lines split (before, so that a value with spaces stays one word),
 * and numbers that are texts (`VERSION: 1.10`) taken as they are written.
 */
import type { Read } from './document.ts'
import { isMap, mapFields } from './prepare/fields.ts'
import type { LookUp } from './prepare/interpolate.ts'
import { Preparer } from './prepare/preparer.ts'
import type { Path, Problems } from './problems.ts'

export interface Prepared {
  readonly value: unknown
  /** What scripts of the process that is declared there refer to. */
  readonly scriptEnvOf: (path: Path) => Readonly<Record<string, string>>
}

/** Keys of the top that begin with `x-` are a place for anchors, and left out. */
export function prepare({ value, sourceOf }: Read, lookUp: LookUp, problems: Problems): Prepared {
  const scriptEnv = new Map<string, () => Readonly<Record<string, string>>>()
  const begin = (isTemplate: boolean) => new Preparer({ isTemplate, sourceOf, lookUp, problems })
  const prepareProcess = (given: unknown, path: Path) => {
    const preparer = begin(!isTemplateOff(given))
    scriptEnv.set(path.join('.'), () => preparer.variables.env)
    return preparer.process(given, path)
  }
  const preparePart = (part: unknown, name: string): unknown => {
    if (name === 'processes' && isMap(part)) return mapFields(part, (each, id) => prepareProcess(each, [name, id]))
    if (name === 'managed_processes' && Array.isArray(part)) return part.map((each, index) => prepareProcess(each, [name, index]))
    return begin(false).value(part, [name], false)
  }
  const prepared = isMap(value) ? mapFields(Object.fromEntries(Object.entries(value).filter(([name]) => !name.startsWith('x-'))), preparePart) : value
  return { value: prepared, scriptEnvOf: (path) => scriptEnv.get(path.join('.'))?.() ?? {} }
}

/** What is put in is not filled in again, then, and needs no doubled dollars. */
function isTemplateOff(process: unknown): boolean {
  if (!isMap(process)) return false
  const { management } = process
  const control = isMap(management) && isMap(management.control) ? management.control : {}
  return [process.template, control.template].some((template) => template === false || template === 'false')
}
