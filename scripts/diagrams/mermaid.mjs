/** A chart as Mermaid text. One frame at most: Mermaid does not draw edges between states of different frames. */
import { chartOf, groupedLinesOf, linesOf, withFrames } from './chart.mjs'

const idOf = (name) => name.replace(/^tag /, '').replaceAll(' ', '_')
const edgeLine = ({ from, to, lines }) => `  ${idOf(from)} --> ${idOf(to)}: ${linesOf(lines).join('<br/>')}`

function stateLine({ name, id = name, tags = [], effects, within }) {
  const invokes = effects.length === 0 ? [] : [`invokes ${effects.join(', ')}`]
  const tagged = tags.length === 0 ? [] : [`tag ${tags.join(', ')}`]
  return `  ${idOf(id)}: ${[id, ...tagged, ...invokes, ...groupedLinesOf(within)].join('<br/>')}`
}

function frameLines({ id, title, members }, notes) {
  const inside = [...notes.filter((note) => note.inside === id).map((note) => idOf(note.id)), ...members]
  return [`  state "${title}" as ${idOf(id)} {`, ...inside.map((name) => `    ${name}`), '  }']
}

/** The tag that most states have. */
function widestTag({ states }) {
  const tags = states.flatMap((state) => state.tags)
  const count = (tag) => tags.filter((other) => other === tag).length
  return tags.reduce((widest, tag) => (widest === null || count(tag) > count(widest) ? tag : widest), null)
}

export function mermaidOf(machine) {
  const plain = chartOf(machine)
  const widest = widestTag(plain)
  const { states, notes, frames, edges, initial } = withFrames(plain, (tag) => tag === widest)
  const lines = [
    'stateDiagram-v2',
    ...[...states, ...notes].map(stateLine),
    ...frames.flatMap((frame) => frameLines(frame, notes)),
    `  [*] --> ${initial}`,
    ...edges.map(edgeLine),
    ...states.filter(({ final }) => final).map(({ name }) => `  ${name} --> [*]`),
    '  classDef note stroke-dasharray: 5 4',
    ...notes.map(({ id }) => `  class ${idOf(id)} note`),
  ]
  return `${lines.join('\n')}\n`
}
