/** The routes, served by Fastify: requests checked by their schemas, errors told in one form. It listens to nothing itself. */
import type { ServerResponse } from 'node:http'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { isProcmanError, ProcmanError } from '../../errors.ts'
import { readVersion } from '../../version.ts'
import { API_VERSION, type ControlLog, SEEN_HEADER, VERSION_HEADER } from '../contract.ts'
import { statusOf, toErrorBody } from '../errors.ts'
import { errorBody, isCheckedByLibrary } from '../schemas.ts'
import { managerRoutes } from './manager-routes.ts'
import { openApi } from './open-api.ts'
import { processRoutes } from './process-routes.ts'
import { type Ground, placeOfSeen, type Route } from './route.ts'
import { streamRoutes } from './stream-routes.ts'

export const BODY_LIMIT_BYTES = 1024 * 1024
export const routes: readonly Route[] = [...processRoutes, ...managerRoutes, ...streamRoutes]

export async function createApp(ground: Ground, log: ControlLog | undefined): Promise<FastifyInstance> {
  const app = Fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    exposeHeadRoutes: false,
    // Longer than any request: what can be no id is told by the library.
    routerOptions: { maxParamLength: 64 * 1024 },
    frameworkErrors: (error, _request, reply) => void refuse(reply, error, log),
  })
  app.setValidatorCompiler(
    ({ schema }) =>
      (value) =>
        check(schema as unknown as z.ZodType, value),
  )
  app.setSerializerCompiler(() => (value) => JSON.stringify(value))
  const parse = app.getDefaultJsonParser('error', 'error')
  // An empty body is none, whatever type it is said to have.
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => (text === '' ? done(null) : parse(request, String(text), done)))
  app.setErrorHandler<FastifyError | Error>((error, _request, reply) => refuse(reply, error, log))
  app.setNotFoundHandler((request, reply) =>
    refuse(reply, new ProcmanError('PROCMAN_INVALID_ARGUMENT', `there is no route ${request.method} ${request.url}; GET /openapi.json lists all`), log, 404),
  )
  app.addHook('onRequest', async (request, reply) => {
    reply.header(VERSION_HEADER, API_VERSION)
    mustSpeakOurs(request.headers[VERSION_HEADER])
  })
  for (const each of routes) serve(app, ground, each)
  app.get('/openapi.json', () => openApi(readVersion(), routes))
  await app.ready()
  return app
}

function serve(app: FastifyInstance, ground: Ground, route: Route): void {
  app.route({
    method: route.method,
    url: route.url,
    schema: {
      operationId: route.operationId,
      summary: route.summary,
      params: route.params,
      querystring: route.query,
      ...(route.body === null ? {} : { body: route.body }),
      response: { 200: route.answer, default: errorBody },
    },
    handler: async (request, reply) => {
      const call = { params: request.params, query: request.query, body: request.body, lastEventId: lastEventIdOf(request), signal: goneSignal(reply) }
      if (route.isStream) return streamTo(reply, (takeOver) => route.act(ground, call, takeOver))
      const answer = (await route.act(ground, call, () => reply.raw)) ?? {}
      ground.feed.lookAtProblems()
      const { place } = ground.feed
      // What has changed is told in the stream up to here.
      if (place !== null) reply.header(SEEN_HEADER, placeOfSeen(place))
      return answer
    },
  })
}

/** What goes wrong once it has begun can only be told by breaking off. */
async function streamTo(reply: FastifyReply, stream: (takeOver: () => ServerResponse) => unknown): Promise<FastifyReply> {
  let isTaken = false
  const takeOver = () => {
    isTaken = true
    reply.hijack()
    return reply.raw
  }
  try {
    await stream(takeOver)
  } catch (error) {
    if (!isTaken) throw error
    reply.raw.destroy()
  }
  return reply
}

function check(schema: z.ZodType, value: unknown): { value: unknown } | { error: Error } {
  if (isCheckedByLibrary(schema)) return { value: value ?? {} }
  const { success, data, error } = schema.safeParse(value ?? undefined)
  if (success) return { value: data }
  const problems = error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
  return { error: new ProcmanError('PROCMAN_INVALID_ARGUMENT', problems.join('; '), { details: { problems } }) }
}

function refuse(reply: FastifyReply, error: FastifyError | Error, log: ControlLog | undefined, status?: number): FastifyReply {
  const told = asOurs(error)
  if (told.code === 'PROCMAN_INTERNAL') log?.warn({ event: 'control.failed', url: reply.request.url, error: error.stack ?? error.message }, error.message)
  return reply.code(status ?? httpStatusOf(error) ?? statusOf(told.code)).send(toErrorBody(told))
}

function asOurs(error: FastifyError | Error): ProcmanError {
  if (isProcmanError(error)) return error
  const status = httpStatusOf(error)
  if (status === 415) return new ProcmanError('PROCMAN_INVALID_ARGUMENT', `${error.message}: a body is JSON, with Content-Type: application/json`)
  if (status === 413) return new ProcmanError('PROCMAN_INVALID_ARGUMENT', `a body may have ${BODY_LIMIT_BYTES} bytes, and this one has more`)
  if (status !== null) return new ProcmanError('PROCMAN_INVALID_ARGUMENT', error.message)
  return new ProcmanError('PROCMAN_INTERNAL', `internal: ${error.message}`)
}

/** Fastify's own refusals: too large, no JSON, another content type. */
function httpStatusOf(error: FastifyError | Error): number | null {
  return !isProcmanError(error) && 'statusCode' in error && error.statusCode !== undefined && error.statusCode < 500 ? error.statusCode : null
}

function mustSpeakOurs(asked: string | readonly string[] | undefined): void {
  if (asked === undefined || asked === API_VERSION) return
  throw new ProcmanError('PROCMAN_INVALID_ARGUMENT', `this manager speaks ${API_VERSION} of the control API, not ${asked}`, { details: { api: API_VERSION } })
}

function lastEventIdOf(request: FastifyRequest): string | undefined {
  const id = request.headers['last-event-id']
  return typeof id === 'string' ? id : undefined
}

function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return gone.signal
}
