/** git (`--progress`, as its output is no terminal): one bar after the other, each under its name. */
import type { Recogniser } from '../sighting.ts'

const LINE =
  /^(?:remote: )?(?<name>[A-Z][A-Za-z ]+): +(?<percent>\d{1,3})% \((?<current>\d+)\/(?<total>\d+)\)(?:, (?<size>[\d.]+ [KMGT]?i?B(?:ytes)?(?: \| [\d.]+ [KMGT]?i?B(?:ytes)?\/s)?))?/

export const git: Recogniser = (line) => {
  const groups = LINE.exec(line)?.groups
  if (groups === undefined) return null
  const { name = '', size } = groups
  return {
    percent: Number(groups.percent),
    current: Number(groups.current),
    total: Number(groups.total),
    message: size === undefined ? name : `${name}, ${size}`,
    key: name,
  }
}
