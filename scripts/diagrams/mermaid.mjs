/** A chart as Mermaid text. One frame at most: Mermaid does not draw edges between states of different frames. */
import { chartOf, withFrames } from './chart.mjs'

const idOf = (name) => name.replace(/^tag /, '').replaceAll(' ', '_')
const edgeLine = ({ from, to, lines }) => `  ${idOf(from)} --> ${idOf(to)}: ${lines.join('<br/>')}`

function stateLines({ name, tags, effects, within }) {
  const invokes = effects.length === 0 ? [] : [`invokes ${effects.join(', ')}`]
  const tagged = tags.length === 0 ? [] : [`tag ${tags.join(', ')}`]
  return [`  ${idOf(name)}: ${[name, ...tagged, ...invokes, ...within].join('<br/>')}`]
}

function frameLines(frame) {
  return [`  state "${[frame.title, ...frame.within].join('<br/>')}" as ${idOf(frame.id)} {`, ...frame.members.map((name) => `    ${name}`), '  }']
}

export function mermaidOf(machine) {
  const plain = chartOf(machine)
  const sizes = new Map(plain.states.flatMap(({ tags }) => tags).map((tag) => [tag, plain.states.filter((state) => state.tags.includes(tag)).length]))
  const [largest] = [...sizes].sort(([, one], [, other]) => other - one).map(([tag]) => tag)
  const chart = withFrames(plain, (tag) => tag === largest)
  const { everywhere } = chart
  const anywhere = everywhere.effects.length + everywhere.within.length === 0 ? [] : stateLines({ name: everywhere.id, tags: [], ...everywhere })
  return `${[
    'stateDiagram-v2',
    ...chart.states.flatMap(stateLines),
    ...anywhere,
    ...chart.frames.flatMap(frameLines),
    `  [*] --> ${chart.initial}`,
    ...chart.edges.map(edgeLine),
    ...chart.states.filter(({ final }) => final).map(({ name }) => `  ${name} --> [*]`),
  ].join('\n')}\n`
}
