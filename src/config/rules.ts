/** What must hold between the parts of a file. */
import type { Declared } from './declared.ts'
import { checkDependencies } from './dependencies.ts'
import type { Problems } from './problems.ts'
import { replicasOf } from './replicas.ts'
import { quote } from './schema/leaf.ts'

export function checkRules(all: readonly Declared[], problems: Problems): void {
  checkIds(all, problems)
  for (const declared of all) checkReplicas(declared, problems)
  checkDependencies(all, problems)
}

/** Names and the names of replicas are of one kind: each is taken once. */
function checkIds(all: readonly Declared[], problems: Problems): void {
  const names = new Map<string, Declared>()
  for (const declared of all) {
    const { id, path } = declared
    const idPath = path[0] === 'managed_processes' ? [...path, 'id'] : path
    const other = names.get(id)
    if (other === undefined) names.set(id, declared)
    else problems.add(idPath, `there is another process ${quote(id)}: ${other.path.join('.')}`, path[0] === 'managed_processes' ? 'value' : 'key')
  }
  for (const declared of all) {
    if (declared.asked.replicas === undefined) continue
    const taken = replicasOf(declared).find(({ id }) => names.has(id))
    if (taken !== undefined) problems.add(declared.pathOf('replicas'), `one of them would be called ${quote(taken.id)}, as another process is`)
  }
}

function checkReplicas({ asked: { replicas = 1, ports = {} }, pathOf }: Declared, problems: Problems): void {
  if (replicas < 2) return
  for (const [name, given] of Object.entries(ports)) {
    const port = typeof given === 'object' && 'port' in given ? given.port : given
    if (typeof port === 'number') problems.add([...pathOf('ports'), name], `is one port, and ${replicas} replicas would want it: give any, or a range`)
  }
}
