/** Loads the module and calls it: text goes into its memory, a checksum comes out. */
import { readFile } from 'node:fs/promises'

/**
 * @param {string} path a module that exports `memory` and `checksum(at, length)`, as module.wat
 * @returns {Promise<{ bytes: number, checksum(text: string): number }>} the size of the file; what it computes, 0 to 2^32 - 1
 */
export async function loadChecksum(path) {
  const file = await readFile(path)
  const { memory, checksum } = await instantiate(path, file)
  const encoder = new TextEncoder()
  return {
    bytes: file.length,
    checksum(text) {
      const bytes = encoder.encode(text)
      new Uint8Array(memory.buffer).set(bytes)
      // WebAssembly's i32 has no sign, the number that JavaScript makes of it has.
      return checksum(0, bytes.length) >>> 0
    },
  }
}

async function instantiate(path, file) {
  const { instance } = await WebAssembly.instantiate(file).catch((cause) => {
    throw new Error(`${path} cannot be loaded: ${cause.message}`, { cause })
  })
  const { memory, checksum } = instance.exports
  if (memory instanceof WebAssembly.Memory && typeof checksum === 'function') return { memory, checksum }
  throw new Error(`${path} must export memory and checksum, not ${Object.keys(instance.exports).join(', ') || 'nothing'}`)
}
