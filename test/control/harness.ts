/** A supervisor, what serves it, and clients of it: ended with the test. */
import { onTestFinished } from 'vitest'
import type { Supervisor } from '../../src/api.ts'
import { connect } from '../../src/control/connect.ts'
import type { ConnectOptions, ControlServer, RemoteSupervisor, ServeControlOptions } from '../../src/control/contract.ts'
import { serveControl } from '../../src/control/serve.ts'
import { aHome, type Home } from '../e2e/harness.ts'

export interface Served {
  readonly home: Home
  readonly supervisor: Supervisor
  readonly server: ControlServer
  readonly client: RemoteSupervisor
}

export async function served(options: Partial<ServeControlOptions> = {}, connectOptions: ConnectOptions = {}): Promise<Served> {
  const home = aHome()
  const supervisor = await home.supervisor()
  const server = await serveControl({ supervisor, ...options })
  const client = await connected({ stateDir: home.stateDir, ...connectOptions })
  onTestFinished(() => server.close())
  return { home, supervisor, server, client }
}

export async function connected(options: ConnectOptions): Promise<RemoteSupervisor> {
  const client = await connect(options)
  onTestFinished(() => client.close())
  return client
}
