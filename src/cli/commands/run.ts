/**
 * `run`: starts, follows, and ends as the command ends. The state directory is held while something is done to the process (starting it,
 * cancelling it), and throughout only when a restart policy or its health needs a living manager. Whatever happens to `run` itself, the process goes on.
 */
import type { ProcessInput, Reader, Supervisor } from '../../api.ts'
import { isProcmanError } from '../../errors.ts'
import type { ProcessRecord } from '../../index.ts'
import type { StdinWriter } from '../../stdin.ts'
import { type Cli, isRemote } from '../context.ts'
import { copyOutput } from '../copy-output.ts'
import { exitCodeOfRecord } from '../exit-codes.ts'
import { Grip } from '../grip.ts'
import { marked } from '../logs/marked.ts'
import { toProgressSpec } from '../parse/progress.ts'
import { needsManager, parseSpec, type SpecOptions } from '../parse/spec.ts'
import { reportError } from '../report.ts'

const EXIT_OF_HANGUP = 128 + 1
/** A supervisor that cannot let go at once must not keep a program whose terminal is gone. */
const HANGUP_CLOSE_MS = 500

export async function run(cli: Cli, argv: readonly string[], options: SpecOptions): Promise<number> {
  const input = parseSpec(argv, options, cli.io)
  const grip = new Grip(cli, await cli.openSupervisor())
  let hangUp = (): void => undefined
  const hangup = new Promise<void>((resolve) => {
    hangUp = resolve
  })
  const giveBack = [
    cli.io.onSignal('SIGINT', () => grip.interrupt()),
    cli.io.onSignal('SIGTERM', () => grip.interrupt()),
    cli.io.onSignal('SIGHUP', () => hangUp()),
  ]
  try {
    return await Promise.race([startAndFollow(cli, grip, input), hangup.then(() => leave(grip))])
  } finally {
    for (const off of giveBack) off()
  }
}

async function startAndFollow(cli: Cli, grip: Grip, input: ProcessInput): Promise<number> {
  try {
    const { supervisor, id } = await grip.start(input)
    const isKept = needsManager(input)
    if (isKept) grip.keep()
    else await grip.release()
    grip.aim(id)
    const source = isKept && !isRemote(supervisor) ? supervisor : await cli.reader()
    if (input.stdin === 'pipe') forwardStdin(cli, id, isKept ? supervisor : null).catch((error: unknown) => reportError(cli.io, error))
    return exitCodeOfRecord(await follow(cli, source, id, input))
  } finally {
    await grip.finish()
  }
}

/** Printing ends early when nobody reads, or it fails; the process is waited for all the same. */
async function follow(cli: Cli, source: Pick<Reader | Supervisor, 'attach' | 'get' | 'wait'>, id: string, input: ProcessInput): Promise<ProcessRecord> {
  const printed = copy(cli, source, id, input).catch((error: unknown) => reportError(cli.io, error))
  const [record] = await Promise.all([source.wait(id), printed])
  return record
}

async function copy({ io }: Cli, source: Pick<Reader | Supervisor, 'attach' | 'get'>, id: string, { progress = false }: ProcessInput): Promise<unknown> {
  const attachment = source.attach(id, { follow: true })
  if (progress === false || io.stderr.isTTY !== true) return copyOutput(marked(attachment, source, id, io), io)
  const { copyWithProgress } = await import('../progress/copy.ts')
  return copyWithProgress(attachment, io, toProgressSpec(progress))
}

/** Our stdin to the process, and its end after ours. A process that reads no more ends the forwarding, not the run. */
async function forwardStdin(cli: Cli, id: string, supervisor: Supervisor | null): Promise<void> {
  const chunks: AsyncIterable<Uint8Array> = cli.io.stdin
  try {
    const target = supervisor === null ? await openStdinOf(cli, id) : stdinOf(supervisor, id)
    for await (const data of chunks) await target.write(data)
    await target.close()
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

async function openStdinOf(cli: Cli, id: string): Promise<Pick<StdinWriter, 'write' | 'close'>> {
  const { openStdin } = await import('../../stdin.ts')
  return openStdin(await cli.stateDir(), id)
}

/** A process that is restarted has a new stdin each time, which the supervisor finds. */
function stdinOf(supervisor: Supervisor, id: string): Pick<StdinWriter, 'write' | 'close'> {
  return { write: (data) => supervisor.write(id, data), close: () => supervisor.closeStdin(id) }
}

function isGone(error: unknown): boolean {
  return isProcmanError(error) && (error.code === 'PROCMAN_STDIN_CLOSED' || error.code === 'PROCMAN_PROCESS_UNKNOWN' || error.code === 'PROCMAN_CLOSED')
}

async function leave(grip: Grip): Promise<number> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, HANGUP_CLOSE_MS)
  })
  await Promise.race([grip.abandon(), patience]).catch(() => undefined)
  clearTimeout(timer)
  return EXIT_OF_HANGUP
}
