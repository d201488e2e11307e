/** A function of this program. */
import type { FunctionTarget } from '../contract.ts'
import type { Target } from './target.ts'

export function functionTarget(deliver: FunctionTarget['deliver']): Target {
  return {
    destination: deliver.name === '' ? 'a function' : `the function ${deliver.name}`,
    deliver: async (records) => void (await deliver(records)),
    close: () => {},
  }
}
