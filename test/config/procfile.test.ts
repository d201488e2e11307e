import { describe, expect, it } from 'vitest'
import { load, problemsOf } from './harness.ts'

const read = (text: string, files: Readonly<Record<string, string>> = {}, env: Readonly<Record<string, string>> = {}) =>
  load({ Procfile: text, ...files }, { path: 'Procfile', env })

describe('a Procfile', () => {
  it('has a process a line, each a line for a shell', async () => {
    const { processes, dir } = await read('# comment\n\nweb: node server.js -p $PORT && echo "${HOME}"  \r\n worker : a | b\n')
    expect(processes).toEqual([
      { id: 'web', command: 'sh', args: ['-c', 'node server.js -p $PORT && echo "${HOME}"'], env: { PORT: '5000' }, cwd: dir, template: false },
      { id: 'worker', command: 'sh', args: ['-c', 'a | b'], env: { PORT: '5100' }, cwd: dir, template: false },
    ])
  })

  it('gives each the variables of .env, and a port of its own', async () => {
    const { processes, files, dir } = await read('a: x\nb: y\n', { '.env': 'PORT=3000\nSECRET=$x ${id}\n' })
    expect(processes.map(({ env }) => env)).toEqual([
      { PORT: '3000', SECRET: '$x ${id}' },
      { PORT: '3100', SECRET: '$x ${id}' },
    ])
    expect(files).toEqual([`${dir}/Procfile`, `${dir}/.env`])
    expect((await read('a: x\n', {}, { PORT: '80' })).processes[0]?.env).toEqual({ PORT: '80' })
  })

  it('may have another name', async () => {
    expect((await load({ 'Procfile.dev': 'a: x' }, { path: 'Procfile.dev' })).processes).toHaveLength(1)
  })

  it('tells all wrong lines with their places', async () => {
    expect(await problemsOf({ Procfile: 'a: x\nno colon\n a: y\nb:\n"c": z\n' }, { path: 'Procfile' })).toEqual([
      '2:1 : must be a name, a colon and a command, as in "web: node server.js"',
      '3:2 a: there is another process "a" above',
      '4:1 b: has no command',
      '5:1 "c": "\\"c\\"" is not an id: 1 to 100 letters, digits, ".", "_" or "-", beginning with a letter, a digit or "_"',
    ])
    expect(await problemsOf({ Procfile: '# nothing\n' }, { path: 'Procfile' })).toEqual([
      '-:- : declares no processes: a line of it is a name, a colon and a command, as in "web: node server.js"',
    ])
  })
})
