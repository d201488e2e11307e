// Lets a manager die by SIGKILL right before, in the middle of, or right after a chosen call of the file system: instants that a kill from outside rarely hits.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const CALLS = ['writeFileSync', 'openSync', 'writeSync', 'renameSync', 'linkSync', 'symlinkSync', 'unlinkSync', 'mkdirSync', 'rmSync']

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
  for (const name of CALLS) {
    const original = fs[name]
    const isMeant = name.startsWith(call)
    fs[name] = (...args) => {
      const [first, second] = args
      const target = name === 'symlinkSync' ? second : typeof first === 'number' ? paths.get(first) : String(first)
      if (!isMeant || target === undefined || !pattern.test(target) || --left !== 0) {
        const result = original(...args)
        if (name === 'openSync') paths.set(result, target)
        return result
      }
      if (when === 'middle' && call === 'write') original(...halfOf(args))
      if (when === 'after') original(...args)
      die()
    }
  }
  syncBuiltinESMExports()
}

/** Arguments of a write, of the first half of what was to be written. */
function halfOf([target, data, offset, length, ...rest]) {
  if (typeof length === 'number') return [target, data, offset, length >> 1, ...rest]
  return [target, data.slice(0, data.length >> 1), ...(offset === undefined ? [] : [offset])]
}

function die() {
  for (;;) process.kill(process.pid, 'SIGKILL')
}
