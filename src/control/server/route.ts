/** A route of the control API, as data: Fastify serves it, the OpenAPI document shows it. */
import type { ServerResponse } from 'node:http'
import type { z } from 'zod'
import type { Supervisor } from '../../api.ts'
import { ProcmanError } from '../../errors.ts'
import type { ManagerControl } from '../../manager/contract.ts'
import { noBody } from '../schemas.ts'
import type { Feed, Place } from './feed.ts'
import type { EventStreams } from './sse.ts'

/** What all routes work with. */
export interface Ground {
  readonly supervisor: Supervisor
  readonly manager: ManagerControl | undefined
  readonly feed: Feed
  readonly streams: EventStreams
  /** Called after a shutdown has been answered. */
  readonly end: () => void
}

export interface Call<Params, Query, Body> {
  readonly params: Params
  readonly query: Query
  readonly body: Body
  readonly lastEventId: string | undefined
  /** Aborted when who has asked is gone. */
  readonly signal: AbortSignal
}

interface Shape<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly operationId: string
  readonly summary: string
  readonly params?: P
  readonly query?: Q
  readonly body?: B
  /** Of a 200. */
  readonly answer: z.ZodType
  readonly act: (ground: Ground, call: Call<z.output<P>, z.output<Q>, z.output<B>>) => unknown
}

interface StreamShape<P extends z.ZodType, Q extends z.ZodType> extends Omit<Shape<P, Q, z.ZodType>, 'act' | 'body' | 'method'> {
  /** @param takeOver from then on the response is the stream's: until then errors are answered as everywhere */
  readonly stream: (ground: Ground, call: Call<z.output<P>, z.output<Q>, unknown>, takeOver: () => ServerResponse) => Promise<void>
}

/** With the types of its schemas forgotten: what comes in has been checked by them. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly operationId: string
  readonly summary: string
  readonly params: z.ZodType
  readonly query: z.ZodType
  readonly body: z.ZodType | null
  readonly answer: z.ZodType
  readonly isStream: boolean
  readonly act: (ground: Ground, call: Call<unknown, unknown, unknown>, takeOver: () => ServerResponse) => unknown
}

export function route<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(shape: Shape<P, Q, B>): Route {
  const { params = noBody, query = noBody, body, act } = shape
  const takesBody = shape.method === 'POST' || shape.method === 'PUT'
  return { ...shape, params, query, body: takesBody ? (body ?? noBody) : null, isStream: false, act: act as Route['act'] }
}

/** One that takes the response over. */
export function streamRoute<P extends z.ZodType, Q extends z.ZodType>(shape: StreamShape<P, Q>): Route {
  const { params = noBody, query = noBody, stream } = shape
  return { ...shape, method: 'GET', params, query, body: null, isStream: true, act: stream as Route['act'] }
}

export function managerOf({ manager }: Ground): ManagerControl {
  if (manager !== undefined) return manager
  throw new ProcmanError('PROCMAN_NO_MANAGER', 'what holds this state directory is a program of its own, which is told by nobody what to run')
}

export function placeOfSeen(place: Place): string {
  return `${place.epoch}-${place.seq}`
}
