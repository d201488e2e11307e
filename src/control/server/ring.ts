/** The last things that happened, numbered, bounded in number and in size. Readers are no more than a number: one that falls behind is told so. */

export interface Entry {
  readonly seq: number
  readonly name: 'record' | 'removed' | 'event' | 'problems'
  /** JSON. */
  readonly data: string
  /** The same with what a process's actor holds; null: there is no more to tell. */
  readonly more: string | null
}

const MOST_ENTRIES = 10_000
const MOST_CHARS = 16 * 1024 * 1024

export class Ring {
  /** Of the entry that comes next. */
  #next = 1
  /** Those before `#from` are gone; taken away in bulk. */
  #entries: (Entry | undefined)[] = []
  #from = 0
  #chars = 0

  /** Of the last entry; 0: there was none. */
  get last(): number {
    return this.#next - 1
  }

  push(name: Entry['name'], data: string, more: string | null = null): void {
    this.#entries.push({ seq: this.#next++, name, data, more })
    this.#chars += data.length + (more?.length ?? 0)
    while (this.#entries.length - this.#from > MOST_ENTRIES || this.#chars > MOST_CHARS) this.#drop()
    if (this.#from > 1_000 && this.#from * 2 > this.#entries.length) this.#compact()
  }

  /** @param seq of the last entry that was seen. @returns null when what came after it is not all there any more */
  after(seq: number): Entry | undefined | null {
    const oldest = this.#next - (this.#entries.length - this.#from)
    if (seq < oldest - 1 || seq > this.last) return null
    return this.#entries[this.#from + (seq + 1 - oldest)]
  }

  #drop(): void {
    const oldest = this.#entries[this.#from]
    this.#chars -= (oldest?.data.length ?? 0) + (oldest?.more?.length ?? 0)
    this.#entries[this.#from++] = undefined
  }

  #compact(): void {
    this.#entries = this.#entries.slice(this.#from)
    this.#from = 0
  }
}
