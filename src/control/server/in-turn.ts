/** Requests of one connection, one after the other: who sends many at once, and takes no answer, costs one answer. */
import type { RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export function inTurn(listener: RequestListener): RequestListener {
  const last = new WeakMap<Socket, ServerResponse>()
  return (request, response) => {
    const { socket } = request
    const before = last.get(socket)
    last.set(socket, response)
    if (before === undefined || before.writableFinished) return listener(request, response)
    before.once('close', () => {
      if (!socket.destroyed) listener(request, response)
    })
  }
}
