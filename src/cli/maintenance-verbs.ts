/** The verbs that look after procman itself. */
import { offer } from './completion/offers.ts'
import { JSON_HELP, type Verbs } from './verbs.ts'

export function addMaintenanceVerbs({ verb, cliOf, answer, program }: Verbs): void {
  verb('doctor', 'say what procman works with here, and what is wrong', 'procman doctor', 'procman doctor --json')
    .option('--json', JSON_HELP)
    .action(async (options) => answer(await (await import('./commands/doctor.ts')).doctor(cliOf(options), options)))
  verb('cleanup', 'forget all ended processes; prints their ids', 'procman cleanup', 'procman cleanup --older-than 7d')
    .option('--older-than <duration>', 'only those that ended so long ago, as 24h')
    .option('--json', JSON_HELP)
    .action(async (options) => answer(await (await import('./commands/cleanup.ts')).cleanup(cliOf(options), options)))
  verb('refresh', 'check every process against the operating system now', 'procman refresh')
    .option('--json', JSON_HELP)
    .action(async (options) => answer(await (await import('./commands/refresh.ts')).refresh(cliOf(options), options)))
  const diagram = verb('diagram', 'print the chart of a state machine', 'procman diagram', 'procman diagram supervisor --format svg')
    .argument('[machine]', 'process or supervisor', 'process')
    .option('--format <format>', 'mermaid or svg', 'mermaid')
    .action(async (name: string, options) => answer(await (await import('./commands/diagram.ts')).diagram(cliOf(options), name, options)))
  offer(offer(diagram, 'machine', ['process', 'supervisor', 'reconciler']), 'format', ['mermaid', 'svg'])
  const completion = verb(
    'completion <shell>',
    'print the script that completes procman in bash, zsh or fish',
    'procman completion bash > ~/.local/share/bash-completion/completions/procman',
    'procman completion zsh > ~/.zfunc/_procman',
    'procman completion fish > ~/.config/fish/completions/procman.fish',
  ).action(async (shell: string, options) => answer(await (await import('./commands/completion.ts')).completion(cliOf(options), shell)))
  offer(completion, 'shell', ['bash', 'zsh', 'fish'])
  // What those scripts ask: the words so far, the last of them unfinished.
  program
    .command('__complete', { hidden: true })
    .argument('[word...]')
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (words: string[]) => answer(await (await import('./commands/completion.ts')).complete(cliOf, program, words)))
}
