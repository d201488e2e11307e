// Manager A of the demo: a program of its own that starts two processes through the library and passes their progress on, until it is killed.
import { fileURLToPath } from 'node:url'
import { createSupervisor } from '../../dist/index.js'

const [stateDir, source, target] = process.argv.slice(2)
const supervisor = await createSupervisor({ stateDir })
const compress = fileURLToPath(new URL('compress.mjs', import.meta.url))
await supervisor.start({ id: 'compress', command: process.execPath, args: [compress, source, target], labels: { type: 'demo' } })
await supervisor.start({ id: 'seven', command: 'sh', args: ['-c', 'sleep 3; exit 7'] })
for (const { id, pid } of supervisor.list()) process.send({ id, pid })
for await (const { text } of supervisor.watch('compress')) process.send({ progress: text })
