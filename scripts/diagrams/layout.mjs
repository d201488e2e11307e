/** Where everything goes: the chart as a graph for ELK, and ELK's answer. */
import ELK from 'elkjs/lib/elk.bundled.js'
import { blockOf, labelSize } from './blocks.mjs'

const OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.randomSeed': '1',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.padding': '[top=24,left=24,bottom=24,right=24]',
  'elk.layered.cycleBreaking.strategy': 'MODEL_ORDER',
  'elk.layered.considerModelOrder.strategy': 'PREFER_EDGES',
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

function frameNode(block, children) {
  return {
    id: block.id,
    layoutOptions: {
      ...OPTIONS,
      'elk.padding': `[top=${block.height + 16},left=20,bottom=20,right=20]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${block.width}, ${block.height})`,
    },
    children,
  }
}

function edgeOf(edge, index) {
  const label = { ...labelSize(edge.lines), text: edge.lines.join('\n'), layoutOptions: { 'elk.edgeLabels.inline': 'true', 'elk.edgeLabels.placement': 'CENTER' } }
  return { id: `edge ${index}`, sources: [edge.from], targets: [edge.to], labels: edge.lines.length === 0 ? [] : [label] }
}

const flat = (node) => (node.children ?? []).flatMap((child) => [child, ...flat(child)])

/** Boxes by id, edges with their points and labels, and the size of it all. */
export async function layOut(chart, start) {
  const blocks = [...chart.states, ...chart.frames, ...chart.notes].map(blockOf)
  const byId = new Map(blocks.map((block) => [block.id, block]))
  const inFrame = new Set(chart.frames.flatMap(({ members }) => members))
  const framesAt = new Map(chart.frames.map((frame) => [frame.members[0], frame]))
  const nodes = chart.states.flatMap(({ name }) => {
    const frame = framesAt.get(name)
    if (frame !== undefined)
      return [
        frameNode(
          byId.get(frame.id),
          frame.members.map((member) => leaf(byId.get(member))),
        ),
      ]
    return inFrame.has(name) ? [] : [leaf(byId.get(name))]
  })
  const edges = [{ from: start.id, to: chart.initial, lines: [] }, ...chart.edges]
  const graph = await new ELK().layout({
    id: 'root',
    layoutOptions: OPTIONS,
    children: [{ id: start.id, width: start.size, height: start.size }, ...nodes, ...chart.notes.map(({ id }) => leaf(byId.get(id)))],
    edges: edges.map(edgeOf),
  })
  return {
    width: graph.width,
    height: graph.height,
    places: new Map(flat(graph).map((node) => [node.id, node])),
    blocks: byId,
    edges: graph.edges.map((edge) => ({
      lines: edge.labels[0]?.text.split('\n') ?? [],
      label: edge.labels[0] ?? null,
      points: edge.sections.flatMap(({ startPoint, bendPoints = [], endPoint }) => [startPoint, ...bendPoints, endPoint]),
    })),
  }
}
