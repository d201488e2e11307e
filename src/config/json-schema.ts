/** The schema of config files as JSON Schema (draft 2020-12): for editors, and for the reference page. */
import * as z from 'zod'
import { config } from './schema.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

export function configJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(config, {
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      // zod leaves out the default of what is transformed: here it is told in words of the file.
      const fallback = z.globalRegistry.get(zodSchema)?.default
      if (fallback !== undefined) jsonSchema.default = fallback as never
    },
  })
  const { $schema, title, description, ...rest } = schema
  return { $schema, title, description, ...rest, patternProperties: { '^x-': {} } }
}
