import { describe, expect, it } from 'vitest'
import type { CollectEvent } from '../../src/collect.ts'
import { aHome, until } from '../e2e/harness.ts'
import { collecting, ECHO, httpReceiver } from './harness.ts'

async function anEcho() {
  const supervisor = await aHome().supervisor()
  await supervisor.start(ECHO)
  return { supervisor, say: (text: string) => supervisor.write('echo', `${text}\n`) }
}

const messagesIn = (body: string): readonly string[] => JSON.parse(body).map(({ msg }: { msg: string }) => msg)

describe('an HTTP target', () => {
  it('gets batches again until they are acknowledged, with what it is asked to send', async () => {
    const { supervisor, say } = await anEcho()
    const { url, requests } = await httpReceiver(
      500,
      (response) => response.destroy(),
      null,
      (response) => response.writeHead(429, { 'retry-after': '0' }).end(),
    )
    const events: CollectEvent[] = []
    const headers = { Authorization: 'Bearer s3cret', 'x-tenant': 'one' }
    const collector = collecting(supervisor, {
      targets: [{ type: 'http', name: 'it', url: `${url.replace('//', '//user:pass@')}/push?key=s3cret`, headers, timeoutMs: 1_000, batchWaitMs: 0 }],
      onEvent: (event) => events.push(event),
    })
    await say('one')
    await until('it is acknowledged', () => requests.length === 5)
    await collector.flush()
    expect(new Set(requests.map(({ body }) => body)).size).toBe(1)
    expect(messagesIn(requests[0]?.body ?? '')).toEqual(['one'])
    expect(requests[0]).toMatchObject({
      path: '/push?key=s3cret',
      headers: { authorization: 'Bearer s3cret', 'x-tenant': 'one', 'content-type': 'application/json' },
    })
    expect(events).toEqual([
      { type: 'target.failing', target: 'it', reason: `${url}/push?*** answers 500` },
      { type: 'target.recovered', target: 'it' },
    ])
    expect(JSON.stringify(collector.status())).not.toMatch(/s3cret|pass/)
  })

  it('shows why it is behind, and by how much', async () => {
    const { supervisor, say } = await anEcho()
    const { url } = await httpReceiver(
      ...Array.from({ length: 99 }, () => (response: import('node:http').ServerResponse) => response.writeHead(503).end('Bearer s3cret is known')),
    )
    const collector = collecting(supervisor, { targets: [{ type: 'http', url, headers: { authorization: 'Bearer s3cret' }, batchWaitMs: 0 }] })
    await say('12345')
    await until('it has tried twice', () => collector.status()[0]?.error !== null)
    expect(collector.status()).toMatchObject([
      {
        state: 'retrying',
        lag_bytes: 6,
        delivered: 0,
        error: `${url}/ answers 503: *** is known`,
        behind_since: expect.stringMatching(/Z$/),
        retry_at: expect.stringMatching(/Z$/),
      },
    ])
    await expect(collector.flush({ timeoutMs: 0 })).rejects.toMatchObject({ code: 'PROCMAN_TIMEOUT' })
  })

  it('does not go on for ever with what is refused: it is counted, and the next batch has its turn', async () => {
    const { supervisor, say } = await anEcho()
    const { url, requests } = await httpReceiver(400)
    const collector = collecting(supervisor, { targets: [{ type: 'http', url, batchWaitMs: 0 }] })
    await say('bad')
    await until('it is refused', () => collector.status()[0]?.refused === 1)
    await say('good')
    await until('the next one is there', () => requests.length === 2)
    await collector.flush()
    expect(messagesIn(requests[1]?.body ?? '')).toEqual(['good'])
    expect(collector.status()).toMatchObject([{ state: 'ok', delivered: 1, refused: 1, lag_bytes: 0 }])
  })

  it('gets batches in halves when they are too large for it', async () => {
    const { supervisor, say } = await anEcho()
    const { url, requests } = await httpReceiver(413, 413, 200, 413, 200)
    const collector = collecting(supervisor, { targets: [{ type: 'http', url, batchWaitMs: 300 }] })
    await say('1\n2\n3\n4')
    await until('all is told', () => requests.length === 5)
    await collector.flush()
    expect(requests.map(({ body }) => messagesIn(body))).toEqual([['1', '2', '3', '4'], ['1', '2'], ['1'], ['2'], ['3', '4']])
    expect(collector.status()).toMatchObject([{ delivered: 3, refused: 1, error: expect.stringContaining('too large') }])
  })

  it.each([
    [
      '/loki/api/v1/push',
      'application/json',
      /^\{"streams":\[\{"stream":\{"job":"j","id":"echo","instance":"1","stream":"stdout"\},"values":\[\["\d{19}","\{.*hello.*\}"\]\]\}\]\}$/,
    ],
    ['/v1/logs', 'application/json', /^\{"resourceLogs":.*"service.name".*"job".*"stringValue":"hello"/],
  ])('knows by its path %s what a body is', async (path, type, body) => {
    const { supervisor, say } = await anEcho()
    const { url, requests } = await httpReceiver()
    const collector = collecting(supervisor, { targets: [{ type: 'http', url: url + path, labels: { job: 'j' } }] })
    await say('hello')
    await collector.flush()
    await until('it is there', () => requests.length > 0)
    expect(requests).toMatchObject([{ path, headers: { 'content-type': type }, body: expect.stringMatching(body) }])
  })
})
