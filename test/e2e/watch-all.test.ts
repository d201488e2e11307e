/** Lines of several real processes, merged. */
import { describe, expect, it } from 'vitest'
import { createReader, type NamedLine, watchAll } from '../../src/index.ts'
import { aHome, obedient, sh } from './harness.ts'

describe('the lines of several processes', () => {
  it('are given to the end, each with its process, without and with following', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    for (const id of ['one', 'two']) {
      await supervisor.start(sh(`echo first of ${id}; echo error of ${id} >&2; printf last`, { id }))
      await supervisor.wait(id)
    }
    for (const source of [supervisor, createReader({ stateDir: home.stateDir })])
      for (const follow of [false, true]) {
        const lines: NamedLine[] = []
        for await (const line of watchAll(source, ['one', 'tw', 'two'], { follow })) lines.push(line)
        expect(lines.map(({ id, stream, text }) => `${id} ${stream} ${text}`).sort()).toEqual([
          'one stderr error of one',
          'one stdout first of one',
          'one stdout last',
          'two stderr error of two',
          'two stdout first of two',
          'two stdout last',
        ])
      }
  })

  it('go on as they come, where what was there ends', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    for (const id of ['a', 'b']) await supervisor.start(obedient({ id }))
    await supervisor.write('a', 'echo before\n')
    for await (const { text } of supervisor.watch('a')) if (text === 'before') break
    let isCaughtUp = false
    const onCaughtUp = () => {
      isCaughtUp = true
    }
    const lines = watchAll(supervisor, ['a', 'b'], { onCaughtUp })
    const next = async () => {
      const { value } = await lines.next()
      return value === undefined ? undefined : `${value.id} ${value.text}`
    }
    expect(await next()).toBe('a before')
    expect(isCaughtUp).toBe(false)
    for (const [id, text] of [
      ['b', 'one'],
      ['a', 'two'],
      ['b', 'three'],
    ] as const) {
      await supervisor.write(id, `echo ${text}\n`)
      expect(await next()).toBe(`${id} ${text}`)
    }
    expect(isCaughtUp).toBe(true)
    await supervisor.write('a', 'exit\n')
    await supervisor.wait('a')
    await supervisor.write('b', 'echo four; exit\n')
    expect(await next()).toBe('b four')
    expect(await next()).toBeUndefined()
  })

  it.each([{}, { grep: /n e/ }])('of one of which only the beginning was there, all is given (%o)', async (options) => {
    const home = aHome()
    const supervisor = await home.supervisor()
    await supervisor.start(obedient({ id: 'a' }))
    await supervisor.write('a', 'echo an end; printf begi\n')
    for await (const { text } of supervisor.watch('a')) if (text === 'begi') break
    const lines = watchAll(supervisor, ['a'], {
      ...options,
      onCaughtUp: () => void supervisor.write('a', 'echo n end\n'),
    })
    let text = ''
    while (!text.endsWith('begin end')) text += (await lines.next()).value?.text
    expect(text).toBe('an endbegin end')
    await lines.return()
  })

  it('are let go of by whoever has seen enough', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    for (const id of ['a', 'b']) await supervisor.start(obedient({ id }))
    await supervisor.write('a', 'echo seen\n')
    for await (const { text } of watchAll(supervisor, ['a', 'b'])) {
      expect(text).toBe('seen')
      break
    }
    const given = new AbortController()
    const lines = watchAll(supervisor, ['a', 'b'], { tail: 0, signal: given.signal })
    const next = lines.next()
    given.abort()
    expect(await next).toMatchObject({ done: true })
    await expect(watchAll(supervisor, ['a', 'nobody']).next()).rejects.toMatchObject({ code: 'PROCMAN_PROCESS_UNKNOWN' })
  })
})
