/** The same through a client: the manager of the processes is another program. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/control/connect.ts'
import { serveControl } from '../../src/control/serve.ts'
import type { DesiredProcess } from '../../src/desired.ts'
import { fromFunction } from '../../src/reconciler/providers/from.ts'
import { createReconciler } from '../../src/reconciler.ts'
import { aHome, inState, sleeper, until } from '../e2e/harness.ts'

describe('a reconciler of a supervisor elsewhere', () => {
  it('brings about what is declared, and does nothing the second time', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const server = await serveControl({ supervisor })
    const client = await connect({ stateDir: home.stateDir })
    onTestFinished(async () => {
      await client.close()
      await server.close()
    })
    const env = { API_TOKEN: 'secret', DATABASE_URL: 'postgres://me:secret@localhost/shop' }
    let list: readonly DesiredProcess[] = [
      { ...sleeper(), id: 'db', autostart: false },
      { ...sleeper(), id: 'api', env, dependsOn: { db: 'started' } },
      { ...sleeper(), id: 'web', env },
    ]
    const reconciler = createReconciler({ supervisor: client, provider: fromFunction(() => list), origin: home.dir })
    expect((await reconciler.apply()).failures).toEqual([])
    const { pid } = supervisor.get('web')
    const { lines, failures } = await reconciler.apply()
    expect([lines.map(({ action }) => action), failures]).toEqual([['keep', 'keep', 'keep'], []])
    await supervisor.launch('db')
    await inState(supervisor.ref('api'), 'running')
    expect(supervisor.ref('api').getSnapshot().context.spec.env).toEqual(env)
    list = [{ ...sleeper(), id: 'web', env: { ...env, LEVEL: '2' } }]
    await reconciler.refresh()
    expect((await reconciler.apply()).failures).toEqual([])
    expect(supervisor.list().map(({ id }) => id)).toEqual(['web'])
    await until('it is another', () => supervisor.get('web').state === 'running' && supervisor.get('web').pid !== pid)
    reconciler.close()
  })
})
