// What the figures of a soak say: counts are back at the line or they are not; it is quiet or it is not; memory grows, or cannot be told from what stays.

/** Bytes per 1 000 processes. Less than that is what V8 itself takes for code and for what it has learned; one lost object of the smallest kind per process is more. */
const TOLERANCE = { heapUsed: 16 * 1024, external: 16 * 1024, arrayBuffers: 16 * 1024, rss: 512 * 1024 }

const PER = 1_000

/** Of a core, or of the loop's time, in percent. A hundred clients that wait take a few, half of them readers without a lock, which look once a second; one that spins takes all that it gets. */
export const QUIET_PERCENT = 50

/** The figure's name in the series. */
export const BUSY = 'busy at rest, %'

/** @returns a row for each figure: name, first, last, slope per 1 000 processes, whether it is well, why */
export function judge(series, line, offLine) {
  const counts = Object.keys(line).map((name) => judgeCount(series, line, offLine, name))
  return [...counts, judgeBusy(series), ...Object.keys(TOLERANCE).map((name) => judgeMemory(series, name))]
}

function judgeBusy(series) {
  const seen = Array.from({ length: series.length }, (_, index) => series.at(BUSY, index))
  const loud = seen.filter((percent) => percent > QUIET_PERCENT).length
  const why = loud === 0 ? `with all clients waiting, tolerated ${QUIET_PERCENT} %` : `more than ${QUIET_PERCENT} % after ${loud} of ${seen.length} cycles`
  const [first, last] = [seen[0], series.last(BUSY)].map((percent) => Number(percent.toFixed(2)))
  return { name: BUSY, first, last, slope: series.slope(BUSY).slope * PER, isWell: loud === 0, why }
}

/** What the garbage collector had not got yet when the line was drawn, it may get later: of objects, fewer are no loss. */
export function isAtLine(name, count, line) {
  return name.startsWith('object ') ? count <= line : count === line
}

function judgeCount(series, line, offLine, name) {
  const last = series.last(name)
  const times = offLine[name] ?? 0
  const isWell = times === 0 && isAtLine(name, last, line[name])
  const why = isWell ? 'back at the line after each cycle' : `not back at the line after ${times} of ${series.length} cycles`
  return { name, first: line[name], last, slope: series.slope(name).slope * PER, isWell, why }
}

/** Only what is certain counts: the whole 95 % interval of the slope over the second half lies above what is tolerated. */
function judgeMemory(series, name) {
  const { slope, error } = series.slope(name, Math.floor(series.length / 2))
  const isWell = !((slope - error) * PER > TOLERANCE[name])
  const interval = Number.isFinite(error) ? `${signed(slope * PER)} ± ${kilobytes(error * PER)} KB in the second half` : 'too few cycles to tell'
  return {
    name,
    first: series.at(name, 0),
    last: series.last(name),
    slope: series.slope(name).slope * PER,
    isWell,
    why: `${interval}, tolerated ${kilobytes(TOLERANCE[name])} KB`,
    isMemory: true,
  }
}

const kilobytes = (bytes) => (bytes / 1024).toFixed(1)
const signed = (bytes) => `${bytes < 0 ? '' : '+'}${kilobytes(bytes)}`

export function tableOf(rows) {
  const cells = rows.map(({ name, first, last, slope, isWell, why, isMemory }) => [
    name,
    isMemory ? `${kilobytes(first)} KB` : `${first}`,
    isMemory ? `${kilobytes(last)} KB` : `${last}`,
    isMemory ? `${signed(slope)} KB` : slope.toFixed(3),
    isWell ? 'well' : name === BUSY ? 'SPINS' : 'GROWS',
    why,
  ])
  const lines = [['what', 'first', 'last', `per ${PER} runs`, 'verdict', 'why'], ...cells]
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
