/** A process that is started through a manager gets the environment of who has started it, as it would without a manager. Pure. */
import type { ProcessInput } from '../../api.ts'

type Env = Readonly<Record<string, string | undefined>>

/** They tell of the caller's shell, or of the process that the caller is. */
const NOT_PASSED_ON = /^(PWD|OLDPWD|SHLVL|_|PROCMAN_(ID|RUN|TOKEN|REPLICA))$/
const DOLLARS = /\$\$|\$\{env\.([^}]+)\}/g

/** @param own the manager's: what is the same there need not be said @returns the input with what differs in its `env`, below what that says itself */
export function withCallerEnv(input: ProcessInput, caller: Env | undefined, own: Env): ProcessInput {
  if (caller === undefined || input.inheritEnv === false) return input
  const differing = Object.entries(caller).filter(([name, value]) => typeof value === 'string' && own[name] !== value && !NOT_PASSED_ON.test(name))
  if (differing.length === 0) return input
  const added = Object.fromEntries(differing.map(([name, value = '']) => [name, input.template === false ? value : value.replaceAll('$', '$$$$')]))
  return { ...input, env: { ...added, ...(isRecord(input.env) ? inherited(input.env as Env, added, input.template !== false) : input.env) } }
}

/** `${env.PATH}` in a variable means what is inherited: the caller's. */
function inherited(env: Env, added: Env, hasTemplates: boolean): Env {
  if (!hasTemplates) return env
  const fill = (value: unknown) =>
    typeof value === 'string' ? value.replace(DOLLARS, (whole, name?: string) => (name === undefined ? whole : (added[name] ?? whole))) : value
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, fill(value)])) as Env
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
