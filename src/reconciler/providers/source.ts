/** Where a list comes from, whatever it is of: told whole, each time. A provider is one of processes. */

export interface SourceObserver<Item> {
  next(items: readonly Item[]): void
  error(error: unknown): void
}

export interface Source<Item> {
  readonly name: string
  watch(observer: SourceObserver<Item>): () => void
  refresh?(): void
}

/** A list, a function that gives one, or one list after another. */
export type SourceInput<Item> = readonly Item[] | (() => readonly Item[] | Promise<readonly Item[]>) | AsyncIterable<readonly Item[]> | Source<Item>

export interface SourceOptions {
  /** Where it comes from, for people. */
  readonly name?: string
}

export function sourceOf<Item>(input: SourceInput<Item>, options: SourceOptions = {}): Source<Item> {
  if (typeof input === 'function') return callSource(input, options)
  if (Symbol.asyncIterator in input) return iterableSource(input, options)
  return 'watch' in input ? input : listSource(input, options)
}

export function listSource<Item>(items: readonly Item[], { name = 'a list' }: SourceOptions): Source<Item> {
  const watchers = new Set<SourceObserver<Item>>()
  return {
    name,
    watch: (observer) => {
      watchers.add(observer)
      observer.next(items)
      return () => watchers.delete(observer)
    },
    refresh: () => {
      for (const observer of [...watchers]) observer.next(items)
    },
  }
}

export function callSource<Item>(call: () => readonly Item[] | Promise<readonly Item[]>, { name = 'a function' }: SourceOptions): Source<Item> {
  const watchers = new Set<() => void>()
  return {
    name,
    watch: (observer) => {
      let calls = 0
      const tell = async () => {
        const number = ++calls
        // An answer that comes after that of a later call is no news.
        const isNews = () => watchers.has(ask) && number === calls
        try {
          const items = await call()
          if (isNews()) observer.next(items)
        } catch (error) {
          if (isNews()) observer.error(error)
        }
      }
      const ask = () => void tell()
      watchers.add(ask)
      ask()
      return () => watchers.delete(ask)
    },
    refresh: () => {
      for (const ask of [...watchers]) ask()
    },
  }
}

export function iterableSource<Item>(iterable: AsyncIterable<readonly Item[]>, { name = 'an async iterable' }: SourceOptions): Source<Item> {
  return {
    name,
    watch: (observer) => {
      let isOver = false
      const iterator = iterable[Symbol.asyncIterator]()
      const follow = async () => {
        try {
          for (let item = await iterator.next(); !item.done && !isOver; item = await iterator.next()) observer.next(item.value)
        } catch (error) {
          if (!isOver) observer.error(error)
        }
      }
      void follow()
      return () => {
        isOver = true
        // Nobody waits for it: it may be in the middle of something. What it throws now concerns nobody.
        iterator.return?.().then(undefined, () => {})
      }
    },
  }
}
