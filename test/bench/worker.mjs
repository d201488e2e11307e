// A process of its own for one side of a benchmark. Ends with its parent.
import './harness.mjs'

const { ops } = await import(new URL(process.argv[2], import.meta.url))

process.on('disconnect', () => process.exit(0))
process.on('message', async ({ op, args }) => {
  try {
    process.send({ result: await ops[op](args) })
  } catch (error) {
    process.send({ error: error.stack ?? String(error) })
  }
})
