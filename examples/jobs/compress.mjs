// A job: node compress.mjs TARGET [SOURCE] compresses a file (default: the node program itself) with brotli and verifies the result by decompressing it.
// Prints progress as `NN%`, then what came out. An ordinary program: it knows nothing of procman.
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, statSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { constants, createBrotliCompress, createBrotliDecompress } from 'node:zlib'

const [target, source = process.execPath] = process.argv.slice(2)
const QUALITY = 8
const size = statSync(source).size
const sums = { source: createHash('sha256'), target: createHash('sha256'), again: createHash('sha256') }

const startedAt = performance.now()
const brotli = createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: size } })
await pipeline(createReadStream(source), withProgress, brotli, (chunks) => summed(chunks, sums.target), createWriteStream(target))
await pipeline(createReadStream(target), createBrotliDecompress(), async (chunks) => {
  for await (const chunk of chunks) sums.again.update(chunk)
})
const [before, after] = [sums.source.digest('hex'), sums.again.digest('hex')]
if (before !== after) {
  process.stderr.write(`decompressed, it is ${after} instead of ${before}\n`)
  process.exit(1)
}
const compressed = statSync(target).size
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
process.stdout.write(`\n${size} bytes -> ${compressed} bytes (${((compressed / size) * 100).toFixed(1)} %) in ${seconds} s\n`)
process.stdout.write(`sha256 ${before} (of the original, and of the result decompressed again)\nsha256 ${sums.target.digest('hex')} (of the result)\n`)

async function* withProgress(chunks) {
  let taken = 0
  let shown = -1
  for await (const chunk of summed(chunks, sums.source)) {
    yield chunk
    taken += chunk.length
    const percent = Math.floor((taken / size) * 100)
    if (percent > shown) process.stdout.write(`${shown < 0 ? '' : '\r'}${percent}%`)
    shown = percent
  }
}

async function* summed(chunks, sum) {
  for await (const chunk of chunks) {
    sum.update(chunk)
    yield chunk
  }
}
