/** Tells when files change: also those that are not there yet, that are replaced by rename, or that are gone for a moment. */
import { dirname } from 'node:path'
import type { FSWatcher } from 'chokidar'

/** What comes closer together is one change. */
const QUIET_MS = 100
/** A file is read once it has not grown for so long: half of a config file may be a whole one, of fewer processes. */
const WRITTEN = { stabilityThreshold: 150, pollInterval: 50 }

/** Whoever waits for the watch waits no longer, whatever is wrong with the file system. */
const READY_MS = 2_000

export class FileWatch {
  readonly #onChange: () => void
  #files: ReadonlySet<string> = new Set()
  #directories = new Set<string>()
  #watcher: FSWatcher | null = null
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  /** From now on these, absolute, and no others. Settles once they are watched. */
  async set(files: readonly string[]): Promise<void> {
    this.#files = new Set(files)
    // Their directories are what is watched: a file that is replaced is another file.
    const directories = new Set(files.map((file) => dirname(file)))
    if (this.#isClosed || isSame(directories, this.#directories)) return
    const before = this.#watcher
    this.#directories = directories
    this.#watcher = null
    // One that watches nothing never says that it is ready.
    if (directories.size === 0) return before?.close()
    const { watch } = await import('chokidar')
    if (this.#isClosed) return
    const watcher = watch([...directories], {
      depth: 0,
      ignoreInitial: true,
      awaitWriteFinish: WRITTEN,
      ignored: (path) => !this.#files.has(path) && !this.#directories.has(path),
    })
    this.#watcher = watcher
    watcher.on('all', (_event, path) => {
      if (this.#files.has(path)) this.#noted()
    })
    // A directory that cannot be watched (no descriptor left) is not watched: the next reload reads all the same.
    watcher.on('error', () => {})
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, READY_MS)
      watcher.once('ready', () => {
        clearTimeout(timer)
        resolve()
      })
    })
    await before?.close()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#watcher?.close()
  }

  #noted(): void {
    clearTimeout(this.#timer)
    if (!this.#isClosed) this.#timer = setTimeout(this.#onChange, QUIET_MS)
  }
}

function isSame(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...one].every((each) => other.has(each))
}
