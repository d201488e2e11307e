/** Which process has which ports. */

export type Ports = Readonly<Record<string, number>>

export class Reservations {
  readonly #idOf = new Map<number, string>()
  readonly #portsOf = new Map<string, readonly number[]>()

  /** @returns the process that has it; undefined: none */
  holderOf(port: number): string | undefined {
    return this.#idOf.get(port)
  }

  /** The process has these ports too. What another one has, it keeps. */
  add(id: string, ports: Ports): void {
    const held = this.#portsOf.get(id) ?? []
    const added = Object.values(ports).filter((port) => !this.#idOf.has(port))
    for (const port of added) this.#idOf.set(port, id)
    this.#portsOf.set(id, [...held, ...added])
  }

  release(id: string): void {
    for (const port of this.#portsOf.get(id) ?? []) this.#idOf.delete(port)
    this.#portsOf.delete(id)
  }
}
