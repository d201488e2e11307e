import { describe, expect, it } from 'vitest'
import { aHome, sh, until } from '../e2e/harness.ts'
import { collecting, sink } from './harness.ts'

describe('a collector', () => {
  it('delivers each line of each process as a record, from its first byte', async () => {
    const supervisor = await aHome().supervisor()
    const { records, deliver } = sink()
    const collector = collecting(supervisor, { targets: [{ type: 'function', deliver }] })
    const job = await supervisor.start(sh(`echo plain; echo '{"level":40,"msg":"low on fuel","left":3}' >&2; printf 'no end'`, { id: 'web' }))
    const { pid } = await supervisor.wait(job.id).then(() => JSON.parse(JSON.stringify(supervisor.ref('web').getSnapshot().context)).identity ?? { pid: null })
    await collector.flush()
    const common = { id: 'web', instance: 1, run: 1, time: expect.stringMatching(/^\d{4}-.*Z$/), seq: expect.any(Number), pid: expect.any(Number) }
    expect(records.toSorted((a, b) => a.msg.localeCompare(b.msg))).toEqual([
      { ...common, stream: 'stderr', level: 'warn', msg: 'low on fuel', left: 3 },
      { ...common, stream: 'stdout', msg: 'no end', partial: true },
      { ...common, stream: 'stdout', msg: 'plain' },
    ])
    void pid
    expect(collector.status()).toMatchObject([{ type: 'function', state: 'ok', lag_bytes: 0, behind_since: null, delivered: 3, error: null }])
  })

  it('goes on where the last one was, once each', async () => {
    const home = aHome()
    const supervisor = await home.supervisor()
    const [first, second] = [sink(), sink()]
    const job = await supervisor.start(sh('while read -r line; do echo "$line"; done', { id: 'echo', stdin: 'pipe' }))
    await supervisor.write(job.id, 'before\n')
    const collector = collecting(supervisor, { targets: [{ type: 'function', name: 'it', from: 'beginning', deliver: first.deliver }] })
    await until('the first has it', () => first.records.length === 1)
    await collector.close()
    await supervisor.write(job.id, 'between\n')
    const next = collecting(supervisor, { targets: [{ type: 'function', name: 'it', deliver: second.deliver }] })
    await supervisor.write(job.id, 'after\n')
    await until('the second has the rest', () => second.records.length === 2)
    await next.flush()
    expect([first.messages(), second.messages()]).toEqual([['before'], ['between', 'after']])
  })
})
