// npm run bench [-- name…]: every figure of the README, ours and bare Node's in the same run. Nothing here asserts a time.
import { cpus, totalmem } from 'node:os'
import { sweep } from './harness.mjs'

const NAMES = ['start', 'restart', 'adopt', 'memory', 'tree', 'list', 'probes', 'following', 'rotation', 'collect']
const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !NAMES.includes(name))
if (unknown.length > 0) {
  process.stderr.write(`there is no benchmark ${unknown.join(', ')}; known are ${NAMES.join(', ')}\n`)
  process.exit(2)
}

process.on('exit', sweep)
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
])
  process.on(signal, () => process.exit(code))

const rows = []
for (const name of asked.length > 0 ? asked : NAMES) {
  const startedAt = performance.now()
  process.stderr.write(`${name} … `)
  const { run } = await import(`./${name}.mjs`)
  rows.push(...(await run()))
  sweep()
  process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(0)} s\n`)
}

const [cpu] = cpus()
process.stdout.write(
  `\nNode ${process.version}, ${process.platform}-${process.arch}, ${cpus().length} × ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB; medians\n\n`,
)
process.stdout.write('| what | procman | reference | ratio | aim |\n|---|---|---|---|---|\n')
for (const { name, ours, reference = '–', ratio = '–', aim } of rows) process.stdout.write(`| ${name} | ${ours} | ${reference} | ${ratio} | ${aim} |\n`)
