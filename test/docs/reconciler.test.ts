/** What docs/reconciler.md says is what the code does: its examples are accepted, its table is that of the decisions. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { DesiredProcess, DesiredStateProvider } from '../../src/desired.ts'
import { planOf } from '../../src/machines/reconciler/plan.ts'
import { readDeclared } from '../../src/reconciler/declared.ts'
import { fromList } from '../../src/reconciler/providers/from.ts'
import { fromInstances } from '../../src/reconciler/providers/instances.ts'
import { actual, as, declared, ORIGIN } from '../machines/reconciler/fixtures.ts'

const page = readFileSync(new URL('../../docs/reconciler.md', import.meta.url), 'utf8')

describe('docs/reconciler.md', () => {
  const examples = [...page.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = ''], index) => [index + 1, code.replace(/^import .*\n/gm, '')] as const)

  it.each(examples)('has examples that are accepted: %i', async (_number, code) => {
    const accepted: string[] = []
    const createReconciler = ({ provider, origin }: { readonly provider: DesiredStateProvider; readonly origin: string }) => {
      const apply = () =>
        new Promise((resolve, reject) => {
          const next = (processes: readonly DesiredProcess[]) => {
            accepted.push(...readDeclared(processes, origin).map(({ spec }) => spec.id))
            resolve({ lines: [], failures: [], warnings: [] })
          }
          provider.watch({ next, error: reject })
        })
      return { apply, plan: async () => [] }
    }
    const jobs = { rows: () => [{ name: 'mail', command: 'mail' }], onChange: () => () => {} }
    const run = new Function('createReconciler', 'fromList', 'fromInstances', 'supervisor', 'jobs', 'console', `return (async () => {{${code}}})()`)
    await run(createReconciler, fromList, fromInstances, {}, jobs, { log: () => {} })
    expect(accepted).not.toEqual([])
  })

  const changed = { command: 'another' }
  it.each([
    ['nothing', null, {}],
    ['pending, never started', 'pending', {}],
    ['starting, running, unhealthy', 'running', {}],
    ['in backoff: its policy restarts it', 'backoff', {}],
    ['completed', 'completed', {}],
    ['failed, gave up', 'failed', {}],
    ['orphaned', 'orphaned', {}],
    ['stopped by the user', 'cancelled', {}],
    ['held: waits for a dependency', 'held', {}],
    ['up, what it runs has changed', 'running', changed],
    ['up, anything else has changed', 'running', { labels: { tier: 'web' } }],
    ['ended, what it runs has changed', 'failed', changed],
    ['stopped by the user, and changed', 'cancelled', changed],
    ['not declared any more', 'running', null],
  ] as const)('tells what becomes of what is %s', (row, state, part) => {
    const [, reload = '', up = ''] = page.match(new RegExp(`^\\| ${row} +\\|(.*)\\|(.*)\\|$`, 'm')) ?? []
    const planned = (startDown: boolean) =>
      planOf({
        origin: ORIGIN,
        declared: part === null ? [] : [declared('web', part)],
        actual: state === null ? [] : [actual('web', as[state])],
        startDown,
      })[0]?.action
    expect([reload, up].map((cell) => cell.trim().split(' ')[0])).toEqual([planned(false), planned(true)])
  })
})
