/** Escape sequences are for people who look at a terminal and have not said no: everywhere. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BIN, Home } from './harness.ts'
import { HAS_TERMINAL, inTerminal } from './terminal.ts'

const LOOKS = ['list', 'show web', 'why web', 'events', 'doctor', '--help', 'start --help', 'completion bash', 'logs web', 'bogus']

describe('escape sequences', () => {
  let home: Home
  beforeAll(async () => {
    home = new Home()
    await home.start('--id', 'web', '--', 'true')
    await home.procman('wait', 'web')
  })
  afterAll(() => home.remove())

  async function allInTerminal(env: NodeJS.ProcessEnv): Promise<string> {
    const child = inTerminal(LOOKS.map((look) => `${process.execPath} ${BIN} ${look}`).join('; '), env)
    let text = ''
    child.stdout?.on('data', (data: Buffer) => {
      text += data.toString()
    })
    await new Promise((resolve) => child.on('close', resolve))
    return text
  }

  it('are not for pipes', async () => {
    delete home.env.NO_COLOR
    for (const look of LOOKS) {
      const { stdout, stderr } = await home.procman(...look.split(' '))
      expect([look, `${stdout}${stderr}`.includes('\u001b')]).toEqual([look, false])
    }
  })

  it.skipIf(!HAS_TERMINAL)('are for terminals, unless NO_COLOR is set', async () => {
    delete home.env.NO_COLOR
    expect(await allInTerminal({ ...home.env, NO_COLOR: '1' })).not.toContain('\u001b')
    expect(await allInTerminal(home.env)).toContain('\u001b[32m')
  })
})
