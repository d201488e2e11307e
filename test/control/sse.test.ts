/** Writing to one who may not read. */
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { EventStream } from '../../src/control/server/sse.ts'

/** Both ends of one request. */
async function aResponse(): Promise<{ readonly response: ServerResponse; readonly received: Promise<IncomingMessage> }> {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise((resolve) => server.once('listening', resolve))
  const received = new Promise<IncomingMessage>((resolve) => get({ port: (server.address() as AddressInfo).port }, resolve).on('error', () => {}))
  const response = await new Promise<ServerResponse>((resolve) => server.once('request', (_request, answer) => resolve(answer)))
  return { response, received }
}

const OPTIONS = { type: 'text/event-stream', stalledMs: 50 }

it('waits for one who is slow, and lets go of one who takes nothing', async () => {
  const { response, received } = await aResponse()
  let closes = 0
  const stream = new EventStream(response, { ...OPTIONS, onClose: () => closes++ })
  const message = await received
  message.pause()
  message.on('error', () => {})
  let written = 0
  while (!stream.isClosed && written < 1_000) {
    await stream.write('x'.repeat(64 * 1024))
    written++
  }
  expect(closes).toBe(1)
  expect(written).toBeLessThan(1_000)
  // Repeated, and afterwards: nothing.
  stream.end()
  await stream.event('late', '{}')
  expect(closes).toBe(1)
})

it('beats while there is nothing to tell', async () => {
  const { response, received } = await aResponse()
  const stream = new EventStream(response, { ...OPTIONS, onClose: () => {} })
  const message = await received
  stream.beat()
  await stream.event('one', '{"a":1}', 'x-1')
  stream.close()
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  expect(Buffer.concat(chunks).toString()).toBe(':\n\nid: x-1\nevent: one\ndata: {"a":1}\n\nevent: closing\ndata: {}\n\n')
})
