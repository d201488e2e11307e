// What keepers have written of how runs ended, read without procman: from the directories of processes, also of those that are being deleted.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { signalName } from './signals.mjs'

/**
 * @param nonce of the storm, which stands in the arguments of each process before its id and its incarnation
 * @returns {{ id: string, incarnation: number, run: number, outcome: object, atMs: number, source: string }[]}
 */
export function endsIn(stateDir, nonce) {
  return ['jobs', 'trash'].flatMap((part) => namesIn(join(stateDir, part)).flatMap((name) => endsOf(join(stateDir, part, name), name.split('.')[0], nonce)))
}

function endsOf(dir, id, nonce) {
  const names = namesIn(dir)
  const incarnation = incarnationIn(dir, names, id, nonce)
  // Nobody knows whose runs they were: it has just been begun, or is nearly deleted.
  if (incarnation === null) return []
  const runs = new Set(names.flatMap((name) => /^run-(\d+)\.(?:exit|child|claim)$/.exec(name)?.[1] ?? []).map(Number))
  return [...runs].flatMap((run) => {
    const exit = readExit(dir, run)
    return exit === null ? [] : [{ id, incarnation, run, ...exit, source: dir.includes('/trash/') ? 'run file in the trash' : 'run file' }]
  })
}

/** As JSON in the state, as fields in an intent: a directory may have one without the other. */
function incarnationIn(dir, names, id, nonce) {
  const between = '(?:","|\\0arg=)'
  const pattern = new RegExp(`${nonce}${between}${id}${between}(\\d+)["\\0]`)
  for (const name of ['state.json', ...names.filter((each) => each.endsWith('.intent'))]) {
    const found = pattern.exec(textOf(join(dir, name)))
    if (found !== null) return Number(found[1])
  }
  return null
}

/** Where there was no room for an `exit`, it is a further line of the claim. */
function readExit(dir, run) {
  const late = textOf(join(dir, `run-${run}.claim`))
    .split('\n')
    .slice(1)
    .map(toJson)
  const exit = toJson(textOf(join(dir, `run-${run}.exit`))) ?? late.find((line) => line?.kind !== undefined) ?? null
  return exit === null ? null : { outcome: outcomeOf(exit), atMs: exit.at }
}

function outcomeOf({ kind, code, signal, step, errno }) {
  if (kind === 'code') return { kind, code }
  return kind === 'signal' ? { kind, signal: signalName(signal) } : { kind: 'launch-failed', step, errno }
}

function toJson(text) {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function namesIn(dir) {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}

function textOf(path) {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
