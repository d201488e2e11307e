/** Where the list of what should exist comes from. */
import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { DesiredProcess, DesiredStateProvider } from '../../src/desired.ts'
import { fromAsyncIterable, fromFunction, fromList } from '../../src/reconciler/providers/from.ts'
import { fromInstances } from '../../src/reconciler/providers/instances.ts'
import { createReconciler } from '../../src/reconciler.ts'
import { aHome, outputOf, rejection, sleeper, until } from '../e2e/harness.ts'

const a = { id: 'a', command: 'a' }
const b = { id: 'b', command: 'b' }

/** What a provider tells, as ids and messages. */
function told(provider: DesiredStateProvider) {
  const heard: string[] = []
  const end = provider.watch({
    next: (processes) => heard.push(processes.map(({ id }) => id).join(' ')),
    error: (error) => heard.push(String(error)),
  })
  return { heard, end }
}

describe('a list', () => {
  it('is told at once', () => {
    const { heard } = told(fromList([a, b]))
    expect(heard).toEqual(['a b'])
  })
})

describe('a function', () => {
  it('is called at once and at each refresh; what it throws is told', async () => {
    let list: readonly DesiredProcess[] | Error = [a]
    const provider = fromFunction(
      async () => {
        if (list instanceof Error) throw list
        return list
      },
      { name: 'the registry' },
    )
    const { heard, end } = told(provider)
    await until('told', () => heard.length === 1)
    list = new Error('no answer')
    provider.refresh?.()
    await until('told', () => heard.length === 2)
    list = [b]
    provider.refresh?.()
    await until('told', () => heard.length === 3)
    expect([heard, provider.name]).toEqual([['a', 'Error: no answer', 'b'], 'the registry'])
    end()
    provider.refresh?.()
    await new Promise(setImmediate)
    expect(heard).toHaveLength(3)
  })

  it('whose answers overtake each other counts with that of the last call', async () => {
    const answers: ((list: readonly DesiredProcess[]) => void)[] = []
    const provider = fromFunction(() => new Promise((resolve) => answers.push(resolve)))
    const { heard } = told(provider)
    provider.refresh?.()
    answers[1]?.([b])
    answers[0]?.([a])
    await new Promise(setImmediate)
    expect(heard).toEqual(['b'])
  })
})

describe('an async iterable', () => {
  it('tells each item, and the last one holds when it ends', async () => {
    const { heard } = told(
      fromAsyncIterable(
        (async function* () {
          yield [a]
          yield [a, b]
        })(),
      ),
    )
    await until('told', () => heard.length === 2)
    expect(heard).toEqual(['a', 'a b'])
  })

  it('that throws is told of, and one that is let go of is returned', async () => {
    let isReturned = false
    const steps = [{ value: [a], done: false }, new Error('lost')] as const
    let at = 0
    const iterable = {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          const step = steps[at++]
          if (step instanceof Error) throw step
          return step ?? { value: undefined, done: true as const }
        },
        return: async () => {
          isReturned = true
          return { value: undefined, done: true as const }
        },
      }),
    } as AsyncIterable<readonly DesiredProcess[]>
    const { heard, end } = told(fromAsyncIterable(iterable))
    await until('told', () => heard.length === 2)
    expect(heard).toEqual(['a', 'Error: lost'])
    end()
    expect(isReturned).toBe(true)
  })
})

describe('application instances', () => {
  interface Instance {
    readonly instanceId?: string
    readonly dbName: string
    readonly tags?: readonly string[]
  }
  const processesOf = async (provider: DesiredStateProvider) =>
    new Promise<readonly DesiredProcess[]>((resolve, reject) => {
      provider.watch({ next: resolve, error: reject })
    })
  const instances: readonly Instance[] = [{ instanceId: 'one', dbName: 'a b.db', tags: ['x'] }]

  const another = {
    name: 'x',
    watch: (observer: { next(all: readonly Instance[]): void }) => {
      observer.next(instances)
      return () => {}
    },
  }

  it('go through a template: what they are is its meta', async () => {
    const provider = fromInstances({ source: instances, template: { command: 'host', args: ['-db', '${meta.dbName}'], meta: { team: 'x' } } })
    expect(await processesOf(provider)).toEqual([
      { id: 'one', command: 'host', args: ['-db', '${meta.dbName}'], meta: { team: 'x', instanceId: 'one', dbName: 'a b.db' } },
    ])
  })

  it.each([
    ['a function', () => instances],
    ['another provider', another],
    [
      'an async iterable',
      (async function* () {
        yield instances
      })(),
    ],
  ])('come from %s, and go through a function', async (_what, source) => {
    const provider = fromInstances<Instance>({
      source: source as () => readonly Instance[],
      template: ({ dbName }) => ({ id: `host-${dbName}`, command: 'host' }),
    })
    expect(await processesOf(provider)).toEqual([{ id: 'host-a b.db', command: 'host' }])
  })

  it('without an id are told of', async () => {
    const provider = fromInstances<Instance>({ source: [{ dbName: 'x' }], template: { command: 'host' } })
    expect(await rejection(processesOf(provider))).toMatchObject({
      code: 'PROCMAN_INVALID_SPEC',
      message: 'instance number 1 has no instanceId: {"dbName":"x"}',
    })
  })

  it('run with what they are filled in, and one that changes is restarted alone', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    let all = ['one', 'two'].map((instanceId) => ({ instanceId, greeting: 'hello' }))
    const provider = fromInstances({ source: () => all, template: { command: 'sh', args: ['-c', 'echo $0; exec sleep 600', '${meta.greeting} ${id}'] } })
    const reconciler = createReconciler({ supervisor, provider, origin: home.dir })
    await reconciler.apply()
    const { pid } = supervisor.get('one')
    all = [
      { instanceId: 'one', greeting: 'hello' },
      { instanceId: 'two', greeting: 'bye' },
    ]
    await reconciler.refresh()
    await reconciler.apply()
    await until('two runs anew', () => supervisor.get('two').run === 2 && supervisor.get('two').state === 'running')
    expect(supervisor.get('one').pid).toBe(pid)
    await reconciler.drain({ keep: true })
    expect(await outputOf(supervisor, 'two')).toMatch(/bye two\n$/)
  })
})

describe('probes that are functions of the program', () => {
  it('are asked by the next manager as well', async () => {
    const home = aHome()
    const asked: string[] = []
    const ask = (who: string) => ({ health: { liveness: { function: () => void asked.push(who), intervalMs: 20, startIntervalMs: 20 } } })
    const apply = async (who: string) => {
      const supervisor = await home.supervisor()
      const reconciler = createReconciler({ supervisor, provider: fromList([{ ...sleeper(), id: 'web', ...ask(who) }]), origin: home.dir })
      const { lines } = await reconciler.apply()
      await until(`${who} is asked`, () => asked.includes(who))
      reconciler.close()
      await supervisor.close()
      return lines
    }
    await apply('first')
    expect(await apply('second')).toEqual([{ id: 'web', action: 'keep', reason: 'is running' }])
  })
})

describe('a provider of one’s own', () => {
  it('says what is not enabled, and what it throws is told of', async () => {
    const home = aHome()
    writeFileSync(home.path('x'), '')
    const supervisor = await home.supervisor()
    const failing: DesiredStateProvider = {
      name: 'broken',
      watch: () => {
        throw new Error('cannot watch')
      },
    }
    const broken = createReconciler({ supervisor, provider: failing, origin: home.dir })
    expect(await rejection(broken.apply())).toMatchObject({ message: 'cannot watch' })
    let tell: (disabled: boolean) => void = () => {}
    const provider: DesiredStateProvider = {
      name: 'mine',
      watch: (observer) => {
        tell = (isDisabled) => observer.next(isDisabled ? [] : [{ ...sleeper(), id: 'web' }], { disabled: isDisabled ? ['web'] : [] })
        tell(false)
        return () => {}
      },
    }
    const reconciler = createReconciler({ supervisor, provider, origin: home.dir })
    await reconciler.apply()
    const planned = new Promise((resolve) => reconciler.actor.on('reconciler.planned', ({ lines }) => resolve(lines)))
    tell(true)
    expect(await planned).toEqual([{ id: 'web', action: 'remove', reason: 'is not enabled any more' }])
    await until('it is gone', () => supervisor.list().length === 0)
  })
})
