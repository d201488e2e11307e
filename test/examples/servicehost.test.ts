/** The example's service host by itself: what it serves, and how it misbehaves when it is told to. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { checksumOf, exampleFile, post, startsIn, statusOf } from './servicehost.ts'

const WASM = exampleFile('module.wasm')

/** A working directory of its own, and the hosts that run in it; afterwards neither is left. */
class Place {
  readonly dir = mkdtempSync(join(tmpdir(), 'procman-servicehost-'))
  readonly #hosts: ChildProcess[] = []

  /** With good options, but for those given. */
  run({ args = ['-wasm', WASM, '-dbPath', 'db.json', '-port', '0'], env = {} }: { args?: readonly string[]; env?: Record<string, string> } = {}): Host {
    const child = spawn(exampleFile('servicehost'), args, { cwd: this.dir, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#hosts.push(child)
    return new Host(child)
  }

  /** One that listens. */
  async host(...more: readonly string[]): Promise<{ readonly host: Host; readonly port: number }> {
    const host = this.run({ args: ['-wasm', WASM, '-dbPath', 'db.json', '-port', '0', ...more] })
    return { host, port: await host.port() }
  }

  async end(): Promise<void> {
    await Promise.all(
      this.#hosts.map(async (child) => {
        if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await once(child, 'exit')
      }),
    )
    rmSync(this.dir, { recursive: true })
  }
}

class Host {
  readonly child: ChildProcess
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null; readonly stderr: string }>
  readonly #firstLine: Promise<string>

  constructor(child: ChildProcess) {
    this.child = child
    let stderr = ''
    child.stderr?.on('data', (data) => (stderr += data))
    this.ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stderr }))
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
    this.#firstLine = Promise.race([once(lines, 'line').then(([line]) => line), this.ended.then((end) => Promise.reject(new Error(JSON.stringify(end))))])
    // Nobody may ask for it, when the host is meant not to come up.
    this.#firstLine.catch(() => {})
  }

  async port(): Promise<number> {
    return Number((await this.#firstLine).split(':').at(-1))
  }
}

function aPlace(): Place {
  const place = new Place()
  onTestFinished(() => place.end())
  return place
}

/** That it never replies cannot be seen; that it does not for a while can. */
async function staysSilent(port: number): Promise<void> {
  await expect(fetch(`http://127.0.0.1:${port}/api/status`, { signal: AbortSignal.timeout(300) })).rejects.toThrow('timeout')
}

describe('module.wasm', () => {
  it('is what build-wasm.mjs writes and finds valid', async () => {
    const built = join(aPlace().dir, 'built.wasm')
    await promisify(execFile)(process.execPath, [exampleFile('build-wasm.mjs'), built])
    expect(readFileSync(built).equals(readFileSync(WASM))).toBe(true)
  })
})

describe('GET /api/status', () => {
  it('tells who serves, and what the module has computed for this very request', async () => {
    const place = aPlace()
    const { host, port } = await place.host()
    for (const requests of [1, 2, 3]) {
      expect(await statusOf(port)).toEqual({
        status: 'ok',
        instance: null,
        db: 'db.json',
        starts: 1,
        port,
        pid: host.child.pid,
        uptimeMs: expect.any(Number),
        wasm: { bytes: readFileSync(WASM).length, result: checksumOf(`db.json:${requests}`) },
        requests,
      })
    }
  })

  it('names the instance as its manager does', async () => {
    const host = aPlace().run({ env: { PROCMAN_ID: 'host-07' } })
    expect(await statusOf(await host.port())).toMatchObject({ instance: 'host-07' })
  })

  it.each([
    ['GET', '/', 404],
    ['GET', '//', 404],
    ['POST', '/api/status', 405],
    ['POST', '/chaos/hang', 404],
    ['POST', '/chaos/exit?code=3', 404],
  ])('is all there is without -chaos: %s %s is answered with %i', async (method, path, code) => {
    const { port } = await aPlace().host()
    expect((await fetch(`http://127.0.0.1:${port}${path}`, { method })).status).toBe(code)
    expect(await statusOf(port)).toMatchObject({ status: 'ok' })
  })
})

describe('the database', () => {
  it('counts the starts, however they ended, and nothing else is left beside it', async () => {
    const place = aPlace()
    for (const starts of [1, 2, 3]) {
      const { host, port } = await place.host()
      expect(await statusOf(port)).toMatchObject({ starts })
      host.child.kill('SIGKILL')
      await host.ended
    }
    expect(startsIn(join(place.dir, 'db.json'))).toBe(3)
    expect(readdirSync(place.dir)).toEqual(['db.json'])
  })

  it.each(['', '{', 'null', '{"starts":-1}', '{"starts":"3"}'])('that holds %j is refused and left as it is', async (text) => {
    const place = aPlace()
    writeFileSync(join(place.dir, 'db.json'), text)
    expect(await place.run().ended).toMatchObject({ code: 1, stderr: expect.stringContaining('db.json is damaged') })
    expect(readFileSync(join(place.dir, 'db.json'), 'utf8')).toBe(text)
  })
})

describe('bad options end it with 64, with what is wrong, before it has counted a start', () => {
  const good = ['-wasm', WASM, '-dbPath', 'db.json', '-port', '0']
  it.each([
    [[], '-wasm is missing'],
    [good.slice(0, 2), '-dbPath is missing'],
    [good.slice(0, 4), '-port is missing'],
    [good.slice(0, 5), '-port needs a value'],
    [[...good, '-verbose'], 'there is no option "-verbose"'],
    [[...good, 'more'], 'there is no option "more"'],
    [[...good, '-chaos', '-chaos'], '-chaos is given twice'],
    [['-dbPath', ''], '-dbPath needs a value'],
    [[...good.slice(0, 5), 'http'], '-port must be 0 to 65535, not "http"'],
    [[...good.slice(0, 5), '65536'], '-port must be 0 to 65535, not "65536"'],
    [[...good.slice(0, 5), '-1'], '-port must be 0 to 65535, not "-1"'],
  ])('%j', async (args, problem) => {
    const place = aPlace()
    const { code, stderr } = await place.run({ args }).ended
    expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringContaining(`servicehost: ${problem}\nusage: servicehost -wasm PATH`) })
    expect(readdirSync(place.dir)).toEqual([])
  })
})

describe('what it needs and cannot have ends it with 1 and a sentence', () => {
  it.each([
    ['a module that is not there', ['-wasm', 'none.wasm', '-dbPath', 'db.json', '-port', '0'], 'none.wasm'],
    ['a module that is none', ['-wasm', exampleFile('module.wat'), '-dbPath', 'db.json', '-port', '0'], 'module.wat cannot be loaded'],
    ['a database in a directory that is not there', ['-wasm', WASM, '-dbPath', 'none/db.json', '-port', '0'], 'none/db.json'],
  ])('%s', async (_what, args, problem) => {
    expect(await aPlace().run({ args }).ended).toMatchObject({ code: 1, stderr: expect.stringContaining(problem) })
  })

  it('a module that exports something else', async () => {
    const place = aPlace()
    writeFileSync(join(place.dir, 'empty.wasm'), Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))
    const { ended } = place.run({ args: ['-wasm', 'empty.wasm', '-dbPath', 'db.json', '-port', '0'] })
    expect(await ended).toMatchObject({ code: 1, stderr: 'servicehost: empty.wasm must export memory and checksum, not nothing\n' })
  })

  it('a port that somebody else has', async () => {
    const place = aPlace()
    const { port } = await place.host()
    const { ended } = place.run({ args: ['-wasm', WASM, '-dbPath', 'other.json', '-port', String(port)] })
    expect(await ended).toMatchObject({ code: 1, stderr: expect.stringContaining('EADDRINUSE') })
  })
})

describe('with -chaos it', () => {
  it.each([
    ['', 1],
    ['?code=3', 3],
    ['?code=0', 0],
  ])('exits when it is asked to: /chaos/exit%s with %i', async (query, code) => {
    const { host, port } = await aPlace().host('-chaos')
    expect((await post(port, `/chaos/exit${query}`)).status).toBe(202)
    expect(await host.ended).toMatchObject({ code, signal: null })
  })

  it.each(['256', '-1', 'x', ''])('refuses to exit with code %j', async (code) => {
    const { port } = await aPlace().host('-chaos')
    expect((await post(port, `/chaos/exit?code=${code}`)).status).toBe(400)
    expect(await statusOf(port)).toMatchObject({ status: 'ok' })
  })

  it('does nothing of the kind for a GET', async () => {
    const { port } = await aPlace().host('-chaos')
    for (const path of ['/chaos/hang', '/chaos/exit']) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`)
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
    }
    expect(await statusOf(port)).toMatchObject({ status: 'ok' })
  })

  it('hangs when it is asked to: it accepts, never replies, and ends with SIGTERM all the same', async () => {
    const { host, port } = await aPlace().host('-chaos')
    expect((await post(port, '/chaos/hang')).status).toBe(202)
    await staysSilent(port)
    const client = createConnection(port, '127.0.0.1')
    await once(client, 'connect')
    let answer = ''
    client.on('data', (data) => (answer += data)).end('GET /api/status HTTP/1.1\r\nHost: host\r\n\r\n')
    client.on('error', () => {})
    host.child.kill('SIGTERM')
    expect(await host.ended).toMatchObject({ code: 0 })
    expect(answer).toBe('')
  })

  it('hangs so that only SIGKILL gets through', async () => {
    const { host, port } = await aPlace().host('-chaos')
    expect((await post(port, '/chaos/hang?how=blocked')).status).toBe(202)
    await staysSilent(port)
    host.child.kill('SIGTERM')
    await staysSilent(port)
    host.child.kill('SIGKILL')
    expect(await host.ended).toMatchObject({ code: null, signal: 'SIGKILL' })
  })
})

describe('with SERVICEHOST_CRASH=1 it', () => {
  it('exits with 1 before it listens, and has counted the start', async () => {
    const place = aPlace()
    const host = place.run({ env: { SERVICEHOST_CRASH: '1' } })
    expect(await host.ended).toMatchObject({ code: 1, stderr: 'servicehost: it crashes, as SERVICEHOST_CRASH=1 asks\n' })
    await expect(host.port()).rejects.toThrow()
    expect(startsIn(join(place.dir, 'db.json'))).toBe(1)
  })
})

describe('SIGTERM', () => {
  it('ends it with 0, whoever keeps a connection open', async () => {
    const { host, port } = await aPlace().host()
    const idle = createConnection(port, '127.0.0.1')
    await once(idle, 'connect')
    const closed = once(idle, 'close')
    await statusOf(port) // fetch keeps its connection alive
    host.child.kill('SIGTERM')
    expect(await host.ended).toMatchObject({ code: 0, signal: null })
    await closed
  })
})
