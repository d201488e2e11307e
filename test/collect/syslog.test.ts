import { createSocket } from 'node:dgram'
import { rmSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { aHome, until } from '../e2e/harness.ts'
import { collecting, ECHO, StreamReceiver } from './harness.ts'

const message = (text: string) => expect.stringMatching(new RegExp(`^<14>1 \\S+Z \\S+ echo \\d+ stdout \\[procman@32473 .*\\] ${text}$`))

async function anEcho() {
  const home = aHome()
  const supervisor = await home.supervisor()
  await supervisor.start(ECHO)
  return { home, supervisor, say: (text: string) => supervisor.write('echo', `${text}\n`) }
}

describe('a syslog target', () => {
  it('sends datagrams over UDP', async () => {
    const { supervisor, say } = await anEcho()
    const messages: string[] = []
    const socket = createSocket('udp4').on('message', (data) => messages.push(data.toString()))
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    onTestFinished(() => void socket.close())
    collecting(supervisor, { targets: [{ type: 'syslog', address: `udp://localhost:${socket.address().port}` }] })
    await say('one\nzwei ü')
    await until('both are there', () => messages.length === 2)
    expect(messages).toEqual([message('one'), message('zwei ü')])
  })

  it('counts octets over TCP, and sends again what may have been lost with its connection', async () => {
    const { supervisor, say } = await anEcho()
    const first = await StreamReceiver.on(0)
    const { port } = first
    const collector = collecting(supervisor, { targets: [{ type: 'syslog', address: `tcp://127.0.0.1:${port}` }] })
    await say('one ü')
    await until('one is there', () => first.messages().length === 1)
    await new Promise((resolve) => {
      first.server.close(resolve)
      first.drop()
    })
    await say('two')
    await until('it cannot be delivered', () => collector.status()[0]?.state === 'retrying')
    const second = await StreamReceiver.on(port)
    await until('the other receiver has both', () => second.messages().length === 2)
    expect([first.messages(), second.messages()]).toEqual([[message('one ü')], [message('one ü'), message('two')]])
  })

  it('speaks to a stream socket, once that is there', async () => {
    const { home, supervisor, say } = await anEcho()
    const path = home.path('log.sock')
    const collector = collecting(supervisor, { targets: [{ type: 'syslog', address: `unix://${path}`, format: 'json' }] })
    await say('{"level":"error","msg":"broken"}')
    await until('it cannot be delivered', () => collector.status()[0]?.error?.includes('ENOENT'))
    rmSync(path, { force: true })
    const receiver = await StreamReceiver.on(path)
    await until('it is there', () => receiver.messages().length === 1)
    expect(receiver.messages()[0]).toMatch(/^<11>1 .*"level":"error","msg":"broken"\}$/)
  })
})
