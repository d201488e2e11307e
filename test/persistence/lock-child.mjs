/** Takes locks when it is told to: a line of JSON { path, atMs } on stdin, one { pid, result } on stdout. Holds what it got until stdin ends. */
import { createInterface } from 'node:readline'
import { bootId, isAlive, startTimeOf } from '../../dist/effects/run/identity.js'
import { sweepLockLeftovers, takeLock } from '../../dist/persistence/lock.js'

const ports = { self: () => ({ pid: process.pid, start: startTimeOf(process.pid) ?? '', boot: bootId() }), isAlive }
const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)

answer({ pid: process.pid })
for await (const line of createInterface({ input: process.stdin })) {
  const { path, atMs } = JSON.parse(line)
  while (Date.now() < atMs) {
    // The instant is met by spinning: a timer would spread the racers.
  }
  try {
    const result = takeLock(path, ports)
    if (result.kind === 'held') sweepLockLeftovers(path, ports)
    answer({ pid: process.pid, result })
  } catch (error) {
    answer({ pid: process.pid, result: { kind: 'failed', message: String(error) } })
  }
}
