/**
 * node build-wasm.mjs [FILE]: writes module.wasm, the module of module.wat, byte by byte.
 * @see https://webassembly.github.io/spec/core/binary/
 */
import { writeFileSync } from 'node:fs'

const I32 = 0x7f
const AT = 0
const LENGTH = 1
const HASH = 2
const END = 3

const get = (local) => [0x20, local]
const set = (local, ...value) => [...value, 0x21, local]
const constant = (value) => [0x41, ...signed(value)]
const add = (a, b) => [...a, ...b, 0x6a]
const multiply = (a, b) => [...a, ...b, 0x6c]
const xor = (a, b) => [...a, ...b, 0x73]
const notBelow = (a, b) => [...a, ...b, 0x4f]
/** i32.load8_u, alignment 0, offset 0. */
const byteAt = (address) => [...address, 0x2d, 0, 0]
const block = (...body) => [0x02, 0x40, ...body, 0x0b]
const loop = (...body) => [0x03, 0x40, ...body, 0x0b]
const branch = (depth) => [0x0c, depth]
const branchIf = (depth, condition) => [...condition, 0x0d, depth]

const checksum = [
  ...set(HASH, ...constant(0x811c9dc5 | 0)),
  ...set(END, ...add(get(AT), get(LENGTH))),
  ...block(
    ...loop(
      ...branchIf(1, notBelow(get(AT), get(END))),
      ...set(HASH, ...multiply(xor(get(HASH), byteAt(get(AT))), constant(0x01000193))),
      ...set(AT, ...add(get(AT), constant(1))),
      ...branch(0),
    ),
  ),
  ...get(HASH),
]

const types = [[0x60, ...vector([[I32], [I32]]), ...vector([[I32]])]]
const functions = [[0]]
const memories = [[0, 1]]
const exported = [
  [...name('memory'), 2, 0],
  [...name('checksum'), 0, 0],
]
/** Two more locals than parameters, and the end of the function. */
const bodies = [sized([...vector([[2, I32]]), ...checksum, 0x0b])]

const module = Uint8Array.from([
  ...Buffer.from('\0asm'),
  1,
  0,
  0,
  0,
  ...section(1, types),
  ...section(3, functions),
  ...section(5, memories),
  ...section(7, exported),
  ...section(10, bodies),
])
if (!WebAssembly.validate(module)) throw new Error('what was put together is no module')

writeFileSync(process.argv[2] ?? new URL('module.wasm', import.meta.url), module)

function section(id, items) {
  return [id, ...sized(vector(items))]
}

function vector(items) {
  return [...unsigned(items.length), ...items.flat()]
}

function sized(bytes) {
  return [...unsigned(bytes.length), ...bytes]
}

function name(text) {
  return sized([...Buffer.from(text)])
}

/** LEB128. */
function unsigned(value) {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

/** LEB128 of a 32-bit number with its sign: the last byte's bit 6 is the sign. */
function signed(value) {
  return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)]
}
