/** The places of a spec that may have templates. */
import type { HealthSpec, ProbeCheck, ProbeName, ProbeSpec, ProcessSpec } from '../types.ts'
import { kindOfArgument, type TextKind } from './code.ts'

/** @param place as `args.2` or `health.liveness.http.url` */
export type Fill = (text: string, place: string, kind?: TextKind) => string

type Texts = Readonly<Record<string, string>>

/** @param complain told of a directory that is not absolute once it is filled in */
export function mapTexts(spec: ProcessSpec, fill: Fill, complain: (place: string, what: string) => void): Omit<ProcessSpec, 'env'> {
  const fillCwd = (cwd: string, place: string) => {
    const filled = fill(cwd, place)
    if (!filled.startsWith('/')) complain(place, `it must be absolute, and ${JSON.stringify(filled)} is not`)
    return filled
  }
  return { ...spec, ...mapCommand(spec, '', fill), cwd: fillCwd(spec.cwd, 'cwd'), health: spec.health && mapHealth(spec.health, fill, fillCwd) }
}

export function mapValues<Value, Mapped>(
  record: Readonly<Record<string, Value>>,
  map: (value: Value, name: string) => Mapped,
): Readonly<Record<string, Mapped>> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]))
}

/** What an argument is shows in those before it, as they are when they are filled in. */
function mapCommand({ command, args }: Pick<ProcessSpec, 'command' | 'args'>, place: string, fill: Fill): Pick<ProcessSpec, 'command' | 'args'> {
  const program = fill(command, `${place}command`)
  const filled: string[] = []
  for (const [index, arg] of args.entries()) filled.push(fill(arg, `${place}args.${index}`, kindOfArgument(arg, program, filled)))
  return { command: program, args: filled }
}

function mapHealth(health: HealthSpec, fill: Fill, fillCwd: Fill): HealthSpec {
  const map = (probe: ProbeSpec | null, name: ProbeName) =>
    probe && { ...probe, check: mapCheck(probe.check, `health.${name}.${probe.check.kind}.`, fill, fillCwd) }
  return { ...health, startup: map(health.startup, 'startup'), liveness: map(health.liveness, 'liveness'), readiness: map(health.readiness, 'readiness') }
}

function mapCheck(check: ProbeCheck, place: string, fill: Fill, fillCwd: Fill): ProbeCheck {
  const map = (texts: Texts, name: string) => mapValues(texts, (text, key) => fill(text, `${place}${name}.${key}`))
  const address = ({ host, port }: { readonly host: string; readonly port: string }) => ({ host: fill(host, `${place}host`), port: fill(port, `${place}port`) })
  switch (check.kind) {
    case 'http':
      return { ...check, url: fill(check.url, `${place}url`), headers: map(check.headers, 'headers') }
    case 'tcp':
      return { ...check, ...address(check) }
    case 'grpc':
      return { ...check, ...address(check), service: fill(check.service, `${place}service`) }
    case 'exec':
      return { ...check, ...mapCommand(check, place, fill), cwd: check.cwd && fillCwd(check.cwd, `${place}cwd`), env: map(check.env, 'env') }
    case 'function':
      return check
  }
}
