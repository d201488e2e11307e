/** Maps of a config file: of plain data, never regular expressions or functions, which a module may have. */
import { kindOf } from '../schema/leaf.ts'

export type Fields = Readonly<Record<string, unknown>>

export function isMap(value: unknown): value is Fields {
  return kindOf(value) === 'map'
}

export function mapFields(fields: Fields, map: (value: unknown, name: string) => unknown): Fields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, map(value, name)]))
}
