/** What a picture of a flat machine shows, read from the machine itself: states, frames around states with the same tag, and edges. */

const EVERYWHERE = 'every state'

const nameOf = (thing) => (typeof thing === 'string' ? thing : (thing?.type ?? 'inline'))
const guarded = (text, guard) => (guard === undefined ? text : `${text} [${nameOf(guard)}]`)

/** Everything that a node (a state, or the root for every state) reacts to, in the order in which it is tried. */
function reactionsOf(node) {
  const always = (node.always ?? []).map((transition) => ({ event: 'always', transition }))
  const on = [...node.transitions].flatMap(([event, transitions]) => transitions.map((transition) => ({ event, transition })))
  return [...always, ...on].map(({ event, transition }) => {
    const target = transition.target?.[0]?.key ?? null
    const label = guarded(event, transition.guard)
    const actions = transition.actions.map(nameOf).join(', ')
    return { target, label, within: actions === '' ? label : `${label} / ${actions}` }
  })
}

/** Reactions that stay in the state, as lines of text; one that enters the state again says so. */
const withinOf = (key, reactions) =>
  reactions.filter(({ target }) => target === null || target === key).map(({ target, within }) => (target === null ? within : `${within} (re-enters)`))

const edgesOf = (from, reactions) => {
  const targets = new Set(reactions.map(({ target }) => target).filter((target) => target !== null && target !== from))
  return [...targets].map((to) => ({ from, to, lines: reactions.filter(({ target }) => target === to).map(({ label }) => label) }))
}

const sameEdge = (one, other) => one.to === other.to && one.lines.join('\n') === other.lines.join('\n')

/** What all of the states share: drawn once, from the frame around them. */
function sharedBy(states, edges) {
  const [first, ...others] = states
  const outgoing = (state) => edges.filter(({ from }) => from === state.name)
  return {
    within: first.within.filter((line) => others.every((state) => state.within.includes(line))),
    edges: outgoing(first).filter((edge) => others.every((state) => outgoing(state).some((candidate) => sameEdge(edge, candidate)))),
  }
}

/** A box of its own for what holds in several states, unless there is nothing to say. */
const noteOf = (note) => (note.effects.length + note.within.length === 0 ? [] : [note])

/** Moves what the states of one tag share to a frame with the name of the tag. */
function framed(chart, tag) {
  const members = chart.states.filter((state) => state.tags.includes(tag))
  const shared = sharedBy(members, chart.edges)
  const names = members.map(({ name }) => name)
  const frame = { id: `tag ${tag}`, title: tag, members: names }
  return {
    ...chart,
    frames: [...chart.frames, frame],
    notes: [...chart.notes, ...noteOf({ id: `every ${tag} state`, inside: frame.id, effects: [], within: shared.within })],
    states: chart.states.map((state) =>
      names.includes(state.name)
        ? { ...state, tags: state.tags.filter((own) => own !== tag), within: state.within.filter((line) => !shared.within.includes(line)) }
        : state,
    ),
    edges: [
      ...chart.edges.filter((edge) => !(names.includes(edge.from) && shared.edges.some((common) => sameEdge(common, edge)))),
      ...shared.edges.map((edge) => ({ ...edge, from: frame.id })),
    ],
  }
}

/** The chart of a machine without frames. The note `every state` is what the machine itself does. */
export function chartOf(machine) {
  const { root } = machine
  const rootReactions = reactionsOf(root)
  const states = Object.values(root.states)
  return {
    id: machine.id,
    initial: root.initial.target[0].key,
    states: states.map((state) => ({
      name: state.key,
      tags: [...state.tags],
      effects: state.invoke.map(({ src }) => nameOf(src)),
      final: state.type === 'final',
      within: withinOf(state.key, reactionsOf(state)),
    })),
    notes: noteOf({ id: EVERYWHERE, effects: root.invoke.map(({ src }) => nameOf(src)), within: withinOf(root.key, rootReactions) }),
    frames: [],
    edges: [...states.flatMap((state) => edgesOf(state.key, reactionsOf(state))), ...edgesOf(EVERYWHERE, rootReactions)],
  }
}

/** Frames around the states of every tag that at least two states have and that `wanted` accepts. */
export function withFrames(chart, wanted = () => true) {
  const tags = [...new Set(chart.states.flatMap((state) => state.tags))]
  const common = tags.filter((tag) => chart.states.filter((state) => state.tags.includes(tag)).length > 1)
  return common.filter((tag) => wanted(tag)).reduce(framed, chart)
}
