/** A state directory on a small disk of its own (a tmpfs), that can be full, out of inodes or read-only, and back again. It is always unmounted. */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmdirSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { forThisTest, Home } from '../e2e/harness.ts'

export interface DiskOptions {
  readonly sizeKb?: number
  readonly inodes?: number
}

function run(command: string, ...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`)
}

/** True where this user may mount: root, on Linux, outside of a container that forbids it. */
export const canMount: boolean = (() => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  const dir = mkdtempSync(join(tmpdir(), 'procman-mount-'))
  try {
    run('mount', '-t', 'tmpfs', '-o', 'size=64k', 'procman-test', dir)
    run('umount', dir)
    return true
  } catch {
    return false
  } finally {
    rmdirSync(dir)
  }
})()

/** The errno of what was tried; null when it worked. */
export function errnoOf(action: () => unknown): string | null {
  try {
    action()
    return null
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}

export class DiskHome extends Home {
  readonly #ballast = join(this.stateDir, 'ballast')
  #isMounted = false

  mount({ sizeKb = 2_048, inodes = 0 }: DiskOptions): void {
    mkdirSync(this.stateDir, { mode: 0o700 })
    run('mount', '-t', 'tmpfs', '-o', `mode=700,size=${sizeKb}k,nr_inodes=${inodes === 0 ? 10_000 : inodes}`, 'procman-test', this.stateDir)
    this.#isMounted = true
  }

  /** Until not a byte more can be written. */
  fill(): void {
    const fd = openSync(this.#ballast, 'a')
    try {
      for (const size of [65_536, 4_096, 1]) while (errnoOf(() => writeAll(fd, size)) === null);
    } finally {
      closeSync(fd)
    }
  }

  /** Until so many pages of 4 096 bytes are left. */
  fillBut(pages: number): void {
    this.fill()
    truncateSync(this.#ballast, statSync(this.#ballast).size - pages * 4_096)
  }

  /** Until not a file more can be made. */
  useUpInodes(): void {
    mkdirSync(`${this.#ballast}.files`)
    for (let n = 0; errnoOf(() => writeFileSync(join(`${this.#ballast}.files`, String(n)), '')) === null; n++);
  }

  /** There is room again. */
  free(): void {
    rmSync(this.#ballast, { force: true })
    rmSync(`${this.#ballast}.files`, { recursive: true, force: true })
  }

  /** A command may have been started so lately that it has not closed its logs yet. */
  readOnly(): void {
    for (const giveUpAtMs = Date.now() + 10_000; ; Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)) {
      const refused = errnoOf(() => run('mount', '-o', 'remount,ro', this.stateDir))
      if (refused === null) return
      if (!refused.includes('busy') || Date.now() > giveUpAtMs) throw new Error(refused)
    }
  }

  writable(): void {
    run('mount', '-o', 'remount,rw', this.stateDir)
  }

  override async end(): Promise<void> {
    try {
      if (this.#isMounted) this.writable()
      this.free()
      await super.end()
    } finally {
      this.#unmount()
      rmSync(this.dir, { recursive: true, force: true })
    }
  }

  /** What a failed test has left open must not keep the disk mounted. */
  #unmount(): void {
    if (!this.#isMounted) return
    this.#isMounted = false
    if (spawnSync('umount', [this.stateDir]).status !== 0) run('umount', '-l', this.stateDir)
  }

  /** The mount point itself is removed after it is unmounted. */
  protected override remove(): void {
    for (const name of readdirSync(this.stateDir)) rmSync(join(this.stateDir, name), { recursive: true, force: true })
  }
}

function writeAll(fd: number, size: number): void {
  if (writeSync(fd, Buffer.alloc(size, 'x')) !== size) throw new Error('no room for all of it')
}

/** A fresh disk for the test that is going on. */
export function aDisk(options: DiskOptions = {}): DiskHome {
  const home = forThisTest(new DiskHome())
  home.mount(options)
  return home
}
