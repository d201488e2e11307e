/** The routes: `GET /api/status`, and where they are opened the controls that make the host misbehave. */
import { createServer } from 'node:http'

/**
 * @param host its options, with `instance`, `starts` and `module`
 * @returns {import('node:http').Server} not listening yet
 */
export function createHost(host) {
  let requests = 0
  let hangs = false

  const status = (request, response) => {
    requests++
    answer(response, 200, statusOf(host, requests, request.socket.localPort))
  }
  /** Says so, then never answers anybody again. `?how=blocked`: not even a signal gets through, except SIGKILL. */
  const hang = (_request, response, query) => {
    hangs = true
    const isBlocked = query.get('how') === 'blocked'
    answer(response, 202, { hangs }, () => isBlocked && Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
  }
  const exit = (_request, response, query) => {
    const code = query.get('code') ?? '1'
    if (!/^\d{1,3}$/.test(code) || Number(code) > 255) return answer(response, 400, { error: `code must be 0 to 255, not ${JSON.stringify(code)}` })
    answer(response, 202, { code: Number(code) }, () => process.exit(Number(code)))
  }

  const routes = new Map([['/api/status', { method: 'GET', serve: status }]])
  if (host.chaos) routes.set('/chaos/hang', { method: 'POST', serve: hang }).set('/chaos/exit', { method: 'POST', serve: exit })

  return createServer((request, response) => {
    if (hangs) return
    const [pathname, query] = request.url.split('?', 2)
    const route = routes.get(pathname)
    if (route === undefined) return answer(response, 404, { error: `there is no ${pathname}` })
    if (route.method === request.method) return route.serve(request, response, new URLSearchParams(query))
    response.setHeader('allow', route.method)
    answer(response, 405, { error: `${pathname} takes ${route.method}, not ${request.method}` })
  })
}

function statusOf({ instance, dbPath, starts, module }, requests, port) {
  return {
    status: 'ok',
    instance,
    db: dbPath,
    starts,
    port,
    pid: process.pid,
    uptimeMs: Math.round(process.uptime() * 1_000),
    wasm: { bytes: module.bytes, result: module.checksum(`${dbPath}:${requests}`) },
    requests,
  }
}

/** @param [then] called once the answer is with the operating system */
function answer(response, code, body, then) {
  response.writeHead(code, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`, then)
}
