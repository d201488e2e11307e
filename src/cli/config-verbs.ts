/** The verbs that read a config file and do nothing with it. */
import { withExamples } from './examples.ts'
import { JSON_HELP, type Verbs } from './verbs.ts'

export function addConfigVerbs({ verb, cliOf, answer }: Verbs): void {
  verb(
    'validate [file]',
    'say whether a config file is right, and everything that is wrong with it',
    'procman validate',
    'procman validate deploy/procman.yaml',
  )
    .option('-c, --config <file>', 'the same as FILE')
    .option('--json', JSON_HELP)
    .action(async (file: string | undefined, options) => answer(await (await import('./commands/validate.ts')).validate(cliOf(options), file, options)))
  const config = verb(
    'config',
    'the JSON Schema of config files, and what a file comes to',
    'procman config schema > procman.schema.json',
    'procman config show',
  )
  withExamples(config.command('schema'), ['procman config schema > procman.schema.json'])
    .description('print the JSON Schema of config files, for editors')
    .action(async () => answer(await (await import('./commands/config.ts')).configSchema(cliOf({}))))
  withExamples(config.command('show'), ['procman config show', 'procman config show -c deploy/procman.yaml'])
    .description('print what the config file comes to, as JSON; values that look secret are not shown')
    .option('-c, --config <file>', 'the config file (default: looked for from the working directory upward)')
    .action(async (options) => answer(await (await import('./commands/config.ts')).configShow(cliOf({}), options)))
}
