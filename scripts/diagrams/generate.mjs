/** Every diagram of the machines it is given: what `npm run diagrams` writes and what the test compares. */
import { mermaidOf } from './mermaid.mjs'
import { svgOf } from './svg.mjs'

/** File names with their contents; `machines` by name. */
export async function generate(machines) {
  const files = new Map()
  for (const [name, machine] of Object.entries(machines)) {
    files.set(`${name}.mmd`, mermaidOf(machine))
    files.set(`${name}.svg`, await svgOf(machine))
  }
  return files
}
