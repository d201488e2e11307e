// Clients of one process's output and of its record: well-behaved ones, and those that stall, throw, leave or vanish.
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate as turn } from 'node:timers/promises'

/** @returns the error's code; a promise that is fulfilled is a failure of the soak */
export async function refused(promise, code) {
  try {
    await promise
  } catch (error) {
    if (error.code === code) return
    throw error
  }
  throw new Error(`it was expected to be refused with ${code}`)
}

/** @throws when a promise that must settle by itself does not, instead of waiting for ever */
export async function settled(what, promise) {
  let timer
  const patience = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it never settled: ${what}`)), 15_000)
  })
  try {
    return await Promise.race([promise, patience])
  } finally {
    clearTimeout(timer)
  }
}

/** A way to read the output of a process that ends by itself; each settles, whatever the client does. `source`: a supervisor or a reader. */
export const OUTPUT_CLIENTS = {
  async readsAll(source, id) {
    for await (const chunk of source.attach(id)) if (chunk.data.length === 0) throw new Error('an empty chunk')
  },
  async readsLines(source, id) {
    for await (const line of source.watch(id)) if (typeof line.text !== 'string') throw new Error('no line')
  },
  async readsSlowly(source, id) {
    let seen = 0
    for await (const _ of source.attach(id)) if (seen++ < 5) await turn()
  },
  async pipesSlowly(source, id) {
    const slow = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => setImmediate(done) })
    await pipeline(source.attach(id), slow)
  },
  async readsWhatIsThere(source, id) {
    for await (const _ of source.attach(id, { follow: false, tail: 3 })) await turn()
  },
  async breaks(source, id) {
    for await (const _ of source.attach(id)) break
  },
  async breaksLines(source, id) {
    for await (const _ of source.watch(id)) break
  },
  async throws(source, id) {
    try {
      for await (const _ of source.attach(id)) throw new Error('the client has failed')
    } catch (error) {
      if (error.message !== 'the client has failed') throw error
    }
  },
  async isDestroyed(source, id) {
    const attachment = source.attach(id)
    attachment.resume()
    await turn()
    attachment.destroy()
    await closed(attachment)
  },
  async isDestroyedUnread(source, id) {
    const attachment = source.attach(id)
    attachment.destroy()
    await closed(attachment)
  },
  async failsWithError(source, id) {
    const attachment = source.attach(id)
    attachment.on('error', () => {})
    attachment.destroy(new Error('the client has failed'))
    await closed(attachment)
  },
  async isAborted(source, id) {
    const abort = new AbortController()
    const reading = (async () => {
      for await (const _ of source.attach(id, { signal: abort.signal })) await turn()
    })()
    await turn()
    abort.abort()
    await reading
  },
  /** The signal is the host program's own, and lives as long as that. */
  async hasHostSignal(source, id, { signal }) {
    for await (const _ of source.attach(id, { signal })) await turn()
    for await (const _ of source.watch(id, { signal })) break
  },
}

/** Clients that leave without a word: nobody destroys what they were given. */
export const VANISHING_CLIENTS = {
  async neverReads(source, id) {
    source.attach(id)
  },
  async neverIterates(source, id) {
    source.watch(id)
  },
  async readsOnceAndVanishes(source, id) {
    await source.attach(id)[Symbol.asyncIterator]().next()
  },
  async watchesOnceAndVanishes(source, id) {
    await source.watch(id)[Symbol.asyncIterator]().next()
  },
  async isPausedForEver(source, id) {
    const attachment = source.attach(id)
    await new Promise((resolve) => attachment.once('data', resolve))
    attachment.pause()
  },
}

/** Those that only a supervisor has. */
export const CALLBACK_CLIENTS = {
  async takesLines(supervisor, id) {
    await supervisor.watch(id, () => {})
  },
  async takesLinesSlowly(supervisor, id) {
    await supervisor.watch(id, () => turn(), { tail: 10 })
  },
  async throwsInCallback(supervisor, id) {
    let seen = 0
    const throwing = () => {
      seen += 1
      throw Object.assign(new Error('the client has failed'), { code: 'CLIENT' })
    }
    await supervisor.watch(id, throwing).catch((error) => {
      if (error.code !== 'CLIENT') throw error
    })
    if (seen > 1) throw new Error('a callback that threw was called again')
  },
}

/** Clients of the record of a process that is up and stays so meanwhile. */
export const WAITERS = {
  runsOutOfTime: (source, id) => refused(source.wait(id, { timeoutMs: 1 }), 'PROCMAN_TIMEOUT'),
  async isAborted(source, id) {
    const abort = new AbortController()
    const waiting = source.wait(id, { signal: abort.signal, timeoutMs: 600_000 })
    setImmediate(() => abort.abort())
    await refused(waiting, 'PROCMAN_ABORTED')
  },
  isAbortedBefore: (source, id) => refused(source.wait(id, { signal: AbortSignal.abort() }), 'PROCMAN_ABORTED'),
  hasHostSignal: (source, id, { signal }) => refused(source.wait(id, { signal, timeoutMs: 2 }), 'PROCMAN_TIMEOUT'),
}

/** Somebody who looks at everything for a while. @returns a function that ends it */
export function subscribe(supervisor, id) {
  const ref = supervisor.ref(id)
  const look = () => {}
  const subscriptions = [
    ref.subscribe(look),
    ref.on('process.exited', look),
    supervisor.actor.subscribe(look),
    supervisor.actor.on('process.settled', look),
    supervisor.table.subscribe(look),
    supervisor.table.getSnapshot().context.processes.get(id).subscribe(look),
  ]
  return () => {
    for (const subscription of subscriptions) subscription.unsubscribe()
  }
}

/** 100 that never read and 100 that read one chunk and no more, for as long as the soak lasts. */
export async function stallAt(supervisor, id, count) {
  const stalled = []
  for (let client = 0; client < count; client++) {
    stalled.push(supervisor.attach(id))
    const reading = supervisor.attach(id)[Symbol.asyncIterator]()
    await reading.next()
    stalled.push(reading)
  }
  return stalled
}

/**
 * So many that have read a line of each stream and wait for the next one, which never comes: of one source and the other in turn.
 * @returns how many still wait, and a function that lets go of them
 */
export async function waitAt(sources, id, count) {
  const waiting = new Set()
  for (let client = 0; client < count; client++) {
    const attachment = sources[client % sources.length].attach(id)
    waiting.add(attachment)
    const woken = () => waiting.delete(attachment)
    const chunks = attachment[Symbol.asyncIterator]()
    for (let stream = 0; stream < 2; stream++) await settled('the first line of a silent process', chunks.next())
    chunks.next().then(woken, woken)
  }
  return { count: () => waiting.size, leave: () => Promise.all([...waiting].map((attachment) => closed(attachment.destroy()))) }
}

function closed(stream) {
  return stream.closed ? undefined : new Promise((resolve) => stream.once('close', resolve))
}
