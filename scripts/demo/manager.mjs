// Manager A of the demo: a program of its own that starts two processes through the library and passes their progress on, until it is killed.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createSupervisor } from '../../dist/index.js'

const [stateDir, source, target] = process.argv.slice(2)
const supervisor = await createSupervisor({ stateDir })
const compress = fileURLToPath(new URL('compress.mjs', import.meta.url))
await supervisor.start({ id: 'compress', command: process.execPath, args: [compress, source, target], labels: { type: 'demo' } })
// It ends when it is told to: while nobody manages it.
await supervisor.start({ id: 'seven', command: 'sh', args: ['-c', 'until [ -e "$0" ]; do sleep 0.1; done; exit 7', join(stateDir, '..', 'go')] })
for (const { id, pid } of supervisor.list()) process.send({ id, pid })
for await (const { text } of supervisor.watch('compress')) process.send({ progress: text })
