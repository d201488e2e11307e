/** Reads a Procfile: `web: node server.js`, a process a line. Each is a line for a shell, since that is what the format is. */
import type { DesiredProcess } from '../desired.ts'
import type { Project } from './contract.ts'
import { toManagerSettings } from './manager-settings.ts'
import type { Problems } from './problems.ts'
import { quote } from './schema/leaf.ts'
import { ID } from './schema/process.ts'

const LINE = /^(\s*)([^:]*?)\s*:\s*(.*?)\s*$/
const FIRST_PORT = 5_000
const PORT_STEP = 100

export interface ProcfileSurroundings extends Pick<Project, 'path' | 'dir' | 'files'> {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Of `.env` beside it: each process gets them. */
  readonly variables: Readonly<Record<string, string>>
}

export function readProcfile(text: string, { path, dir, files, env, variables }: ProcfileSurroundings, problems: Problems): Project {
  const lines = readLines(text, problems)
  const firstPort = portOf(env.PORT ?? variables.PORT)
  const processes = lines.map(({ id, script }, index): DesiredProcess => {
    // As foreman gives them: 5000, 5100, 5200 …
    const own = { ...variables, PORT: String(firstPort + index * PORT_STEP) }
    return { id, command: 'sh', args: ['-c', script], env: own, cwd: dir, template: false }
  })
  return { path, dir, manager: toManagerSettings(), processes, collection: { targets: [] }, disabled: [], warnings: [], files }
}

interface Line {
  readonly id: string
  readonly script: string
}

function readLines(text: string, problems: Problems): readonly Line[] {
  const found = new Map<string, Line>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue
    const [, indent = '', id, script = ''] = LINE.exec(line) ?? []
    const complain = (message: string, column: number, length: number) =>
      problems.addAt({ line: index + 1, column, length }, id === undefined ? [] : [id], message)
    if (id === undefined) complain('must be a name, a colon and a command, as in "web: node server.js"', 1, line.length)
    else if (!ID.pattern.test(id)) complain(`${quote(id)} is not ${ID.words}`, indent.length + 1, Math.max(1, id.length))
    else if (script === '') complain('has no command', indent.length + 1, id.length)
    else if (script.includes('\0')) complain('has a NUL, which no program can be given', indent.length + 1, id.length)
    else if (found.has(id)) complain(`there is another process ${quote(id)} above`, indent.length + 1, id.length)
    else found.set(id, { id, script })
  }
  if (found.size === 0 && problems.found.length === 0)
    problems.add([], 'declares no processes: a line of it is a name, a colon and a command, as in "web: node server.js"')
  return [...found.values()]
}

function portOf(given: string | undefined): number {
  const port = Number(given)
  return given !== undefined && Number.isInteger(port) && port > 0 ? port : FIRST_PORT
}
