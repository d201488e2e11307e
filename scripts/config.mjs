/** Writes schema/procman.schema.json and docs/config.md from the built schema of config files: `npm run config`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { configJsonSchema } from '../dist/config/json-schema.js'
import { generate } from './config/generate.mjs'

const root = new URL('../', import.meta.url)
mkdirSync(new URL('schema/', root), { recursive: true })
for (const [name, text] of generate(configJsonSchema())) writeFileSync(new URL(name, root), text)
