/** Seeing to it that a run that nobody has claimed is never executed, however late a keeper comes. */
import { rmSync } from 'node:fs'
import { errnoOf } from '../../files.ts'
import { readClaim, runFile, voidClaim } from './run-files.ts'

export type Renounced =
  | { readonly kind: 'void' }
  /** There was no room for a void claim (why), so its intent was taken away. */
  | { readonly kind: 'withdrawn'; readonly errno: string }
  /** A keeper was faster. */
  | { readonly kind: 'claimed' }

/**
 * By a void claim; or where that cannot be written, by taking the intent away: a keeper looks for it once more after its claim, before it executes anything, and
 * without it leaves. @throws when nothing can be written or removed
 */
export function renounceRun(jobDir: string, run: number, nowMs: number): Renounced {
  try {
    return { kind: voidClaim(jobDir, run, nowMs) ? 'void' : 'claimed' }
  } catch (error) {
    rmSync(runFile(jobDir, run, 'intent'), { recursive: true, force: true })
    // One that claimed it in between may have seen the intent.
    return readClaim(jobDir, run) === null ? { kind: 'withdrawn', errno: errnoOf(error) } : { kind: 'claimed' }
  }
}
