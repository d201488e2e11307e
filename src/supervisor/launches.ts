/** What a run is launched with: its spec with the templates filled in, its environment, its ports. */

import type { ProcessRef } from '../api.ts'
import { PortAllocator } from '../effects/port/allocator.ts'
import type { ProbeFunction } from '../effects/probe/ports.ts'
import type { PortConflict } from '../effects/run/contract.ts'
import { readIntent } from '../effects/run/intent-file.ts'
import { portVariables } from '../spec/ports.ts'
import { fillSpec } from '../template.ts'
import type { ProcessContext, ProcessSpec } from '../types.ts'

type Ports = ProcessContext['ports']

export interface LaunchesPorts {
  refOf(id: string): ProcessRef
  /** It is there, and has not settled. */
  isUp(id: string): boolean
  /** Names a run in the environment of everything that belongs to it. */
  tokenOf(id: string, run: number): string
  /** Resolves once every process of the directory is known: before that nobody knows which ports are taken. */
  readonly allKnown: Promise<void>
}

export class Launches {
  readonly #ports: LaunchesPorts
  readonly #allocator = new PortAllocator()
  /** Probes that are functions of the program, by process and name: no file can hold them. */
  readonly #functions = new Map<string, ReadonlyMap<string, ProbeFunction>>()
  #env: Readonly<Record<string, string>> | undefined

  constructor(ports: LaunchesPorts) {
    this.#ports = ports
  }

  /** @throws TemplateError when a template names what is not there */
  launchOf(
    id: string,
    run: number,
    ports: Ports = this.#contextOf(id).ports,
  ): { readonly spec: ProcessSpec; readonly filled: ProcessSpec; readonly env: Record<string, string> } {
    const { spec } = this.#contextOf(id)
    const surroundings = { ...(spec.inheritEnv ? this.#inheritedEnv() : {}), ...portVariables(ports) }
    const filled = fillSpec(spec, { run, ports, env: surroundings })
    const env = { ...surroundings, ...filled.env, PROCMAN_ID: id, PROCMAN_RUN: String(run), PROCMAN_TOKEN: this.#ports.tokenOf(id, run) }
    return { spec, filled, env }
  }

  /** The same for a run that was launched, maybe by a manager with another environment: that is in its intent. */
  launchedOf(id: string, run: number, jobDir: string): { readonly filled: ProcessSpec; readonly env: Readonly<Record<string, string>> } {
    const env = readIntent(jobDir, run)?.env
    if (env === undefined) return this.launchOf(id, run)
    const { spec, ports } = this.#contextOf(id)
    // Its own variables are in there, filled in.
    return { filled: fillSpec({ ...spec, env: {} }, { run, ports, env }), env }
  }

  hasPorts(id: string): boolean {
    return hasAny(this.#contextOf(id).spec.ports)
  }

  /** @param fixed those that the run was to be launched with already. @throws PortUnavailable */
  async assignPorts(id: string, fixed: Ports | null): Promise<Ports> {
    await this.#ports.allKnown
    const { spec, ports } = this.#contextOf(id)
    if (fixed === null) return this.#assign(id, spec.ports, ports)
    this.#allocator.hold(id, fixed)
    return fixed
  }

  /** A process that was stopped or removed meanwhile needs none. */
  async #assign(id: string, wanted: ProcessSpec['ports'], preferred: Ports): Promise<Ports> {
    const assigned = await this.#allocator.assign(id, wanted, preferred)
    if (!this.#ports.isUp(id)) this.#allocator.release(id)
    return assigned
  }

  /** A port of a process whose tree is gone that somebody listens on all the same. */
  async conflictOf(id: string): Promise<PortConflict | null> {
    const { spec, ports } = this.#contextOf(id)
    for (const [name, port] of Object.entries(ports)) if (await this.#allocator.isHeldByOthers(port, spec.ports[name]?.host ?? null)) return { name, port }
    return null
  }

  /** A process that is up, or will be, keeps its ports; one that has settled has none. */
  follow(id: string, isSettled: boolean, { spec, ports }: ProcessContext): void {
    // Declared anew without ports: those that it had are free once its run is over.
    if (isSettled || !(hasAny(spec.ports) || hasAny(ports))) this.#allocator.release(id)
    else this.#allocator.hold(id, ports)
  }

  forget(id: string): void {
    this.#allocator.release(id)
    this.#functions.delete(id)
  }

  declare(id: string, functions: ReadonlyMap<string, ProbeFunction>): void {
    if (functions.size > 0) this.#functions.set(id, functions)
  }

  functionOf(id: string, name: string): ProbeFunction | undefined {
    return this.#functions.get(id)?.get(name)
  }

  #contextOf(id: string): ProcessContext {
    return this.#ports.refOf(id).getSnapshot().context
  }

  /**
   * The environment that is inherited is that of the manager that launches the run. Each variable costs a call out of JavaScript: they are read once for all that
   * is started in one slice. No other code runs within a slice.
   */
  #inheritedEnv(): Readonly<Record<string, string>> {
    if (this.#env === undefined) queueMicrotask(() => (this.#env = undefined))
    this.#env ??= { ...(process.env as Record<string, string>) }
    return this.#env
  }
}

function hasAny(record: object): boolean {
  for (const _ in record) return true
  return false
}
