// The truth: what every executed command has told by itself.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { signalName } from './signals.mjs'

export class Trace {
  /**
   * key -> { id, incarnation, run, begins: [{ pid, us }], end: { us, outcome, out, err } | null, overlaps: [us], left: the child that it leaves behind
   * { pid, endedUs } | null }
   */
  runs = new Map()
  /** pid -> run, of all descendants that have told of themselves */
  children = new Map()
  executions = 0
  #path
  #nonce
  #offset = 0
  #rest = ''

  constructor(path, nonce) {
    this.#path = path
    this.#nonce = nonce
  }

  get(id, incarnation, run) {
    return this.runs.get(keyOf(id, incarnation, run))
  }

  /** The highest run that was ever executed. */
  lastRun(id, incarnation) {
    return this.#last.get(`${id}/${incarnation}`) ?? 0
  }
  #last = new Map()

  /** Takes in what has been written since. @returns the runs that it speaks of */
  read() {
    const fd = openSync(this.#path, 'r')
    try {
      const buffer = Buffer.alloc(fstatSync(fd).size - this.#offset)
      this.#offset += readSync(fd, buffer, 0, buffer.length, this.#offset)
      return this.take(buffer.toString('latin1'))
    } finally {
      closeSync(fd)
    }
  }

  take(text) {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    return new Set(lines.map((line) => this.#takeLine(line)))
  }

  #takeLine(line) {
    const [what, nonce, id, incarnation, run, pid, us, how, number, out, err] = line.split(' ')
    if (nonce !== this.#nonce) throw new Error(`a line of the trace is not ours: ${line}`)
    const traced = this.#runOf(id, Number(incarnation), Number(run))
    if (what === 'B') {
      this.executions += 1
      traced.begins.push({ pid: Number(pid), us: Number(us) })
    } else if (what === 'E') {
      const outcome = how === 'x' ? { kind: 'code', code: Number(number) } : { kind: 'signal', signal: signalName(Number(number)) }
      traced.end = { us: Number(us), outcome, out: Number(out), err: Number(err) }
    } else if (what === 'G') {
      traced.left = { pid: Number(pid), endedUs: null }
      this.children.set(Number(pid), { id, incarnation: traced.incarnation, run: traced.run, toldMs: Number(us) / 1_000 })
    } else if (what === 'F') {
      traced.left = { pid: Number(pid), endedUs: Number(us) }
      this.children.delete(Number(pid))
    } else if (what === 'O') traced.overlaps.push(Number(us))
    return traced
  }

  #runOf(id, incarnation, run) {
    const key = keyOf(id, incarnation, run)
    const known = this.runs.get(key)
    if (known !== undefined) return known
    const traced = { id, incarnation, run, begins: [], end: null, overlaps: [], left: null }
    this.runs.set(key, traced)
    this.#last.set(`${id}/${incarnation}`, Math.max(run, this.lastRun(id, incarnation)))
    return traced
  }
}

export function keyOf(id, incarnation, run) {
  return `${id}/${incarnation}/${run}`
}
