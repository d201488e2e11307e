/** Writing to the stdin of a command through the FIFO that its keeper holds. Needs no lock: any process of the same user can write. */
import { constants, unlinkSync } from 'node:fs'
import { Socket } from 'node:net'
import { fromSystemError, ProcmanError } from '../../errors.ts'
import { errnoOf } from '../../files.ts'
import { openFifo, tellKeeper } from './keeper-link.ts'
import { runFile, runsWith } from './run-files.ts'

export interface StdinWriter {
  /** Resolves once the bytes are in the pipe: as fast as the command reads. @throws PROCMAN_STDIN_CLOSED */
  write(data: string | Uint8Array): Promise<void>
  /** Ends this writer, and stdin itself: the command reads its end. */
  close(): Promise<void>
  /** Ends this writer; stdin stays open for others. */
  end(): void
  /** Ends it at once: a write that waits for the command to read is rejected. */
  abandon(): void
}

/** @throws PROCMAN_STDIN_CLOSED when the process has no stdin to write to, or it was closed */
export function openStdinOf(jobDir: string, id: string): StdinWriter {
  const { run, fd } = openLast(jobDir, id)
  const socket = new Socket({ fd, readable: false, writable: true })
  socket.on('error', () => {})
  return {
    write: (data) =>
      new Promise((resolve, reject) => {
        const settle = () => {
          socket.off('close', gone)
        }
        const gone = () => reject(closed(id))
        socket.once('close', gone)
        socket.write(data, (error) => {
          settle()
          // Node counts what was given up with the socket as written.
          if (error || socket.destroyed) reject(closed(id, error))
          else resolve()
        })
      }),
    close: () =>
      new Promise((resolve, reject) => {
        socket.end(() => {
          socket.destroy()
          try {
            resolve(closeStdin(jobDir, run))
          } catch (error) {
            reject(notClosed(jobDir, id, error))
          }
        })
      }),
    end: () => void socket.end(() => socket.destroy()),
    abandon: () => void socket.destroy(),
  }
}

function openLast(jobDir: string, id: string): { readonly run: number; readonly fd: number } {
  try {
    const run = runsWith(jobDir, 'in').at(-1) ?? 0
    const fd = openFifo(runFile(jobDir, run, 'in'), constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    if (fd !== null) return { run, fd }
  } catch (error) {
    // Somebody has deleted the directory, or put something else there.
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw fromSystemError(`stdin of process ${id} cannot be opened`, error, { id })
  }
  throw closed(id)
}

/** The keeper lets go of its end, and nobody finds the FIFO any more: the command reads its end once every writer is gone. */
function closeStdin(jobDir: string, run: number): void {
  tellKeeper(jobDir, run, ['c'])
  try {
    unlinkSync(runFile(jobDir, run, 'in'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function notClosed(jobDir: string, id: string, cause: unknown): ProcmanError {
  const { code, message } = cause as NodeJS.ErrnoException
  return new ProcmanError('PROCMAN_STATE_NOT_SAVED', `stdin of process ${id} cannot be closed for good in ${jobDir} (${code ?? message})`, {
    details: { id, path: jobDir, errno: code },
    cause,
  })
}

function closed(id: string, cause?: unknown): ProcmanError {
  return new ProcmanError(
    'PROCMAN_STDIN_CLOSED',
    `process ${id} has no open stdin: it was not started with stdin "pipe", it is not up, its stdin was closed, or its run files were deleted`,
    { details: { id }, cause },
  )
}
