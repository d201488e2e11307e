/** What a picture of a flat machine shows, read from the machine itself: states, frames around states with the same tag, and edges. */

const EVERYWHERE = 'every state'

const nameOf = (thing) => (typeof thing === 'string' ? thing : (thing?.type ?? 'inline'))

/**
 * Everything that a node (a state, or the root for every state) reacts to, in the order in which it is tried: the event, and what is said of it: `guard` as in
 * ` [guard]`, `actions` as in ` / action, action`.
 */
function reactionsOf(node) {
  const always = (node.always ?? []).map((transition) => ({ event: 'always', transition }))
  const on = [...node.transitions].flatMap(([event, transitions]) => transitions.map((transition) => ({ event, transition })))
  return [...always, ...on].map(({ event, transition }) => {
    const actions = transition.actions.map(nameOf).join(', ')
    return {
      event,
      target: transition.target?.[0]?.key ?? null,
      guard: transition.guard === undefined ? '' : ` [${nameOf(transition.guard)}]`,
      actions: actions === '' ? '' : ` / ${actions}`,
    }
  })
}

/** Reactions that stay in the state; one that enters the state again says so. */
const withinOf = (key, reactions) =>
  reactions
    .filter(({ target }) => target === null || target === key)
    .map(({ event, target, guard, actions }) => ({ event, said: `${guard}${actions}${target === null ? '' : ' (re-enters)'}` }))

const edgesOf = (from, reactions) => {
  const targets = new Set(reactions.map(({ target }) => target).filter((target) => target !== null && target !== from))
  return [...targets].map((to) => ({ from, to, lines: reactions.filter(({ target }) => target === to).map(({ event, guard }) => ({ event, said: guard })) }))
}

/** What is drawn: a line for each. */
export const linesOf = (reactions) => reactions.map(({ event, said }) => `${event}${said}`)

/** The same with events of which the same is said in one line. */
export const groupedLinesOf = (reactions) =>
  [...new Set(reactions.map(({ said }) => said))].map((said) => `${reactions.flatMap((each) => (each.said === said ? [each.event] : [])).join(', ')}${said}`)

const isIn = (reactions, { event, said }) => reactions.some((each) => each.event === event && each.said === said)
const sameEdge = (one, other) => one.to === other.to && linesOf(one.lines).join('\n') === linesOf(other.lines).join('\n')

/** What happens within each of the states. */
const withinAll = ([first, ...others]) => first.within.filter((reaction) => others.every(({ within }) => isIn(within, reaction)))
const without = (states, shared) => states.map((state) => ({ ...state, within: state.within.filter((reaction) => !isIn(shared, reaction)) }))

/** Edges that all of the states have: drawn once, from the frame around them. */
function edgesOfAll([first, ...others], edges) {
  const outgoing = (state) => edges.filter(({ from }) => from === state.name)
  return outgoing(first).filter((edge) => others.every((state) => outgoing(state).some((candidate) => sameEdge(edge, candidate))))
}

/** A box of its own for what holds in several states, unless there is nothing to say. */
const noteOf = (note) => (note.effects.length + note.within.length === 0 ? [] : [note])

/** Moves what the states of one tag share to a frame with the name of the tag. */
function framed(chart, tag) {
  const members = chart.states.filter((state) => state.tags.includes(tag))
  const within = withinAll(members)
  const shared = edgesOfAll(members, chart.edges)
  const names = members.map(({ name }) => name)
  const frame = { id: `tag ${tag}`, title: tag, members: names }
  const untagged = without(members, within).map((state) => ({ ...state, tags: state.tags.filter((own) => own !== tag) }))
  return {
    ...chart,
    frames: [...chart.frames, frame],
    notes: [...chart.notes, ...noteOf({ id: `every ${tag} state`, inside: frame.id, effects: [], within })],
    states: chart.states.map((state) => untagged.find(({ name }) => name === state.name) ?? state),
    edges: [
      ...chart.edges.filter((edge) => !(names.includes(edge.from) && shared.some((common) => sameEdge(common, edge)))),
      ...shared.map((edge) => ({ ...edge, from: frame.id })),
    ],
  }
}

/** The chart of a machine without frames. The note `every state` is what the machine itself does, and what happens within all of its states. */
export function chartOf(machine) {
  const { root } = machine
  const rootReactions = reactionsOf(root)
  const nodes = Object.values(root.states)
  const states = nodes.map((state) => ({
    name: state.key,
    tags: [...state.tags],
    effects: state.invoke.map(({ src }) => nameOf(src)),
    final: state.type === 'final',
    within: withinOf(state.key, reactionsOf(state)),
  }))
  const shared = withinAll(states)
  return {
    title: `The states of the ${machine.id} machine`,
    initial: root.initial.target[0].key,
    states: without(states, shared),
    notes: noteOf({ id: EVERYWHERE, effects: root.invoke.map(({ src }) => nameOf(src)), within: [...withinOf(root.key, rootReactions), ...shared] }),
    frames: [],
    edges: [...nodes.flatMap((state) => edgesOf(state.key, reactionsOf(state))), ...edgesOf(EVERYWHERE, rootReactions)],
  }
}

/** Frames around the states of every tag that at least two states have and that `wanted` accepts. */
export function withFrames(chart, wanted = () => true) {
  const tags = [...new Set(chart.states.flatMap((state) => state.tags))]
  const common = tags.filter((tag) => chart.states.filter((state) => state.tags.includes(tag)).length > 1)
  return common.filter((tag) => wanted(tag)).reduce(framed, chart)
}

/**
 * A part of a chart: some of its states, the edges between them by some events, and what happens within them on some events.
 * @throws when it names what the chart does not have
 */
export function partOf(chart, { title, states, edges, within }) {
  const kept = (reactions, events) => reactions.filter(({ event }) => events.includes(event))
  const only = (boxes) => boxes.map((box) => ({ ...box, within: kept(box.within, within) }))
  const frames = chart.frames
    .map((frame) => ({ ...frame, members: frame.members.filter((name) => states.includes(name)) }))
    .filter(({ members }) => members.length > 0)
  const places = [...states, ...frames.map(({ id }) => id)]
  const part = {
    title,
    initial: states.includes(chart.initial) ? chart.initial : null,
    states: only(chart.states.filter(({ name }) => states.includes(name))),
    notes: only(chart.notes).filter((note) => note.within.length > 0),
    frames,
    edges: chart.edges
      .filter(({ from, to }) => places.includes(from) && places.includes(to))
      .map((edge) => ({ ...edge, lines: kept(edge.lines, edges) }))
      .filter(({ lines }) => lines.length > 0),
  }
  mustHave(
    states,
    part.states.map(({ name }) => name),
    title,
  )
  mustHave(
    edges,
    part.edges.flatMap(({ lines }) => lines.map(({ event }) => event)),
    title,
  )
  mustHave(
    within,
    [...part.states, ...part.notes].flatMap((box) => box.within.map(({ event }) => event)),
    title,
  )
  return part
}

function mustHave(wanted, found, title) {
  const missing = wanted.filter((name) => !found.includes(name))
  if (missing.length > 0) throw new Error(`${title}: the machine has no ${missing.join(', ')} there`)
}
