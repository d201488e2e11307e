/** Certificates and keys of probes, read again for each new connection: files are replaced while we run. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { SecureContextOptions } from 'node:tls'
import type { TlsOptions } from '../../types.ts'
import { codeOf, messageOf } from './causes.ts'

/** More than any bundle of certificates has. */
const LARGEST_BYTES = 16 * 1024 * 1024

/** @param cwd where relative paths begin. @throws which file cannot be read, and why */
export async function readTls({ ca, cert, key }: TlsOptions, cwd: string): Promise<SecureContextOptions> {
  return { ca: await read('ca', ca, cwd), cert: await read('cert', cert, cwd), key: await read('key', key, cwd) }
}

async function read(what: keyof TlsOptions, pem: string | undefined, cwd: string): Promise<string | undefined> {
  if (pem === undefined || pem.includes('-----BEGIN ')) return pem
  const path = resolve(cwd, pem)
  try {
    return await readText(path)
  } catch (error) {
    throw new Error(`certificate file of tls.${what} cannot be read: ${path} (${codeOf(error) || messageOf(error)})`, { cause: error })
  }
}

async function readText(path: string): Promise<string> {
  // A FIFO in the file's place must not be waited for.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw new Error('not a file')
    if (stat.size > LARGEST_BYTES) throw new Error(`${stat.size} bytes`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}
