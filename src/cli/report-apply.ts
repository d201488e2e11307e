/** What a manager has done of a config, told to the user. */
import type { ApplyReport, PlanLine } from '../manager/contract.ts'
import type { Cli } from './context.ts'
import { EXIT } from './exit-codes.ts'
import { say, write } from './io.ts'
import { colorsFor } from './render/colors.ts'
import { renderJson } from './render/json.ts'
import { renderPlanLines, renderSummary } from './render/plan.ts'
import { escapeControls } from './render/text.ts'

export interface ReportOptions {
  /** The report is what was asked for: on stdout, and as JSON where that is wanted. Else it is talk: on stderr. */
  readonly to: 'stdout' | 'stderr'
  readonly isJson?: boolean
}

/** Lines, a sentence; on stderr warnings and what has failed. @returns 1 when something could not be done */
export async function reportApply(cli: Cli, report: ApplyReport, { to, isJson = false }: ReportOptions): Promise<number> {
  const { io } = cli
  if (isJson) await write(io.stdout, renderJson(report))
  else {
    const changes = report.lines.filter(({ action }) => action !== 'keep')
    const stream = io[to]
    const failed = new Set(report.failures.map(({ id }) => id))
    const isWaiting = ({ id }: PlanLine) => report.warnings.some((warning) => warning.startsWith(`${id} waits for `))
    const done = report.lines.filter((line) => !failed.has(line.id) && !isWaiting(line))
    const text = `${renderPlanLines(changes, await colorsFor({ env: io.env, stdout: stream }))}${renderSummary(done, true)}\n`
    await write(stream, text).catch(() => undefined)
  }
  for (const warning of report.warnings) await say(io, `warning: ${escapeControls(warning)}`)
  for (const { id, message, code } of report.failures) await say(io, `${id}: ${escapeControls(message)} (${code})`)
  return report.failures.length === 0 ? EXIT.done : EXIT.failed
}
