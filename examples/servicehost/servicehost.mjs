/** A service host: loads a WebAssembly module and serves what it computes. Exit code 64: bad options; 1: it could not start, or was told to crash. */
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { loadChecksum } from './host/checksum.mjs'
import { countStart } from './host/database.mjs'
import { parseOptions, USAGE, UsageError } from './host/options.mjs'
import { createHost } from './host/server.mjs'

const HOST = '127.0.0.1'
/** What is being answered when the end is asked for may be answered to its end for so long. */
const GRACE_MS = 250
const CRASH_AFTER_MS = 50

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`servicehost: ${error.message}\n`)
  if (error instanceof UsageError) process.stderr.write(`${USAGE}\n`)
  // Not only the exit code: it is over even where something is still open.
  process.exit(error instanceof UsageError ? 64 : 1)
}

async function main(args) {
  const options = parseOptions(args)
  const starts = await countStart(options.dbPath)
  if (process.env.SERVICEHOST_CRASH === '1') await crash()
  const server = createHost({ ...options, instance: process.env.PROCMAN_ID ?? null, starts, module: await loadChecksum(options.wasm) })
  server.listen(options.port, HOST)
  await once(server, 'listening')
  process.once('SIGTERM', () => end(server))
  process.stdout.write(`start ${starts}: listening on http://${HOST}:${server.address().port}\n`)
}

/** Closes what is idle at once, the rest after a moment; then nothing is left to wait for, and Node ends with 0. */
function end(server) {
  server.close()
  setTimeout(() => server.closeAllConnections(), GRACE_MS).unref()
}

async function crash() {
  await pause(CRASH_AFTER_MS)
  throw new Error('it crashes, as SERVICEHOST_CRASH=1 asks')
}
