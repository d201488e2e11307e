/** Where everything goes: the chart as a graph for ELK, and ELK's answer. */
import ELK from 'elkjs/lib/elk.bundled.js'
import { blockOf, labelSize } from './blocks.mjs'
import { linesOf } from './chart.mjs'

const OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.randomSeed': '1',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.padding': '[top=24,left=24,bottom=24,right=24]',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.layered.nodePlacement.favorStraightEdges': 'true',
  'elk.spacing.nodeNode': '30',
  'elk.spacing.edgeEdge': '14',
  'elk.spacing.edgeNode': '18',
  'elk.spacing.edgeLabel': '4',
  'elk.spacing.labelLabel': '8',
  'elk.layered.spacing.nodeNodeBetweenLayers': '26',
  'elk.layered.spacing.edgeNodeBetweenLayers': '16',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '12',
}

const leaf = (block) => ({ id: block.id, width: block.width, height: block.height })

/** Arrows into a frame come from above: its title stands over its note, or has a column of its own. */
function frameNode(block, notes, states) {
  const left = notes.length > 0 ? 20 : block.titleWidth + 24
  return {
    id: block.id,
    layoutOptions: {
      ...OPTIONS,
      'elk.padding': `[top=${block.height},left=${left},bottom=20,right=20]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${block.width}, ${block.height})`,
    },
    children: [...notes, ...states],
  }
}

/** Edges between neighbours go to ELK in the order of the states in the machine, so that the first state is on top: one that leads back is turned round here, and its points again in the answer. */
function edgeOf({ from, to, lines }, index, leadsBack) {
  const label = { ...labelSize(lines), text: lines.join('\n'), layoutOptions: { 'elk.edgeLabels.inline': 'true', 'elk.edgeLabels.placement': 'CENTER' } }
  const [source, target] = leadsBack ? [to, from] : [from, to]
  return { id: `edge ${index}`, sources: [source], targets: [target], labels: lines.length === 0 ? [] : [label] }
}

const flat = (node) => (node.children ?? []).flatMap((child) => [child, ...flat(child)])

/** @param start the dot before the initial state, which a part of a chart may not have. @returns boxes by id, edges with their points and labels, and the size of it all. A note with the id of a frame as `inside` stands in that frame. */
export async function layOut(chart, start) {
  const blocks = new Map([...chart.states, ...chart.frames, ...chart.notes].map(blockOf).map((block) => [block.id, block]))
  const leafOf = (id) => leaf(blocks.get(id))
  const notesIn = (frame) => chart.notes.filter(({ inside }) => inside === frame).map(({ id }) => leafOf(id))
  const frames = chart.frames.map(({ id, members }) => ({ id, members, node: frameNode(blocks.get(id), notesIn(id), members.map(leafOf)) }))
  const nodes = chart.states.flatMap(({ name }) => {
    const frame = frames.find(({ members }) => members.includes(name))
    if (frame === undefined) return [leafOf(name)]
    return frame.members[0] === name ? [frame.node] : []
  })
  const begins = chart.initial !== null
  const children = [...(begins ? [{ id: start.id, width: start.size, height: start.size }] : []), ...notesIn(undefined), ...nodes]
  const order = flat({ children }).map(({ id }) => id)
  const frameOf = (id) => frames.find(({ members }) => members.includes(id))
  const edges = [...(begins ? [{ from: start.id, to: chart.initial, lines: [] }] : []), ...chart.edges].map((edge) => ({
    ...edge,
    lines: linesOf(edge.lines),
    leadsBack: frameOf(edge.from) === frameOf(edge.to) && order.indexOf(edge.from) > order.indexOf(edge.to),
  }))
  const graph = await new ELK().layout({ id: 'root', layoutOptions: OPTIONS, children, edges: edges.map((edge, index) => edgeOf(edge, index, edge.leadsBack)) })
  return {
    width: graph.width,
    height: graph.height,
    places: new Map(flat(graph).map((node) => [node.id, node])),
    blocks,
    edges: graph.edges.map(({ sections, labels }, index) => {
      const points = sections.flatMap(({ startPoint, bendPoints = [], endPoint }) => [startPoint, ...bendPoints, endPoint])
      return { lines: edges[index].lines, label: labels[0] ?? null, points: edges[index].leadsBack ? points.reverse() : points }
    }),
  }
}
