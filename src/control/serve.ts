import type { ControlServer, ServeControlOptions } from './contract.ts'

/**
 * Serves a supervisor to other programs: on `control.sock` in its state directory, for its owner alone; on a TCP port of this machine where that is asked for.
 * Ends with the supervisor.
 * @throws PROCMAN_INVALID_ARGUMENT, PROCMAN_PORT_UNAVAILABLE, PROCMAN_CLOSED, PROCMAN_SYSTEM_ERROR
 */
export async function serveControl(options: ServeControlOptions): Promise<ControlServer> {
  // Loaded when it is used: whoever embeds the library without serving it does not pay for Fastify.
  const { serve } = await import('./server/serve.ts')
  return serve(options)
}
