/** The command line: `-wasm PATH -dbPath NAME -port PORT [-chaos]`. */

export const USAGE = `usage: servicehost -wasm PATH -dbPath NAME -port PORT [-chaos]
  -wasm PATH     the WebAssembly module
  -dbPath NAME   its database, a file that is made when it is not there
  -port PORT     on 127.0.0.1; 0: any that is free
  -chaos         opens POST /chaos/hang and POST /chaos/exit`

const WITH_VALUE = ['-wasm', '-dbPath', '-port']

export class UsageError extends Error {}

/**
 * @param {readonly string[]} args
 * @returns {{ wasm: string, dbPath: string, port: number, chaos: boolean }}
 * @throws UsageError with what is wrong
 */
export function parseOptions(args) {
  const given = new Map()
  for (const rest = [...args]; rest.length > 0; ) {
    const name = rest.shift()
    if (given.has(name)) throw new UsageError(`${name} is given twice`)
    if (name === '-chaos') given.set(name, true)
    else if (WITH_VALUE.includes(name)) given.set(name, mustHave(name, rest.shift()))
    else throw new UsageError(`there is no option ${JSON.stringify(name)}`)
  }
  for (const name of WITH_VALUE) if (!given.has(name)) throw new UsageError(`${name} is missing`)
  return { wasm: given.get('-wasm'), dbPath: given.get('-dbPath'), port: portOf(given.get('-port')), chaos: given.has('-chaos') }
}

function mustHave(name, value) {
  if (value === undefined || value === '') throw new UsageError(`${name} needs a value`)
  return value
}

function portOf(text) {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw new UsageError(`-port must be 0 to 65535, not ${JSON.stringify(text)}`)
  return port
}
