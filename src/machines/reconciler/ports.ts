/** A port that is handed on: who is to have it starts once who has it has let go of it. Only fixed ports: of others there are enough. */
import type { ProcessSpec } from '../../types.ts'
import { type Actual, isDown } from './facts.ts'

export interface PortHolder {
  readonly id: string
  readonly port: number
}

/** By the id of who is to have it: who has it now. */
export type PortHolders = ReadonlyMap<string, readonly PortHolder[]>

/**
 * @param ours what there is, with what it is to be
 * @param declared all that is to be
 */
export function portHoldersOf(
  ours: readonly { readonly actual: Actual; readonly wanted: ProcessSpec | undefined }[],
  declared: readonly ProcessSpec[],
): PortHolders {
  const holders = new Map<number, string>()
  for (const { actual, wanted } of ours) {
    if (isDown(actual.record)) continue
    const kept = fixedPortsOf(wanted)
    for (const port of fixedPortsOf(actual.spec)) if (!kept.includes(port)) holders.set(port, actual.spec.id)
  }
  return holders.size === 0 ? new Map() : new Map(declared.flatMap((spec) => heirOf(spec, holders)))
}

function heirOf(spec: ProcessSpec, holders: ReadonlyMap<number, string>): readonly (readonly [string, readonly PortHolder[]])[] {
  const found = fixedPortsOf(spec).flatMap((port) => {
    const id = holders.get(port)
    return id === undefined || id === spec.id ? [] : [{ id, port }]
  })
  return found.length === 0 ? [] : [[spec.id, found]]
}

function fixedPortsOf(spec: ProcessSpec | undefined): readonly number[] {
  return Object.values(spec?.ports ?? {}).flatMap(({ from, to }) => (from === to && from > 0 ? [from] : []))
}

export function heirsOf(all: PortHolders, id: string): readonly string[] {
  return [...all].flatMap(([heir, holders]) => (holders.some((holder) => holder.id === id) ? [heir] : []))
}

/** Null: all of them are let go of. */
export function portReason(holders: readonly PortHolder[], actualOf: (id: string) => Actual | undefined): string | null {
  const holder = holders.find(({ id, port }) => stillHas(actualOf(id), port))
  return holder === undefined ? null : `waits for port ${holder.port}, which ${holder.id} still has`
}

function stillHas(actual: Actual | undefined, port: number): boolean {
  if (actual === undefined || isDown(actual.record)) return false
  // Restarted with other ports, its old run may still be there while it is being stopped.
  return actual.record.state === 'stopping' || fixedPortsOf(actual.spec).includes(port)
}
