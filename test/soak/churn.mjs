// One life after the other: each begins with a start and ends with nothing of it left, except what `cleanup()` takes at the end of the cycle.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { CALLBACK_CLIENTS, OUTPUT_CLIENTS, refused, settled, subscribe, VANISHING_CLIENTS, WAITERS } from './clients.mjs'
import { childrenOf, collect, text } from './measure.mjs'

const SLEEPER = { command: 'sleep', args: ['600'], stop: { timeoutMs: 5_000 } }
const BURST = 'seq 1 20000; head -c 200000 /dev/zero >&2'
const sh = (script, more = {}) => ({ command: 'sh', args: ['-c', script], ...more })

/** What a soak can leave out or do alone, by name. */
export function knownLives() {
  return [...Object.keys(LIVES), ...Object.keys(RARE)]
}

/** Each is given `{ soak, n }` and says how many processes it has started, as runs that were executed. */
const LIVES = {
  async short({ soak, start, supervisor }) {
    const { id } = await start({ command: 'true' })
    await supervisor.wait(id)
    await supervisor.remove(id)
    soak.runs += 1
  },
  async kept({ soak, start, supervisor }) {
    const { id } = await start({ command: 'true', labels: { kept: 'yes' } })
    await supervisor.wait(id)
    soak.runs += 1
  },
  async failing({ soak, start, supervisor }) {
    for (const script of ['exit 3', 'kill -9 $$']) {
      const { id } = await start(sh(script))
      if ((await supervisor.wait(id)).status !== 'failed') throw new Error(`${script} did not fail`)
      await supervisor.remove(id)
    }
    soak.runs += 2
  },
  async restarted({ soak, start, supervisor }) {
    const { id } = await start(SLEEPER)
    for (let run = 0; run < 4; run++) await supervisor.restart(id)
    await supervisor.stop(id)
    await supervisor.remove(id)
    soak.runs += 5
  },
  async restartsItself({ soak, start, supervisor }) {
    const { id } = await start(sh('exit 1', { restart: { strategy: 'always', delayMs: 0, maxDelayMs: 0, maxAttempts: 6 }, breaker: false }))
    const { run } = await supervisor.wait(id)
    await supervisor.remove(id)
    soak.runs += run
  },
  async stoppedInBackoff({ soak, start, supervisor }) {
    const ref = await start(sh('exit 1', { restart: { strategy: 'always', delayMs: 600_000, maxDelayMs: 600_000 } }))
    const isWaiting = new Promise((resolve) => ref.on('process.backing-off', resolve))
    if (!ref.getSnapshot().matches('backoff')) await isWaiting
    await supervisor.stop(ref.id)
    await supervisor.remove(ref.id)
    soak.runs += 1
  },
  async signalled({ soak, start, supervisor }) {
    const { id } = await start(SLEEPER)
    for (const signal of ['SIGSTOP', 'SIGCONT', 'SIGWINCH']) await supervisor.signal(id, signal)
    await supervisor.signal(id, 'SIGTERM', { target: 'command' })
    await supervisor.wait(id)
    await refused(supervisor.signal(id, 'SIGTERM'), 'PROCMAN_WRONG_STATE')
    await supervisor.remove(id)
    soak.runs += 1
  },
  async stubborn({ soak, start, supervisor }) {
    const { id } = await start(sh("trap '' TERM; echo up; while :; do sleep 600; done"))
    for await (const _ of supervisor.watch(id)) break
    await supervisor.stop(id, { timeoutMs: 5 })
    await supervisor.remove(id)
    soak.runs += 1
  },
  async leavesSomethingBehind({ soak, start, supervisor }) {
    const { id } = await start(sh('sleep 600 & exit 0', { stop: { timeoutMs: 2_000 } }))
    await supervisor.wait(id)
    await supervisor.remove(id)
    soak.runs += 1
  },
  async writtenTo({ soak, start, supervisor, n }) {
    const { id } = await start({ command: 'cat', stdin: 'pipe' })
    const text = 'x'.repeat(n % 2 === 0 ? 100 : 100_000)
    await Promise.all([supervisor.write(id, text), supervisor.write(id, Buffer.from(text))])
    await supervisor.closeStdin(id)
    await refused(supervisor.write(id, 'late'), 'PROCMAN_STDIN_CLOSED')
    await supervisor.wait(id)
    let bytes = 0
    for await (const { data } of supervisor.attach(id)) bytes += data.length
    if (bytes !== 2 * text.length) throw new Error(`${bytes} of ${2 * text.length} bytes came back`)
    await supervisor.remove(id)
    soak.runs += 1
  },
  /** The command never reads: the write is cut off by its end. */
  async writtenToInVain({ soak, start, supervisor }) {
    const { id } = await start({ ...SLEEPER, stdin: 'pipe' })
    const writing = refused(supervisor.write(id, Buffer.alloc(300_000)), 'PROCMAN_STDIN_CLOSED')
    await turn()
    await supervisor.stop(id)
    await writing
    await supervisor.remove(id)
    soak.runs += 1
  },
  async bursting({ soak, start, supervisor, pick }) {
    const { id } = await start(sh(BURST))
    const clients = pick({ ...OUTPUT_CLIENTS, ...CALLBACK_CLIENTS }, 3)
    await Promise.all(clients.map((client) => client(supervisor, id, soak.host)))
    await supervisor.wait(id)
    await supervisor.remove(id)
    soak.runs += 1
  },
  async readWithoutLock({ soak, start, supervisor, pick }) {
    const { id } = await start(sh(BURST))
    const clients = pick(OUTPUT_CLIENTS, 2)
    await Promise.all(clients.map((client) => client(soak.reader, id, soak.host)))
    await soak.reader.wait(id)
    await supervisor.wait(id)
    soak.reader.survey()
    await supervisor.remove(id)
    soak.runs += 1
  },
  /** A silent process: clients hold watches and timers when they leave. */
  async silent({ soak, start, supervisor }) {
    const { id } = await start(SLEEPER)
    const clients = [supervisor, soak.reader].flatMap((source) => [source.attach(id), source.attach(id)])
    const reads = clients.map((client) => client[Symbol.asyncIterator]().next())
    for (const wait of Object.values(WAITERS)) await Promise.all([wait(supervisor, id, soak.host), wait(soak.reader, id, soak.host)])
    for (const [index, client] of clients.entries()) if (index % 2 === 0) client.destroy()
    await supervisor.stop(id)
    await Promise.all(reads)
    await supervisor.remove(id)
    soak.runs += 1
  },
  /** Clients who leave without a word, of a process that ends and of one that goes on and on. */
  async vanishing({ soak, start, supervisor }) {
    const { id } = await start(sh(BURST))
    for (const client of Object.values(VANISHING_CLIENTS))
      for (const source of [supervisor, soak.reader]) for (const process of [id, soak.chattyId]) await client(source, process)
    await supervisor.wait(id)
    await supervisor.remove(id)
    soak.runs += 1
  },
  /** Long-lived ones that share the host program's signal: garbage is collected while they read. */
  async sharingASignal({ soak, supervisor }) {
    const clients = [supervisor, soak.reader, supervisor].map((source) => source.attach(soak.chattyId, { signal: soak.host.signal }))
    for (const client of clients) await client[Symbol.asyncIterator]().next()
    await collect()
    for (const client of clients) await new Promise((resolve) => client.once('close', resolve).destroy())
  },
  /** Clients that are let go of while they wait for the next line of a silent process. */
  async leavingInTheMiddle({ soak, start, supervisor }) {
    const { id } = await start(SLEEPER)
    for (const source of [supervisor, soak.reader]) {
      const lines = source.watch(id)[Symbol.asyncIterator]()
      const next = lines.next()
      await turn()
      await settled('return() of a watch whose next() is pending', lines.return())
      if (!(await next).done) throw new Error('a line out of nothing')
    }
    await supervisor.stop(id)
    await supervisor.remove(id)
    soak.runs += 1
  },
  async observed({ soak, start, supervisor }) {
    const { id } = await start(sh('echo hello'))
    const unsubscribe = subscribe(supervisor, id)
    await supervisor.wait(id)
    unsubscribe()
    supervisor.ref(id).subscribe(() => {}) // and one that forgets to
    await supervisor.remove(id)
    soak.runs += 1
  },
  async refreshed({ soak, start, supervisor }) {
    const { id } = await start(SLEEPER)
    await supervisor.refresh()
    await supervisor.stop(id, { timeoutMs: 0 })
    await supervisor.remove(id)
    soak.runs += 1
  },
  async refusedStart({ soak, start, supervisor }) {
    await refused(start({ command: 'no-such-command' }), 'PROCMAN_LAUNCH_FAILED')
    await refused(start({ command: 'true', cwd: '/no/such/directory' }), 'PROCMAN_LAUNCH_FAILED')
    await refused(start({ command: '' }), 'PROCMAN_INVALID_SPEC')
    await refused(start({ command: 'true', id: soak.chattyId }), 'PROCMAN_PROCESS_EXISTS')
    await refused(supervisor.wait('no-such-process'), 'PROCMAN_PROCESS_UNKNOWN')
    soak.runs += 2
  },
  async launchedLater({ soak, start, supervisor }) {
    const { id } = await start({ command: 'true', autostart: false })
    await supervisor.launch(id)
    await supervisor.wait(id)
    await supervisor.launch(id)
    await supervisor.wait(id)
    await supervisor.remove(id)
    soak.runs += 2
  },
  async neverLaunched({ start, supervisor }) {
    const { id } = await start({ command: 'true', autostart: false })
    await supervisor.remove(id)
  },
  /** A stop, a restart and a wait at once. */
  async hurried({ soak, start, supervisor }) {
    const { id } = await start(SLEEPER)
    const restarting = supervisor.restart(id).catch((error) => {
      if (error.code !== 'PROCMAN_WRONG_STATE') throw error
    })
    await Promise.all([restarting, supervisor.stop(id, { timeoutMs: 0 }), supervisor.wait(id)])
    await supervisor.remove(id)
    soak.runs += 1
  },
}

/** Heavier ones, once or twice in a cycle. */
const RARE = {
  async keeperKilled({ soak, start, supervisor }) {
    const { id } = await start(SLEEPER)
    const claim = JSON.parse(text(join(soak.stateDir, 'jobs', id, 'run-1.claim')))
    process.kill(claim.pid, 'SIGKILL')
    while (!supervisor.get(id).keeper_lost) await turn()
    await supervisor.stop(id, { timeoutMs: 0 })
    await supervisor.remove(id)
    soak.runs += 1
  },
  async spawnerKilled({ soak, start, supervisor }) {
    for (const pid of childrenOf(process.pid)) if (text(`/proc/${pid}/comm`).startsWith('procman-keeper')) process.kill(pid, 'SIGKILL')
    const { id } = await start({ command: 'true' })
    await supervisor.wait(id)
    await supervisor.remove(id)
    soak.runs += 1
  },
  /** Another directory in the same program: opened, left, opened again, closed. */
  async secondSupervisor({ soak }) {
    const stateDir = join(soak.root, 'second')
    const first = await soak.createSupervisor({ stateDir })
    const spec = { ...SLEEPER, cwd: soak.workDir }
    for (const id of ['one', 'two']) await first.start({ ...spec, id })
    await refused(soak.createSupervisor({ stateDir }), 'PROCMAN_STATE_DIR_LOCKED')
    const abandoned = first.wait('one')
    first.attach('one')
    await first.close()
    await refused(abandoned, 'PROCMAN_CLOSED')
    const next = await soak.createSupervisor({ stateDir })
    await next.stop('one')
    await next.remove('one')
    await next.shutdown({ timeoutMs: 0 })
    const last = await soak.createSupervisor({ stateDir })
    await last.cleanup()
    await last.close()
    soak.runs += 2
  },
}

/** Starts about so many processes, a few at a time, and comes to rest: afterwards nothing of them is left but what leaked. */
export async function churn(soak, size, atOnce) {
  const before = soak.runs
  const [lives, rare] = [LIVES, RARE].map((table) => Object.keys(table).flatMap((name) => (soak.isAsked(name) ? [table[name]] : [])))
  let isEnough = lives.length === 0
  let nth = 0
  const worker = async () => {
    while (!isEnough) {
      // The first of each, so that every cycle has all of them, then mostly the short ones.
      const n = nth++
      const live = n < lives.length ? lives[n] : soak.random() < 0.5 && soak.isAsked('short') ? LIVES.short : lives[Math.floor(soak.random() * lives.length)]
      await live(partsOf(soak, n))
      soak.leak()
      isEnough = soak.runs - before >= size && nth >= lives.length
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  // One after the other: the spawner is killed while nobody else is being started.
  for (const each of rare) await each(partsOf(soak, 0))
  await soak.supervisor.cleanup()
  const left = soak.supervisor.list().filter(({ id }) => !soak.lastingIds.includes(id))
  if (left.length > 0) throw new Error(`still there after the cycle: ${left.map(({ id, state }) => `${id} ${state}`).join(', ')}`)
  if (soak.supervisor.problems.length > 0) throw new Error(`problems: ${JSON.stringify(soak.supervisor.problems)}`)
  if (existsSync(join(soak.root, 'second', 'jobs', 'one'))) throw new Error('the second directory is not clean')
}

function partsOf(soak, n) {
  const { supervisor, workDir } = soak
  return {
    soak,
    supervisor,
    n,
    start: (input) => supervisor.start({ cwd: workDir, ...input }),
    pick: (table, count) => Array.from({ length: count }, () => Object.values(table)[Math.floor(soak.random() * Object.keys(table).length)]),
  }
}
