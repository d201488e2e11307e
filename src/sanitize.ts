/** Hides secrets in what an inspector shows. Pass both to `createWebSocketInspector` and the like. */
import { REDACTED, redactEnv, redactUrl } from './machines/process/redact.ts'

/** @returns a copy in which every `env` and `headers` has the values of secret-looking variables replaced by `***` */
export function sanitizeContext<Context extends object>(context: Context): Context {
  return withRedactedEnv(context) as Context
}

/** The same for events: `supervisor.add` and its like carry whole specs. */
export function sanitizeEvent<Event extends object>(event: Event): Event {
  return withRedactedEnv(event) as Event
}

function withRedactedEnv(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withRedactedEnv)
  if (!isPlain(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key,
      (key === 'env' || key === 'headers') && isPlain(part) ? redactEnv(part as Record<string, string>) : withRedactedEnv(redactText(key, part)),
    ]),
  )
}

/** Of probes: passwords in addresses, and keys that are there as text. */
function redactText(key: string, part: unknown): unknown {
  if (typeof part !== 'string') return part
  if (key === 'url') return redactUrl(part)
  return key === 'key' && part.includes('-----BEGIN') ? REDACTED : part
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
