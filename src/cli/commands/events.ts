/** `events`: what happened to processes, a line each, and with `-f` what happens from now on. */
import type { ProcessRecord } from '../../index.ts'
import type { Cli } from '../context.ts'
import { eventsBetween, type Happening, inOrder } from '../events/between.ts'
import { renderHappening } from '../events/render.ts'
import { EXIT } from '../exit-codes.ts'
import { BrokenPipe, say, write } from '../io.ts'
import { Live } from '../live.ts'
import { parseCount } from '../parse/count.ts'
import { colorsFor } from '../render/colors.ts'
import { escapeControls } from '../render/text.ts'

export interface EventsOptions {
  readonly follow?: boolean
  readonly tail?: string
  readonly json?: boolean
}

/** Without ids: of all. Of what has happened, only what records still tell is known. */
export async function events(cli: Cli, given: readonly string[], options: EventsOptions): Promise<number> {
  const tail = options.tail === undefined ? Number.POSITIVE_INFINITY : parseCount(options.tail, '--tail')
  const reader = await cli.reader()
  const ids = new Set(given.map((id) => reader.get(id).id))
  const isAsked = (id: string) => ids.size === 0 || ids.has(id)
  const print = await printer(cli, options)
  if (options.follow !== true) {
    const { records, problems } = reader.survey()
    await print(
      lastOf(
        historyOf(
          cli,
          records.filter(({ id }) => isAsked(id)),
        ),
        tail,
      ),
    )
    for (const problem of problems) await say(cli.io, `warning: ${escapeControls(problem.message)}`)
    return EXIT.done
  }
  return follow(cli, isAsked, tail, print)
}

/** Until nobody reads any more. */
async function follow(cli: Cli, isAsked: (id: string) => boolean, tail: number, print: (happenings: readonly Happening[]) => Promise<void>): Promise<number> {
  let pending: Happening[] = []
  let wake = (): void => undefined
  const live = await Live.open(cli, (before, after) => {
    const id = after?.id ?? before?.id ?? ''
    if (isAsked(id)) pending.push(...eventsBetween(before, after, nowIso(cli)))
    wake()
  })
  try {
    for (let isFirst = true; ; isFirst = false) {
      const batch = inOrder(pending)
      pending = []
      await print(isFirst ? lastOf(batch, tail) : batch)
      if (pending.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  } catch (error) {
    if (error instanceof BrokenPipe) return EXIT.done
    throw error
  } finally {
    await live.close()
  }
}

async function printer(cli: Cli, { json }: EventsOptions): Promise<(happenings: readonly Happening[]) => Promise<void>> {
  const colors = await colorsFor(cli.io)
  let idWidth = 0
  return async (happenings) => {
    idWidth = Math.max(idWidth, ...happenings.map(({ id }) => id.length))
    const lines = happenings.map((happening) => (json === true ? `${JSON.stringify(happening)}\n` : renderHappening(happening, idWidth, colors)))
    await write(cli.io.stdout, lines.join(''))
  }
}

function historyOf(cli: Cli, records: readonly ProcessRecord[]): readonly Happening[] {
  return inOrder(records.flatMap((record) => eventsBetween(null, record, nowIso(cli))))
}

function lastOf<T>(all: readonly T[], count: number): readonly T[] {
  return count >= all.length ? all : all.slice(all.length - count)
}

function nowIso(cli: Cli): string {
  return new Date(cli.io.nowMs()).toISOString()
}
