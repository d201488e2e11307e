// What each process of the storm is: a pure function of seed, id and incarnation, so that driver and managers know the same without talking.
import { constants } from 'node:os'
import { randomOf } from './random.mjs'

const CODES = [0, 1, 2, 42, 126, 127, 128, 137, 143, 255]
const SIGNALS = ['SIGTERM', 'SIGKILL', 'SIGSEGV', 'SIGINT', 'SIGHUP', 'SIGABRT', 'SIGUSR1', 'SIGQUIT', 'SIGPIPE', 'SIGALRM', 'SIGBUS']

/** Of one length: ids may be given as prefixes. */
export function idsOf(count) {
  return Array.from({ length: count }, (_, index) => `p${String(index).padStart(3, '0')}`)
}

/**
 * Each run does one act of the script, in turn (run 1 the first one, after the last one the first one again):
 *
 *   xC@MS  ends with code C after MS        sN@MS  ends itself with signal N after MS      z  sleeps until a signal ends it
 *   hC     ends with C when SIGTERM comes   d      is deaf to SIGTERM                       wN@C  writes N lines to each stream, ends with C
 *   WC     writes until SIGTERM comes, then ends with C
 *   tC@MS  leaves a child in a session of its own, ends with C after MS; uC@MS: the child is deaf; nC@MS: and has cleared its environment; T, U, N: and sleeps
 *   vC@MS  leaves a child that nobody is to stop          rC  answers each line on its stdin with one, ends with C when that ends
 *
 * @param settings { seed, killKeepers }: who clears its environment is not found when its keeper is killed, so then nobody does
 */
export function planOf({ seed, killKeepers }, id, incarnation) {
  const random = randomOf(seed, 'plan', id, incarnation)
  const stop = { timeoutMs: random.pick([SHORTEST_GRACE_MS, 100, 200, 300]) }
  const made = random.weighted(KINDS)(random)
  const script = killKeepers ? made.script.map((act) => act.replace(/^n/, 'u').replace(/^N/, 'U')) : made.script
  return { restart: 'never', autostart: !random.chance(0.06), stop, stdin: 'null', leftovers: 'stop', ...made, script }
}

export const SHORTEST_GRACE_MS = 40

const exits = (random, longestMs = 400) => `x${random.pick(CODES)}@${random.int(0, longestMs)}`
const dies = (random, longestMs = 400) => `s${constants.signals[random.pick(SIGNALS)]}@${random.int(0, longestMs)}`
const ends = (random, longestMs) => (random.chance(0.5) ? exits(random, longestMs) : dies(random, longestMs))
const fails = (random) => (random.chance(0.5) ? `x${random.pick(CODES.slice(1))}@${random.int(5, 60)}` : dies(random, 60))
const leaves = (random) => `${random.pick(['t', 'u', 'n'])}${random.pick(CODES)}@${random.int(0, 200)}`
const writes = (random) => `w${random.int(1, 2_000)}@${random.pick(CODES)}`

const KINDS = [
  [12, (random) => ({ kind: 'exits', script: [exits(random)] })],
  [12, (random) => ({ kind: 'dies', script: [dies(random)] })],
  [10, () => ({ kind: 'sleeper', script: ['z'] })],
  [8, () => ({ kind: 'deaf', script: ['d'] })],
  [8, (random) => ({ kind: 'polite', script: [`h${random.pick(CODES)}`] })],
  [10, (random) => ({ kind: 'leaves', script: [leaves(random)] })],
  [8, (random) => ({ kind: 'tree', script: [random.pick(['T', 'U', 'N'])] })],
  [6, (random) => ({ kind: 'leaves-for-good', script: [`v${random.pick(CODES)}@${random.int(0, 200)}`], leftovers: 'leave' })],
  [10, (random) => ({ kind: 'answering-writer', script: [`r${random.pick(CODES)}`], stdin: 'pipe' })],
  [10, (random) => ({ kind: 'writer', script: [writes(random)] })],
  [8, (random) => ({ kind: 'endless-writer', script: [`W${random.pick(CODES)}`] })],
  [
    6,
    (random) => ({
      kind: 'writer-again',
      script: [`w${random.int(1, 600)}@1`, `w${random.int(1, 600)}@3`, 'W0'],
      restart: { strategy: 'on-failure', maxAttempts: 0, delayMs: random.pick([0, 5, 30]), multiplier: 1 },
    }),
  ],
  [
    8,
    (random) => ({
      kind: 'service',
      script: Array.from({ length: 5 }, () => `${random.chance(0.25) ? leaves(random) : ends(random, 150)}`),
      restart: { strategy: 'always', maxAttempts: 0, delayMs: random.pick([0, 0, 5, 40]), multiplier: 1 },
    }),
  ],
  [4, (random) => ({ kind: 'steady-service', script: [random.pick(['z', 'd', 'T', 'h0'])], restart: { strategy: 'always', maxAttempts: 0, delayMs: 0 } })],
  [
    8,
    (random) => ({
      kind: 'retries',
      script: [...Array.from({ length: random.int(1, 4) }, () => fails(random)), `x0@${random.int(0, 50)}`],
      restart: { strategy: 'on-failure', maxAttempts: 0, delayMs: random.pick([0, 10, 50]), multiplier: random.pick([1, 1.5]) },
    }),
  ],
  [
    4,
    (random) => ({
      kind: 'gives-up',
      script: [fails(random)],
      restart: { strategy: 'on-failure', delayMs: random.pick([0, 20]), multiplier: 1, maxAttempts: random.int(1, 4) },
    }),
  ],
]

/** What run `run` of a plan was told to do. */
export function actOf(plan, run) {
  const text = plan.script[(run - 1) % plan.script.length]
  const [, letter, first, second] = /^([a-zA-Z])(\d*)(?:@(\d+))?$/.exec(text)
  return { letter, first: Number(first), second: Number(second ?? 0) }
}

/** The input of `start`. Who the process is stands in its arguments: trace file, lock file, nonce, id, incarnation, script. */
export function inputOf(settings, id, incarnation) {
  const { script, restart, autostart, stop, stdin, leftovers } = planOf(settings, id, incarnation)
  const args = [settings.trace, `${settings.locks}/${id}`, settings.nonce, id, String(incarnation), script.join(',')]
  return {
    id,
    command: settings.subject,
    args,
    cwd: '/',
    inheritEnv: false,
    restart,
    breaker: false,
    autostart,
    stop,
    stdin,
    leftovers,
    labels: { storm: settings.nonce },
  }
}

/** The incarnation that a record speaks of. */
export function incarnationOf(record) {
  return Number(record.args[4])
}
