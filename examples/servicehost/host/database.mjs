/** The database: a JSON file with a counter of starts, so that a restart can be told from a process that was never away. */
import { readFile, rename, writeFile } from 'node:fs/promises'

/**
 * Counts one more start. The file is replaced by rename: whoever is killed here leaves the old count or the new one.
 * @param {string} path made when it is not there
 * @returns {Promise<number>} 1 at the first start
 */
export async function countStart(path) {
  const starts = (await startsIn(path)) + 1
  const beside = `${path}.${process.pid}.new`
  await writeFile(beside, `${JSON.stringify({ starts })}\n`)
  await rename(beside, path)
  return starts
}

async function startsIn(path) {
  const text = await readFile(path, 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return '{"starts":0}'
    throw error
  })
  const starts = parse(text)?.starts
  if (!Number.isSafeInteger(starts) || starts < 0)
    throw new Error(`the database ${path} is damaged: it must be {"starts":N}, not ${JSON.stringify(text.slice(0, 40))}`)
  return starts
}

function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
