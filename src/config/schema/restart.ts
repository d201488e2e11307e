/** What follows the end of a run, and how it is ended. */
import { leaf, list, object, oneOf, option, record } from './leaf.ts'
import { duration, longDuration, number, regularExpression, signal, text, whole, word } from './values.ts'

export const STRATEGIES = ['never', 'on_failure', 'always', 'unless_stopped'] as const

export const restartPolicy = object('a word such as always, or a map with strategy', {
  strategy: word(STRATEGIES).meta({
    description: 'When to start the next run: `never` (a job), after a failure, or `always` (a service). A stop by the user is always kept.',
  }),
  max_attempts: option(whole(0, 10_000), 'Give up when one cause has led to so many restarts within `window`. 0: never give up.', 3),
  restart_delay: option(duration, 'Wait before the first restart.', '5s'),
  delay: option(duration, 'The same as `restart_delay`.'),
  backoff_multiplier: option(number(1, 1_000), 'Each further wait is this many times the one before.', 1.5),
  multiplier: option(number(1, 1_000), 'The same as `backoff_multiplier`.'),
  max_delay: option(duration, 'No wait is longer.', '5m'),
  jitter: option(number(0, 1), 'Each wait is longer or shorter by up to this share, so that many do not come at once.', 0.1),
  reset_after: option(duration, 'A run that was ready for so long sets the waits back to `restart_delay`.', '60s'),
  window: option(longDuration, 'Restarts longer ago are not counted. Default: 10 minutes, or twice as long as `max_attempts` waits take.'),
  success_exit_codes: option(list('a list of exit codes', whole(0, 255)), 'Exit codes that are no failure; 0 always is one of them.', []),
  success_signals: option(list('a list of signals', signal), 'Signals that are no failure.', []),
  no_restart_exit_codes: option(list('a list of exit codes', whole(0, 255)), 'Exit codes after which it is not started again, whatever the strategy.', []),
}).meta({ id: 'restart_policy', description: 'When a run is followed by another, and how soon.' })

export const restart = oneOf('a word such as always, or a map with strategy', [word(STRATEGIES), restartPolicy])

export const breaker = oneOf('true, false or a map', [
  leaf('true or false', { type: 'boolean' }, ['flag'], (given) => given === true),
  object('true, false or a map', {
    failures: option(whole(1, 1_000), 'So many failures within `window`, and no run is begun before `cooldown` has passed; then one as a trial.', 5),
    window: option(longDuration, 'Failures longer ago are not counted.', '60s'),
    cooldown: option(duration, 'How long no run is begun.', '5m'),
  }).meta({ id: 'breaker', description: 'The circuit breaker of a process that is started again.' }),
])

export const ladder = list(
  'a list of rungs, each { signal, after }',
  object('a map of signal and after', {
    signal: signal.meta({ description: 'As `SIGTERM`, `TERM` or 15.' }),
    after: option(duration, 'So long after the stop began.', '0s'),
  }).meta({ id: 'stop_rung', description: 'One rung of the stop ladder.' }),
)

export const stop = object('a map of signal or ladder, and timeout', {
  signal: option(signal, 'What asks it to end.', 'SIGTERM'),
  ladder: option(ladder, 'Several signals, one after the other, instead of `signal`.'),
  timeout: option(duration, 'From the first signal to SIGKILL of the whole tree.', '5s'),
}).meta({ id: 'stop', description: 'How a process is asked to end.' })

export const ready = object('a map with one of log_line, notify_fd, delay', {
  log_line: option(regularExpression, 'A line of its output that matches this regular expression.'),
  notify_fd: option(whole(3, 255), 'A newline on this descriptor.'),
  delay: option(duration, 'So long after the launch; less than `startup_timeout`.'),
}).meta({ id: 'ready', description: 'What, beside probes, makes a run ready: exactly one of these.' })

export const CONDITIONS = ['started', 'healthy', 'completed_successfully'] as const

const WORDS = 'a list of names, or a map of names to started, healthy or completed_successfully'
const condition = word(CONDITIONS)
const anyName = { pattern: /^[^\0]+$/, words: 'a name' }

export const dependsOn = oneOf(WORDS, [
  list(WORDS, text),
  record(
    WORDS,
    oneOf('started, healthy, completed_successfully, or { condition }', [
      condition,
      object('a map with condition', { condition: condition.meta({ description: 'What the other must be before this one is started.' }) }).meta({
        id: 'dependency',
        description: 'What another process must be before this one is started.',
      }),
    ]),
    anyName,
  ),
])
