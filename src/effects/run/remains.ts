/** What the files that are left of a run say about it. */
import { existsSync } from 'node:fs'
import { readIntent } from './intent-file.ts'
import { readClaim, runFile } from './run-files.ts'

/** Why nobody saw its end. */
export function whyUnknown(jobDir: string, run: number): string {
  const made = ['claim', 'ctl'] as const // by every keeper, before it begins
  if (made.some((file) => !existsSync(runFile(jobDir, run, file)))) return 'its run files were deleted'
  return readClaim(jobDir, run)?.kind === 'damaged' ? 'its claim file is damaged, and no keeper is there' : 'the keeper was killed'
}

/** What it leaves behind is not to be stopped. */
export function intendsToLeave(jobDir: string, run: number): boolean {
  const spec = readIntent(jobDir, run)?.spec
  return typeof spec === 'object' && spec !== null && 'leftovers' in spec && spec.leftovers === 'leave'
}
