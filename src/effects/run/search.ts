/** Looking for the command of a run by its token, where no file names it. */
import type { Identity } from '../../types.ts'
import { findCommand } from './strays.ts'

/** One of these is called at most, and none after the search was ended. */
export interface SearchAnswers {
  found(identity: Identity): void
  nobody(): void
  failed(): void
}

/** @param stop called when the search is ended; when it was answered, it is for those who go on. @returns a function that ends it */
export function searchByToken(token: string, answers: SearchAnswers, onTrouble: (error: unknown) => void, stop?: () => void): () => void {
  let isOver = false
  findCommand(token).then(
    (identity) => {
      if (isOver) return
      if (identity === null) answers.nobody()
      else answers.found(identity)
    },
    (error: unknown) => {
      onTrouble(error)
      if (!isOver) answers.failed()
    },
  )
  return () => {
    isOver = true
    stop?.()
  }
}
