/** A chart as an SVG: no scripts, no fonts of its own, the same bytes on every run. */
import { BOX, LABEL } from './blocks.mjs'
import { layOut } from './layout.mjs'

const START = { id: 'start', size: 14 }
const RADIUS = 6
const STYLE = `text{font-family:Arial,Helvetica,'Liberation Sans',sans-serif;font-size:${BOX.size}px;fill:#1f2937}
.title{font-size:${BOX.title}px;font-weight:bold}
.invokes{font-style:italic;fill:#4b5563}
.within{fill:#374151}
.pill{font-size:${BOX.pill.size}px;fill:#1e40af}
.label{font-size:${LABEL.size}px;text-anchor:middle}
.edge{fill:none;stroke:#64748b;stroke-width:1.5}`

const round = (value) => Math.round(value * 10) / 10
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
const attributes = (values) =>
  Object.entries(values)
    .map(([name, value]) => ` ${name}="${typeof value === 'number' ? round(value) : escaped(value)}"`)
    .join('')
const rect = (values) => `<rect${attributes(values)}/>`
const text = (x, y, kind, content) => `<text${attributes({ x, y, class: kind })}>${escaped(content)}</text>`

const LOOKS = {
  state: { fill: '#f8fafc', stroke: '#334155', 'stroke-width': 1.5 },
  frame: { fill: '#eff6ff', stroke: '#93c5fd', 'stroke-width': 1.5 },
  note: { fill: '#fffbeb', stroke: '#d97706', 'stroke-width': 1.5, 'stroke-dasharray': '5 4' },
}

function box(block, place, look) {
  const { x, y, width, height } = place
  const outer = rect({ class: look, x, y, width, height, rx: 8, ...LOOKS[look] })
  const inner = rect({ x: x + 4, y: y + 4, width: width - 8, height: height - 8, rx: 5, ...LOOKS[look], fill: 'none', 'stroke-width': 1 })
  const title = text(x + BOX.padding, y + 21, 'title', block.title)
  const pills = block.pills.flatMap((pill) => [
    rect({ x: x + pill.x, y: y + 8, width: pill.width, height: 18, rx: 9, fill: '#dbeafe' }),
    text(x + pill.x + BOX.pill.padding, y + 21, 'pill', pill.text),
  ])
  const top = y + BOX.head + 10
  const heads = block.heads.map((line, index) => text(x + BOX.padding, top + index * BOX.line, 'invokes', line))
  const ruleY = y + BOX.head + block.heads.length * BOX.line + 3
  const rule = block.within.length > 0 ? [`<path${attributes({ d: `M${round(x)} ${round(ruleY)}h${round(width)}`, stroke: '#cbd5e1' })}/>`] : []
  const under = top + block.heads.length * BOX.line + BOX.gap
  const within = block.within.map((line, index) => text(x + BOX.padding, under + index * BOX.line, 'within', line))
  return [outer, ...(block.final ? [inner] : []), title, ...pills, ...heads, ...rule, ...within]
}

/** A line through the points with round corners. */
function pathOf(points) {
  const near = (from, to) => {
    const length = Math.hypot(to.x - from.x, to.y - from.y)
    const share = Math.min(RADIUS, length / 2) / (length || 1)
    return `${round(from.x + (to.x - from.x) * share)} ${round(from.y + (to.y - from.y) * share)}`
  }
  return points
    .map((point, index) => {
      const before = points[index - 1]
      const after = points[index + 1]
      if (before === undefined) return `M${round(point.x)} ${round(point.y)}`
      return after === undefined ? `L${round(point.x)} ${round(point.y)}` : `L${near(point, before)}Q${round(point.x)} ${round(point.y)} ${near(point, after)}`
    })
    .join('')
}

const edgePath = ({ points }) => `<path${attributes({ class: 'edge', d: pathOf(points), 'marker-end': 'url(#arrow)' })}/>`

function labelText({ label, lines }) {
  if (label === null) return []
  const { x, y, width, height } = label
  return [
    rect({ class: 'ground', x, y, width, height, rx: 4, fill: '#ffffff' }),
    ...lines.map((line, index) => text(x + width / 2, y + LABEL.padding / 2 + 11.5 + index * LABEL.line, 'label', line)),
  ]
}

const dot = (place) =>
  place === undefined ? [] : [`<circle${attributes({ cx: place.x + START.size / 2, cy: place.y + START.size / 2, r: START.size / 2, fill: '#334155' })}/>`]

export async function svgOf(chart) {
  const { places, blocks, edges, width, height } = await layOut(chart, START)
  const draw = (ids, look) => ids.flatMap((id) => box(blocks.get(id), places.get(id), look))
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg"${attributes({ width: Math.ceil(width), height: Math.ceil(height), viewBox: `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`, role: 'img' })}>`,
    `<title>${escaped(chart.title)}</title>`,
    `<style>${STYLE}</style>`,
    '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L10 5L0 10z" fill="#64748b"/></marker></defs>',
    rect({ x: 0, y: 0, width: Math.ceil(width), height: Math.ceil(height), rx: 8, fill: '#ffffff' }),
    ...draw(
      chart.frames.map(({ id }) => id),
      'frame',
    ),
    ...edges.map(edgePath),
    ...draw(
      chart.notes.map(({ id }) => id),
      'note',
    ),
    ...draw(
      chart.states.map(({ name }) => name),
      'state',
    ),
    ...dot(places.get(START.id)),
    ...edges.flatMap(labelText),
    '</svg>',
  ]
  return `${parts.join('\n')}\n`
}
