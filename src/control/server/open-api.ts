/** The OpenAPI document, made of the routes and of the schemas that check the requests. */
import { z } from 'zod'
import { API_VERSION } from '../contract.ts'
import { errorBody } from '../schemas.ts'
import type { Route } from './route.ts'

type Json = Readonly<Record<string, unknown>>

/** @param version of procman */
export function openApi(version: string, routes: readonly Route[]): Json {
  const components: Record<string, unknown> = {}
  const shown = (schema: z.ZodType, io: 'input' | 'output') => toJson(schema, io, components)
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    const path = route.url.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, shown) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'procman control API',
      version,
      description: `Version ${API_VERSION} of the API. On the Unix socket in the state directory, for its owner; over TCP with a token.`,
    },
    security: [{ token: [] }, {}],
    paths,
    components: { schemas: components, securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'Over TCP only' } } },
  }
}

function operation(route: Route, shown: (schema: z.ZodType, io: 'input' | 'output') => Json): Json {
  const answer = shown(route.answer, 'output')
  const parameters = [...parametersOf(shown(route.params, 'input'), 'path'), ...parametersOf(shown(route.query, 'input'), 'query')]
  return {
    operationId: route.operationId,
    summary: route.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === null ? {} : { requestBody: { required: !route.body.safeParse(undefined).success, content: json(shown(route.body, 'input')) } }),
    responses: {
      200: { description: route.summary, content: route.isStream ? { 'text/event-stream': { schema: answer } } : json(answer) },
      default: { description: 'What is wrong', content: json(shown(errorBody, 'output')) },
    },
  }
}

function json(schema: Json): Json {
  return { 'application/json': { schema } }
}

function parametersOf(schema: Json, place: 'path' | 'query'): readonly Json[] {
  const required = (schema.required ?? []) as readonly string[]
  return Object.entries((schema.properties ?? {}) as Readonly<Record<string, Json>>).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }))
}

/** What has a name stands once, among the components. */
function toJson(schema: z.ZodType, io: 'input' | 'output', components: Record<string, unknown>): Json {
  const { id } = schema.meta() ?? {}
  const { $schema: _, $defs = {}, ...rest } = rerefer(z.toJSONSchema(schema, { io, unrepresentable: 'any' })) as Json
  for (const [name, part] of Object.entries($defs as Json)) components[name] ??= part
  if (id === undefined) return rest
  components[id] ??= rest
  return { $ref: `#/components/schemas/${id}` }
}

function rerefer(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rerefer)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      // A name of ours, not a place in the document.
      .filter(([name, part]) => !(name === 'id' && typeof part === 'string'))
      .map(([name, part]) => [name, name === '$ref' && typeof part === 'string' ? part.replace('#/$defs/', '#/components/schemas/') : rerefer(part)]),
  )
}
