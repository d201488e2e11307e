// A program that talks: prints numbered lines until it is stopped, and the last number when that comes. It knows nothing of procman.
let n = 0
const timer = setInterval(() => {
  let text = ''
  for (const end = n + 20; n < end; n++) text += `line ${n}\n`
  process.stdout.write(text)
}, 20)

process.once('SIGTERM', () => {
  clearInterval(timer)
  process.stdout.write(`line ${n} is the last\n`)
})
