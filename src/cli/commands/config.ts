/** `config`: the schema of config files, and what one comes to. */
import type { Cli } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { write } from '../io.ts'
import { renderJson } from '../render/json.ts'

/** `config schema`: the JSON Schema, for editors. */
export async function configSchema({ io }: Cli): Promise<number> {
  const { configJsonSchema } = await import('../../config/json-schema.ts')
  await write(io.stdout, renderJson(configJsonSchema()))
  return EXIT.done
}

/** `config show`: what the file comes to, references filled in and replicas spread out. Values that look secret are not shown. */
export async function configShow({ io }: Cli, options: { readonly config?: string }): Promise<number> {
  const [{ loadProject }, { sanitizeContext }] = await Promise.all([import('../../config/load.ts'), import('../../sanitize.ts')])
  const project = await loadProject({ cwd: io.cwd, env: io.env, ...(options.config === undefined ? {} : { path: options.config }) })
  await write(io.stdout, renderJson(sanitizeContext(project)))
  return EXIT.done
}
