/** Which process has which ports. */

export type Ports = Readonly<Record<string, number>>

export class Reservations {
  readonly #idOf = new Map<number, string>()
  readonly #portsOf = new Map<string, readonly number[]>()

  /** @returns the process that has it; undefined: none */
  holderOf(port: number): string | undefined {
    return this.#idOf.get(port)
  }

  /** From now on the process has these ports, and no others. What another one has, it keeps. */
  put(id: string, ports: Ports): void {
    this.release(id)
    const numbers = Object.values(ports).filter((port) => !this.#idOf.has(port))
    for (const port of numbers) this.#idOf.set(port, id)
    this.#portsOf.set(id, numbers)
  }

  release(id: string): void {
    for (const port of this.#portsOf.get(id) ?? []) this.#idOf.delete(port)
    this.#portsOf.delete(id)
  }
}
