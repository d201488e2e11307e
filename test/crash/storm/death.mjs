// Lets a manager die by SIGKILL right before, in the middle of, or right after a chosen call of the file system: instants that a kill from outside rarely hits.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'

const CALLS = [
  'writeFileSync',
  'openSync',
  'writeSync',
  'renameSync',
  'linkSync',
  'symlinkSync',
  'unlinkSync',
  'mkdirSync',
  'rmSync',
  'copyFileSync',
  'chmodSync',
]
/** Of `fs.promises`: what is removed is deleted in the background. */
const PROMISED_CALLS = ['readdir', 'rm']
/** What a call does something to is its second argument. */
const WITH_TARGET_BEHIND = ['symlinkSync', 'copyFileSync']

/** What a manager may die over, each a pattern that the path of the call must match. */
export const DEATHS = [
  { over: 'snapshot', call: 'write', path: /state\.json\b.*tmp/ },
  { over: 'snapshot', call: 'rename', path: /state\.json\b.*tmp/ },
  { over: 'intent', call: 'write', path: /\.intent\b.*tmp/ },
  { over: 'intent', call: 'rename', path: /\.intent\b.*tmp/ },
  { over: 'void claim', call: 'write', path: /\.claim\b.*tmp/ },
  { over: 'void claim', call: 'link', path: /\.claim\b.*tmp/ },
  { over: 'new process', call: 'mkdir', path: /jobs\/[^/]+$/ },
  { over: 'removal', call: 'rename', path: /jobs\/[^/]+$/ },
  { over: 'trash', call: 'mkdir', path: /trash$/ },
  { over: 'deletion', call: 'readdir', path: /trash\/[^/]+$/ },
  { over: 'deletion', call: 'rm', path: /trash\/[^/]+\/run-\d+\.intent$/ },
  { over: 'deletion', call: 'rm', path: /trash\/[^/]+$/ },
  { over: 'keeper', call: 'mkdir', path: /\/bin$/ },
  { over: 'keeper', call: 'copyFile', path: /bin\/procman-keeper.*tmp$/ },
  { over: 'keeper', call: 'chmod', path: /bin\/procman-keeper.*tmp$/ },
  { over: 'keeper', call: 'rename', path: /bin\/procman-keeper.*tmp$/ },
  { over: 'pruning', call: 'rm', path: /run-\d+\.[a-z]+$/ },
  { over: 'lock', call: 'symlink', path: /manager\.lock/ },
  { over: 'lock', call: 'rename', path: /manager\.lock/ },
  { over: 'lock', call: 'unlink', path: /manager\.lock/ },
]

/** @param death { call, path, nth, when: 'before' | 'middle' | 'after' }. To be called before the library is imported. */
export function arm({ call, path, nth, when }) {
  const pattern = new RegExp(path)
  const paths = new Map()
  let left = nth
  const isMeant = (name, target) => name.startsWith(call) && target !== undefined && pattern.test(target) && --left === 0
  for (const name of CALLS) {
    const original = fs[name]
    fs[name] = (...args) => {
      const target = targetOf(name, args, paths)
      if (!isMeant(name, target)) {
        const result = original(...args)
        if (name === 'openSync') paths.set(result, target)
        return result
      }
      if (when === 'middle') halfDone(name, original, args)
      if (when === 'after') original(...args)
      die()
    }
  }
  for (const name of PROMISED_CALLS) {
    const original = fs.promises[name]
    fs.promises[name] = async (...args) => {
      if (!isMeant(name, String(args[0]))) return original(...args)
      if (when === 'middle') halfDone(name, original, args)
      if (when === 'after') await original(...args)
      die()
    }
  }
  syncBuiltinESMExports()
}

function targetOf(name, [first, second], paths) {
  if (WITH_TARGET_BEHIND.includes(name)) return second
  return typeof first === 'number' ? paths.get(first) : String(first)
}

/** What has a middle: half of what was to be written, copied or deleted. Of the others, nothing is done. */
function halfDone(name, original, args) {
  if (name.startsWith('write')) original(...halfOf(args))
  if (name === 'copyFileSync') half.copy(args[0], args[1])
  if (name === 'rm') half.remove(args[0])
}

/** These are kept from before the calls are replaced. */
const { readdirSync, readFileSync, rmSync, statSync, writeFileSync } = fs
const half = {
  copy: (from, to) => {
    const bytes = readFileSync(from)
    writeFileSync(to, bytes.subarray(0, bytes.length >> 1), { flag: 'wx', mode: 0o700 })
  },
  remove: (path) => {
    const names = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(path) : []
    for (const each of names.slice(0, names.length >> 1)) rmSync(join(path, each), { recursive: true, force: true })
  },
}

/** Arguments of a write, of the first half of what was to be written. */
function halfOf([target, data, offset, length, ...rest]) {
  if (typeof length === 'number') return [target, data, offset, length >> 1, ...rest]
  return [target, data.slice(0, data.length >> 1), ...(offset === undefined ? [] : [offset])]
}

function die() {
  for (;;) process.kill(process.pid, 'SIGKILL')
}
