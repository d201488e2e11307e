/**
 * The two messages of grpc.health.v1, by hand: a request with one text, a response with one number.
 * @see https://protobuf.dev/programming-guides/encoding/ and https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */

export const METHOD = '/grpc.health.v1.Health/Check'

const SERVICE_FIELD = (1 << 3) | 2
const STATUS_FIELD = (1 << 3) | 0
const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']

/** `string service = 1` */
export function encodeRequest(service: string): Buffer {
  const text = Buffer.from(service)
  return text.length === 0 ? text : Buffer.concat([Buffer.from([SERVICE_FIELD]), varint(text.length), text])
}

/** `ServingStatus status = 1`. The message has no other field, and an empty one says UNKNOWN. @throws when it is another message */
export function decodeStatus(message: Buffer): string {
  if (message.length === 0) return 'UNKNOWN'
  const [field, status] = message
  if (field !== STATUS_FIELD || status === undefined || message.length !== 2)
    throw new Error(`no HealthCheckResponse: ${message.toString('hex').slice(0, 100)}`)
  return STATUSES[status] ?? String(status)
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest])
    bytes.push((rest & 0x7f) | 0x80)
  }
}
