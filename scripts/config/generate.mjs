/** The files that are made from the schema of config files. */
import { readFileSync } from 'node:fs'
import { tablesOf } from './tables.mjs'

const TEMPLATE = new URL('page.md', import.meta.url)

/** @returns texts by path from the root of the project */
export function generate(schema) {
  return new Map([
    ['schema/procman.schema.json', `${JSON.stringify(schema, null, 2)}\n`],
    ['docs/config.md', readFileSync(TEMPLATE, 'utf8').replace('<!-- tables -->\n', () => tablesOf(schema))],
  ])
}
