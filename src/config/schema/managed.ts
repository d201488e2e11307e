/** The long form: `managed_processes`, a list. */
import type * as z from 'zod'
import { healthCheck } from './health.ts'
import { leaf, list, object, option, quote, Refused } from './leaf.ts'
import { logging, resourceLimits } from './limits.ts'
import { common, ID, surroundings } from './process.ts'
import { PROGRESS, progress } from './progress.ts'
import { breaker, ladder, ready, restart } from './restart.ts'
import { duration, environment, fullText, signal, text, texts } from './values.ts'

const control = object('a map with executable', {
  executable: fullText.meta({ description: 'A program’s name (looked for in PATH), or its path: a relative one is from the working directory.' }),
  arguments: option(texts, 'Its arguments, each as it is.', []),
  working_directory: option(fullText, 'Where it runs, from the directory of this file. Default: the directory of this file.'),
  environment: option(environment, 'Variables.'),
  ...surroundings,
  shutdown_timeout: option(duration, 'From the first signal to SIGKILL of the whole tree.', '5s'),
  stop_signal: option(signal, 'What asks it to end.', 'SIGTERM'),
  stop_ladder: option(ladder, 'Several signals, one after the other, instead of `stop_signal`.'),
}).meta({ id: 'control', description: 'What is run, with what, and how it is ended.' })

const management = object('a map with control', {
  control: control.meta({ description: 'What is run, with what, and how it is ended.' }),
  health_check: option(healthCheck, 'Whether it is well.'),
  ready: option(ready, 'What else makes a run ready.'),
  resource_limits: option(resourceLimits, 'Checked, and without effect yet.'),
  restart_policy: option(restart, 'When it is started again: a word, or a map with `strategy`.', 'never'),
  circuit_breaker: option(breaker, 'True, false, or its figures. Where nothing is restarted there is none.', true),
  logging: option(logging, 'What becomes of its output.'),
  progress: option(progress, PROGRESS, false),
}).meta({ id: 'management', description: 'How a process is managed.' })

const id = leaf(ID.words, { type: ['string', 'integer'], pattern: ID.pattern.source }, ['text', 'number'], (given) => {
  const asked = String(given)
  return ID.pattern.test(asked) ? asked : new Refused(`${quote(asked)} is not ${ID.words}`)
})

const type = leaf('standard_managed', { const: 'standard_managed' }, ['text'], (given) => {
  if (given === 'standard_managed') return 'standard_managed' as const
  return new Refused(`must be standard_managed, not ${quote(given)}: procman starts all processes that it manages, and knows no other type`)
})

export const managedProcess = object('a map with id and management', {
  id: id.meta({ description: 'Its name: letters, digits, `.`, `_`, `-`.' }),
  type: option(type, 'There is one type.', 'standard_managed'),
  profile_type: option(text, 'Any word; kept as `meta.profile_type`.'),
  ...common,
  management: management.meta({ description: 'How it is managed.' }),
}).meta({ id: 'managed_process', description: 'A process that should exist, in the long form.' })

export type ManagedAsked = z.output<typeof managedProcess>

export const managedProcesses = list('a list of processes', managedProcess)
