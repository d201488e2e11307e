// Kills those that serve a manager: its spawner, which anybody may kill, and keepers, whose runs may end unknown then.
import { look } from './os.mjs'

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export class Disturber {
  #stateDir
  #random
  #report
  #ledger
  /** { id, run, ms }: the ends of these may be unknown. */
  #killedKeepers = []

  constructor({ stateDir, random, report, ledger }) {
    this.#stateDir = stateDir
    this.#random = random
    this.#report = report
    this.#ledger = ledger
  }

  /** Who is killed is written down first: by the time that it is looked for, the manager may have told of it. */
  killKeeper() {
    const { keepers } = look(this.#stateDir)
    // A command that waits at the gate looks like its keeper: killed by itself, it ends in a way that is known.
    const isCommand = ({ parent }) => keepers.some(({ pid }) => pid === parent)
    const keeper = this.#random.pick(keepers.filter((each) => each.run > 0 && !isCommand(each)))
    if (keeper === undefined) return
    this.#killedKeepers.push({ id: keeper.id, run: keeper.run, ms: Date.now() })
    if (send(keeper.pid, 'SIGKILL')) this.#report.killedKeepers += 1
  }

  hasLostKeeper(id, incarnation, run) {
    const startedAtMs = this.#ledger.slotOf(id).starts.get(incarnation) ?? 0
    return this.#killedKeepers.some((killed) => killed.id === id && killed.run === run && killed.ms >= startedAtMs)
  }

  /** At once, or after it has been deaf for a while. It is killed in any case: one that is stopped could not notice that its manager has died. */
  async killSpawner(life) {
    const spawner = look(this.#stateDir).spawners.find(({ parent }) => parent === life.pid)
    if (spawner === undefined) return
    if (this.#random.chance(0.5) && send(spawner.pid, 'SIGSTOP')) await pause(this.#random.int(1, 150))
    if (send(spawner.pid, 'SIGKILL')) this.#report.killedSpawners += 1
  }
}

/** @returns false when it has left meanwhile */
function send(pid, signal) {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}
