// A reader in another process, beside the managers as they come and go: looks at the directory all the time, and says what it sees. fd 3 answers the driver.
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { endOf } from './ends.mjs'
import { randomOf } from './random.mjs'

const settings = JSON.parse(process.argv[2])
const random = randomOf(settings.seed, 'reader')
const { createReader } = await import(settings.dist)
const reader = createReader({ stateDir: settings.stateDir })
const told = new Set()

const write = (entry) => writeSync(1, `${JSON.stringify({ ms: Date.now(), ...entry })}\n`)

createInterface({ input: process.stdin })
  .on('line', () => writeSync(3, `${JSON.stringify({ mark: 'list', ...survey() })}\n`))
  // The driver has gone.
  .on('close', () => process.exit(0))
write({ t: 'begun' })
for (;;) {
  look()
  await new Promise((resolve) => setTimeout(resolve, random.int(5, 60)))
}

function look() {
  const { records, problems } = survey()
  for (const problem of problems) tellOnce({ t: 'problem', problem: { ...problem, atMs: 0 } })
  for (const record of records) {
    const end = endOf(record, 'reader beside')
    // Looking takes its time: a process may be removed meanwhile. What stays is a lie, what is gone at the second look was one of a moment.
    if (end?.outcome.kind === 'unknown' && !isStill(record)) tellOnce({ t: 'blink', id: record.id, incarnation: end.incarnation, run: record.run, record })
    else if (end !== undefined) tellOnce({ t: 'end', ...end })
  }
}

function isStill({ id, run, state, created_at }) {
  return survey().records.some((record) => record.id === id && record.run === run && record.state === state && record.created_at === created_at)
}

function survey() {
  try {
    return reader.survey()
  } catch (error) {
    write({ t: 'threw', message: error.stack })
    return { records: [], problems: [] }
  }
}

function tellOnce(entry) {
  const key = JSON.stringify(entry)
  if (told.has(key)) return
  told.add(key)
  write(entry)
}
