/** Application instances, each through a template: what a program knows of them becomes a process. */
import type { ProcessInput } from '../../api.ts'
import type { DesiredProcess, DesiredStateProvider } from '../../desired.ts'
import { ProcmanError } from '../../errors.ts'
import { type SourceInput, type SourceOptions, sourceOf } from './source.ts'

export interface InstancesOptions<Instance extends object> extends SourceOptions {
  /** The instances: a list, a function that gives one (called again at each `refresh`), an async iterable of lists, or an object with `name` and `watch` as a provider has. */
  readonly source: SourceInput<Instance>
  /**
   * What each runs. An object: its texts may have `${meta.NAME}` for every field of the instance that is a text, a number, true or false; they are filled in at each
   * launch. Or a function that makes the process of an instance.
   */
  readonly template: Omit<ProcessInput, 'id'> | ((instance: Instance) => ProcessInput)
  /** Default: its field `instanceId`. */
  readonly id?: (instance: Instance) => string
}

export function fromInstances<Instance extends object>({ source, template, id = instanceId, name }: InstancesOptions<Instance>): DesiredStateProvider {
  const instances = sourceOf(source, name === undefined ? {} : { name })
  return {
    name: name ?? instances.name,
    watch: (observer) =>
      instances.watch({
        next: (items) => {
          const processes = processesOf(items, template, id)
          if (processes instanceof ProcmanError) observer.error(processes)
          else observer.next(processes)
        },
        error: (error) => observer.error(error),
      }),
    refresh: () => instances.refresh?.(),
  }
}

function processesOf<Instance extends object>(
  instances: readonly Instance[],
  template: InstancesOptions<Instance>['template'],
  idOf: (instance: Instance) => string,
): readonly DesiredProcess[] | ProcmanError {
  try {
    return instances.map((instance, index) => processOf(instance, index, template, idOf))
  } catch (error) {
    return error instanceof ProcmanError ? error : new ProcmanError('PROCMAN_INVALID_SPEC', `the instances cannot be used: ${String(error)}`, { cause: error })
  }
}

function processOf<Instance extends object>(
  instance: Instance,
  index: number,
  template: InstancesOptions<Instance>['template'],
  idOf: (instance: Instance) => string,
): DesiredProcess {
  const input = typeof template === 'function' ? template(instance) : { ...template, meta: { ...template.meta, ...fieldsOf(instance) } }
  const id = input.id ?? idOf(instance)
  if (typeof id === 'string' && id !== '') return { ...input, id }
  throw new ProcmanError('PROCMAN_INVALID_SPEC', `instance number ${index + 1} has no instanceId: ${JSON.stringify(instance)}`, { details: { index } })
}

function fieldsOf(instance: object): Record<string, string | number | boolean> {
  return Object.fromEntries(Object.entries(instance).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value)))
}

function instanceId(instance: object): string {
  return 'instanceId' in instance ? (instance.instanceId as string) : ''
}
