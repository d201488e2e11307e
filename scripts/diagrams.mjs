/** Writes diagrams/ from the built machines: `npm run build && npm run diagrams`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { processMachine } from '../dist/machines/process/machine.js'
import { reconcilerMachine } from '../dist/machines/reconciler/machine.js'
import { supervisorMachine } from '../dist/machines/supervisor/machine.js'
import { generate } from './diagrams/generate.mjs'

const folder = new URL('../diagrams/', import.meta.url)
mkdirSync(folder, { recursive: true })
for (const [name, text] of await generate({ process: processMachine, supervisor: supervisorMachine, reconciler: reconcilerMachine }))
  writeFileSync(new URL(name, folder), text)
