/** The shipped diagrams are those of the machines, and can be read. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { diagramOf } from '../src/diagrams.ts'
import { processMachine } from '../src/machines/process/machine.ts'
import { reconcilerMachine } from '../src/machines/reconciler/machine.ts'
import { supervisorMachine } from '../src/machines/supervisor/machine.ts'

type Generate = (machines: Readonly<Record<string, unknown>>) => Promise<Map<string, string>>

interface Rect {
  readonly kind: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

const machines = { process: processMachine, supervisor: supervisorMachine, reconciler: reconcilerMachine }
const { generate }: { generate: Generate } = await import(new URL('../scripts/diagrams/generate.mjs', import.meta.url).href)
const { chartOf, partOf, withFrames } = await import(new URL('../scripts/diagrams/chart.mjs', import.meta.url).href)
const generated = await generate(machines)

function rectsOf(svg: string): Rect[] {
  return [...svg.matchAll(/<rect class="(\w+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g)].map(([, kind = '', ...numbers]) => {
    const [x = 0, y = 0, width = 0, height = 0] = numbers.map(Number)
    return { kind, x, y, width, height }
  })
}

const overlap = (one: Rect, other: Rect): boolean =>
  one.x < other.x + other.width && other.x < one.x + one.width && one.y < other.y + other.height && other.y < one.y + one.height

/** Of boxes and labels in a picture. */
function collisionsIn(svg: string): Rect[] {
  const rects = rectsOf(svg).filter(({ kind }) => kind !== 'frame')
  expect(rects.length).toBeGreaterThan(5)
  return rects.flatMap((one, index) => rects.slice(index + 1).filter((other) => overlap(one, other)))
}

describe('diagrams/', () => {
  const stored = (file: string) => readFileSync(new URL(`../diagrams/${file}`, import.meta.url), 'utf8')

  it('has the pictures that there are, and no others', () => {
    expect(readdirSync(new URL('../diagrams/', import.meta.url)).sort()).toEqual([...generated.keys()].sort())
  })

  it.each([...generated.keys()])('has what `npm run diagrams` writes: %s', (file) => {
    expect(stored(file) === generated.get(file), `diagrams/${file} is stale: npm run build && npm run diagrams`).toBe(true)
  })

  it.each([...generated.keys()].filter((file) => file.endsWith('.svg')))('keeps labels and boxes apart: %s', (file) => {
    expect(collisionsIn(stored(file))).toEqual([])
  })

  it('comes out the same again', async () => {
    expect(await generate(machines)).toEqual(generated)
  })
})

describe.each(['process', 'supervisor', 'reconciler'] as const)('the diagram of the %s machine', (name) => {
  it('names every state and every event', () => {
    const machine = machines[name]
    for (const text of [diagramOf(name, 'mermaid'), diagramOf(name, 'svg')]) {
      for (const word of [...Object.keys(machine.states), ...machine.events]) expect(text).toContain(word)
    }
  })
})

describe('the picture of a part', () => {
  const chart = withFrames(chartOf(processMachine))
  const part = { title: 'ends', states: ['running', 'exited'], edges: ['run.ended'], within: ['run.steadied'] }

  it('has the states that were chosen, the edges between them and what happens within, as the whole has them', () => {
    expect(partOf(chart, part)).toMatchObject({
      initial: null,
      states: [
        { name: 'running', within: [{ event: 'run.steadied', said: ' [isCurrent] / recordSteady' }] },
        { name: 'exited', within: [] },
      ],
      frames: [
        { id: 'tag alive', members: ['running'] },
        { id: 'tag settled', members: ['exited'] },
      ],
      edges: [{ from: 'tag alive', to: 'exited', lines: [{ event: 'run.ended', said: ' [isCurrent]' }] }],
      notes: [],
    })
  })

  it.each([{ states: ['walking'] }, { edges: ['run.walked'] }, { within: ['run.walked'] }])('cannot be of what the machine does not have: %j', (wrong) => {
    expect(() => partOf(chart, { ...part, ...wrong })).toThrow(/^ends: the machine has no (run\.walked|walking) there$/)
  })
})

describe('diagramOf', () => {
  it('shows the eight states of a process', () => {
    const text = diagramOf('process', 'mermaid')
    for (const state of ['pending', 'starting', 'running', 'unhealthy', 'backoff', 'stopping', 'exited', 'orphaned']) {
      expect(text).toMatch(new RegExp(`^ +${state}: ${state}`, 'm'))
    }
  })

  it('refuses a machine and a format that it does not know', () => {
    const wrong = expect.objectContaining({ code: 'PROCMAN_INVALID_ARGUMENT' })
    expect(() => diagramOf('nobody' as 'process', 'svg')).toThrow(wrong)
    expect(() => diagramOf('process', 'png' as 'svg')).toThrow(wrong)
  })
})
