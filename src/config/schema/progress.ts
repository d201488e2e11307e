/** How progress is read from output. */
import { leaf, object, oneOf } from './leaf.ts'
import { regularExpression } from './values.ts'

export const PROGRESS = 'Whether its output is read for how far it is: true, as known tools print it; or a map with `pattern`.'

export const progress = oneOf('true, false, auto, or a map with pattern', [
  leaf('true, false or auto', { enum: [true, false, 'auto'] }, ['flag', 'text'], (given) =>
    ([true, false, 'auto'] as const).find((one) => String(one) === String(given)),
  ),
  object('a map with pattern', {
    pattern: regularExpression.meta({
      description: 'A regular expression with the named groups percent, current, total or message, any of them: `(?<current>\\d+) of (?<total>\\d+)`.',
    }),
  }).meta({ id: 'progress', description: 'How its output is read for how far it is. [Logs](logs.md#progress) tells more.' }),
])
