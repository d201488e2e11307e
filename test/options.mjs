// Values of options of the long runs: checked before anything begins, so that a slip of the pen is told in a sentence and costs nothing.
import { InvalidArgumentError } from 'commander'

/** A whole number, of at least so many. */
export const whole = (least) => (text) => {
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text)) && Number(text) >= least) return Number(text)
  throw new InvalidArgumentError(`It must be a whole number from ${least}.`)
}

/** Minutes, also parts of one; more than none. */
export function minutes(text) {
  if (/^\d+(\.\d+)?$/.test(text) && Number(text) > 0) return Number(text)
  throw new InvalidArgumentError('It must be a number of minutes, more than 0, as 10 or 0.5.')
}

/** Names with commas between. @param known all that there are */
export const names = (known) => (text) => {
  const unknown = text.split(',').filter((name) => !known.includes(name))
  if (unknown.length === 0) return text.split(',')
  throw new InvalidArgumentError(`There is no ${unknown.join(', ')}; known are ${known.join(', ')}.`)
}
