/** Writes for as long as it lives, to both streams, in bursts of a few KB. */
let n = 0
setInterval(() => {
  n += 1
  process.stdout.write(`out ${n} ${'o'.repeat(1_000)}\n`)
  process.stderr.write(`err ${n} ${'e'.repeat(1_000)}\n`)
}, 50)
