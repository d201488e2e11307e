/** Passes when a function of the host program answers true or nothing. */
import { inspect } from 'node:util'
import type { ProbeCheck } from '../../types.ts'
import { messageOf } from './causes.ts'
import { type CheckAnswer, type CheckerPorts, failed, PASSED, type Probe } from './probe.ts'

const LONGEST_SHOWN = 200

export function functionProbe({ name }: Extract<ProbeCheck, { kind: 'function' }>, ports: CheckerPorts): Probe {
  return {
    async ask(signal) {
      const call = ports.probeFunction(name)
      if (call === undefined) return null
      try {
        return judge(await call({ ...ports.about, signal }))
      } catch (error) {
        return failed(messageOf(error))
      }
    },
    close() {},
  }
}

function judge(answer: unknown): CheckAnswer {
  if (answer === true || answer === undefined) return PASSED
  return failed(`answered ${inspect(answer, { depth: 1, breakLength: Number.POSITIVE_INFINITY }).slice(0, LONGEST_SHOWN)}`)
}
