/** `completion`: the script for a shell. It asks the hidden `__complete`, which answers with a line for each candidate, and what the shell is to add itself. */
import type { Command } from 'commander'
import { type Candidate, type Candidates, candidatesFor } from '../completion/candidates.ts'
import { scriptFor } from '../completion/scripts.ts'
import type { Cli } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { write } from '../io.ts'
import { parseChoice } from '../parse/choice.ts'
import { renderStatus } from '../render/status.ts'
import { escapeControls, renderCommand, truncate } from '../render/text.ts'

const DESCRIPTION_WIDTH = 60

export async function completion(cli: Cli, shell: string): Promise<number> {
  await write(cli.io.stdout, scriptFor(parseChoice(shell, 'shell', ['bash', 'zsh', 'fish'])))
  return EXIT.done
}

/** Lines `value<TAB>description`, and one that begins with a colon: what else may be meant, `:files`, and what stands before it in the word, `:files --env-file=`. */
export async function complete(cliOf: (options: { readonly stateDir?: string }) => Cli, program: Command, words: readonly string[]): Promise<number> {
  const candidates = candidatesFor(program, words)
  const cli = cliOf(candidates.stateDir === null ? {} : { stateDir: candidates.stateDir })
  const last = words.at(-1) ?? ''
  const ids = candidates.more === 'ids' ? await findIds(cli, candidates, last) : []
  const lines = [...candidates.words, ...ids].map(({ value, description }) => `${value}\t${truncate(escapeControls(description), DESCRIPTION_WIDTH)}\n`)
  const more = candidates.more === 'none' || candidates.more === 'ids' ? '' : `:${candidates.more} ${candidates.prefix}\n`
  await write(cli.io.stdout, lines.join('') + more)
  return EXIT.done
}

/** Nobody wants to read an error in the middle of a line that is being typed. */
async function findIds(cli: Cli, { given, prefix }: Candidates, unfinished: string): Promise<readonly Candidate[]> {
  try {
    const records = (await cli.reader()).list()
    return records
      .filter(({ id }) => !given.includes(id) && `${prefix}${id}`.startsWith(unfinished))
      .map((record) => ({ value: `${prefix}${record.id}`, description: `${renderStatus(record)}: ${renderCommand(record.command, record.args)}` }))
  } catch {
    return []
  }
}
