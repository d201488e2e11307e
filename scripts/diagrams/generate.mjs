/** Every diagram of the machines it is given: what `npm run diagrams` writes and what the test compares. */
import { chartOf, partOf, withFrames } from './chart.mjs'
import { mermaidOf } from './mermaid.mjs'
import { PARTS } from './parts.mjs'
import { svgOf } from './svg.mjs'

/** File names with their contents; `machines` by name. */
export async function generate(machines) {
  const files = new Map()
  for (const [name, machine] of Object.entries(machines)) {
    const chart = withFrames(chartOf(machine))
    files.set(`${name}.mmd`, mermaidOf(machine))
    files.set(`${name}.svg`, await svgOf(chart))
    for (const [part, selection] of Object.entries(PARTS[name] ?? {})) files.set(`${part}.svg`, await svgOf(partOf(chart, selection)))
  }
  return files
}
