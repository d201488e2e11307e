/** pip with `--progress-bar raw`, which is the one it prints to a file. */
import type { Recogniser } from '../sighting.ts'

const LINE = /^Progress (\d+) of (\d+)$/

export const pip: Recogniser = (line) => {
  const [, current, total] = LINE.exec(line) ?? []
  return total === undefined ? null : { current: Number(current), total: Number(total), unit: 'B' }
}
