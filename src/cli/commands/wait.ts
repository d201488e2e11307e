/** `wait`: blocks until all are what is waited for; of what has settled it answers with how it ended. */
import type { Reader, WaitOptions } from '../../api.ts'
import type { ProcessRecord, WaitCondition } from '../../index.ts'
import { attend } from '../attend.ts'
import type { Cli } from '../context.ts'
import { EXIT, exitCodeOfRecord, exitCodeOfSignal } from '../exit-codes.ts'
import { type HandledSignal, write } from '../io.ts'
import { parseChoice } from '../parse/choice.ts'
import { parseDuration } from '../parse/duration.ts'
import { renderJson } from '../render/json.ts'
import { reportError } from '../report.ts'

export interface CommandOptions {
  readonly for?: string
  readonly timeout?: string
  readonly json?: boolean
}

type Ends = readonly PromiseSettledResult<ProcessRecord>[]

const SIGNALS: readonly HandledSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** The first code that is not 0, in the order of the ids, errors included. The timeout is one for all together. */
export async function wait(cli: Cli, ids: readonly string[], options: CommandOptions): Promise<number> {
  const condition = parseChoice(options.for ?? 'settled', '--for', ['ready', 'healthy', 'settled'])
  const waitOptions = options.timeout === undefined ? {} : { timeoutMs: parseDuration(options.timeout, '--timeout') }
  const waiting = waitForAll(await cli.reader(), ids, condition, waitOptions)
  const ends = condition === 'settled' ? await waiting : await whileAttended(cli, waiting)
  if (typeof ends === 'string') return exitCodeOfSignal(ends)
  const codes: number[] = []
  const records: ProcessRecord[] = []
  for (const end of ends) {
    if (end.status === 'fulfilled') records.push(end.value)
    codes.push(end.status === 'rejected' ? await reportError(cli.io, end.reason) : condition === 'settled' ? exitCodeOfRecord(end.value) : EXIT.done)
  }
  if (options.json === true) await write(cli.io.stdout, renderJson(records))
  return codes.find((code) => code !== 0) ?? EXIT.done
}

function waitForAll(reader: Reader, ids: readonly string[], condition: WaitCondition, options: WaitOptions): Promise<Ends> {
  return Promise.allSettled(ids.map(async (id) => reader.waitFor(reader.get(id).id, condition, options)))
}

/** Nothing becomes ready unless a manager lives: where none does, it is us as long as we wait. @returns the signal that ended it, if one did */
async function whileAttended(cli: Cli, waiting: Promise<Ends>): Promise<Ends | HandledSignal> {
  const giveBack: (() => void)[] = []
  const interrupted = new Promise<HandledSignal>((resolve) => {
    for (const name of SIGNALS) giveBack.push(cli.io.onSignal(name, () => resolve(name)))
  })
  try {
    const over = Promise.race([waiting, interrupted])
    const [end] = await Promise.all([over, attend(cli, over)])
    return end
  } finally {
    for (const off of giveBack) off()
  }
}
