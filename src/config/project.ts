/** From what a file holds to a project. */
import type { DesiredProcess } from '../desired.ts'
import { mustBeAccepted } from './accept.ts'
import { toCollection } from './build/collection.ts'
import { toInput } from './build.ts'
import type { Project } from './contract.ts'
import { type Declared, toDeclared } from './declared.ts'
import { resolveDependencies } from './dependencies.ts'
import type { Read } from './document.ts'
import type { EnvFiles } from './env-files.ts'
import { addIssues } from './issues.ts'
import { toManagerSettings } from './manager-settings.ts'
import { isMap } from './prepare/fields.ts'
import type { LookUp } from './prepare/interpolate.ts'
import { prepare } from './prepare.ts'
import type { Problems } from './problems.ts'
import { escaped, missingEnvFiles, readEnvFiles } from './process-env.ts'
import { replicasOf } from './replicas.ts'
import { checkRules } from './rules.ts'
import { salvage } from './salvage.ts'
import { told } from './schema/leaf.ts'
import { type ConfigAsked, config } from './schema.ts'
import { warningsOf } from './warnings.ts'

export interface Surroundings {
  readonly path: string
  readonly dir: string
  readonly lookUp: LookUp
  readonly files: EnvFiles
}

/** @returns undefined when it is too wrong for that; what is wrong is added to the problems */
export function toProject(read: Read, { path, dir, lookUp, files }: Surroundings, problems: Problems): Project | undefined {
  if (!isMap(read.value)) {
    problems.add(
      [],
      read.value === null
        ? 'is empty: it must have processes or managed_processes'
        : `must be a map with processes or managed_processes, not ${told(read.value)}`,
    )
    return undefined
  }
  const prepared = prepare(read, lookUp, problems)
  const asked = check(prepared.value, problems)
  if (asked === undefined) return undefined
  const all = inOrderOf(prepared.value, toDeclared(asked, problems))
  checkRules(all, problems)
  const byId = new Map(all.map((declared) => [declared.id, declared]))
  const build = (declared: Declared): readonly DesiredProcess[] => {
    const env = readEnvFiles(declared, files, problems)
    const input = toInput(declared, { dir, env }, problems)
    const extra = escaped(prepared.scriptEnvOf(declared.path), declared)
    const dependsOn = resolveDependencies(declared, byId)
    const replicas = replicasOf(declared).map((replica) => ({ ...input, id: replica.id, env: { ...input.env, ...extra, ...replica.env }, dependsOn }))
    if (!problems.isWithin(declared.path)) mustBeAccepted(replicas.at(-1) ?? { ...input, id: declared.id, dependsOn }, declared, problems)
    return declared.asked.enabled === false ? [] : replicas
  }
  const processes = all.flatMap(build)
  return {
    path,
    dir,
    manager: toManagerSettings(asked.process_manager),
    processes,
    collection: toCollection(asked.log_collection, all, dir, problems),
    disabled: all
      .filter((declared) => declared.asked.enabled === false)
      .flatMap(replicasOf)
      .map(({ id }) => id),
    warnings: [...all.flatMap((declared) => missingEnvFiles(declared, files)), ...warningsOf(all)],
    files: [path, ...files.files],
  }
}

/** What can be made of it although something is wrong is looked at further, so that all is told at once. */
function check(value: unknown, problems: Problems): ConfigAsked | undefined {
  const parsed = config.safeParse(value, { reportInput: true })
  if (parsed.success) {
    const { processes, managed_processes } = parsed.data
    if (processes === undefined && managed_processes === undefined) problems.add([], 'declares no processes: it must have processes or managed_processes')
    return parsed.data
  }
  addIssues(parsed.error.issues, problems)
  const wrong = problems.found.map(({ steps }) => steps)
  return config.safeParse(salvage(value, wrong)).data
}

/** Whichever form comes first in the file. */
function inOrderOf(value: unknown, all: readonly Declared[]): readonly Declared[] {
  const keys = Object.keys(isMap(value) ? value : {})
  return [...all].sort((a, b) => keys.indexOf(String(a.path[0])) - keys.indexOf(String(b.path[0])))
}
