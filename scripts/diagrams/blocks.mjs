/** The text of boxes and labels, and how much room it takes. */
import { groupedLinesOf } from './chart.mjs'
import { textWidth } from './text-size.mjs'

export const LABEL = { size: 12, line: 15, padding: 4 }
export const BOX = { title: 15, size: 12, line: 17, padding: 12, head: 30, gap: 8, pill: { size: 11, padding: 7, gap: 6 } }

export function labelSize(lines) {
  const width = Math.max(0, ...lines.map((line) => textWidth(line, LABEL.size)))
  return { width: width + 2 * LABEL.padding, height: lines.length * LABEL.line + LABEL.padding }
}

const invokes = (effects = []) => (effects.length === 0 ? [] : [`invokes ${effects.join(', ')}`])

/** A state, a frame or the note on every state: a title, the tags beside it, the effects and what happens within. */
export function blockOf({ name, id = name, title = id, tags = [], effects, within: reactions = [], final = false }) {
  const within = groupedLinesOf(reactions)
  const { pill } = BOX
  const titleWidth = textWidth(title, BOX.title, true)
  let x = BOX.padding + titleWidth + 10
  const pills = tags.map((text) => {
    const width = textWidth(text, pill.size) + 2 * pill.padding
    const placed = { text, x, width }
    x += width + pill.gap
    return placed
  })
  const heads = invokes(effects)
  const widest = Math.max(
    90,
    pills.length === 0 ? titleWidth + 2 * BOX.padding : x - pill.gap + BOX.padding,
    ...[...heads, ...within].map((line) => textWidth(line, BOX.size) + 2 * BOX.padding),
  )
  const rule = within.length === 0 ? 0 : BOX.gap
  const lines = heads.length + within.length
  const height = BOX.head + lines * BOX.line + rule + (lines === 0 ? 4 : 6)
  return { id, title, titleWidth, pills, heads, within, final, width: widest, height }
}
