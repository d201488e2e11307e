/** Talking to the keeper of a run through its FIFOs, and seeing whether it lives. All FIFOs are opened without blocking. */
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { errnoOf } from '../../files.ts'
import { type RunFile, runFile } from './run-files.ts'

const WRITE = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW
const READ = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW

/** Sends commands, one a line. @returns false when no keeper is there to read them */
export function tellKeeper(jobDir: string, run: number, commands: readonly string[]): boolean {
  const fd = openToTell(runFile(jobDir, run, 'ctl'))
  if (fd === null) return false
  try {
    writeSync(fd, `${commands.join('\n')}\n`)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return false
    throw error
  } finally {
    closeSync(fd)
  }
}

/** A keeper that may not be told is as good as none: then the command is signalled by its identity. */
function openToTell(path: string): number | null {
  try {
    return openFifo(path, WRITE)
  } catch (error) {
    if (errnoOf(error) === 'EACCES' || errnoOf(error) === 'EPERM') return null
    throw error
  }
}

/** True while a keeper holds the run. */
export function hasKeeper(jobDir: string, run: number): boolean {
  const fd = openFifo(runFile(jobDir, run, 'ctl'), WRITE)
  if (fd === null) return false
  closeSync(fd)
  return true
}

/** Opens a FIFO; null when it is not there, nobody is at its other end, or it is something else. @throws what says nothing about that: EMFILE, EACCES */
export function openFifo(path: string, flags: number): number | null {
  let fd: number
  try {
    fd = openSync(path, flags)
  } catch (error) {
    if (['EMFILE', 'ENFILE', 'ENOMEM', 'EACCES', 'EPERM'].includes(errnoOf(error))) throw error
    return null
  }
  if (fstatSync(fd).isFIFO()) return fd
  closeSync(fd)
  return null
}

/**
 * Calls back once the keeper has let go of a FIFO that it holds open for writing. No polling: EOF is the news.
 * A FIFO whose writer has already gone would never give an event, so it is read once by hand first.
 * @returns null when nobody holds it now; else a function that ends the watch
 */
export function onFifoReleased(jobDir: string, run: number, file: Extract<RunFile, 'alive' | 'rest' | 'notify'>, released: () => void): (() => void) | null {
  const fd = openFifo(runFile(jobDir, run, file), READ)
  if (fd === null) return null
  if (!isHeld(fd)) {
    closeSync(fd)
    return null
  }
  const socket = new Socket({ fd, readable: true, writable: false })
  socket.on('error', () => socket.destroy())
  let isOver = false
  socket.once('close', () => {
    if (!isOver) released()
  })
  socket.resume()
  return () => {
    isOver = true
    socket.destroy()
  }
}

/** True while the keeper holds one of its FIFOs open for writing. */
export function isFifoHeld(jobDir: string, run: number, file: Extract<RunFile, 'alive' | 'rest' | 'notify'>): boolean {
  const fd = openFifo(runFile(jobDir, run, file), READ)
  if (fd === null) return false
  try {
    return isHeld(fd)
  } finally {
    closeSync(fd)
  }
}

function isHeld(fd: number): boolean {
  try {
    return readSync(fd, Buffer.alloc(1)) > 0
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN'
  }
}
