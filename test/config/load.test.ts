import { describe, expect, it } from 'vitest'
import { load } from './harness.ts'

describe('the short form', () => {
  it('takes a command line, a map, and replicas', async () => {
    const { processes } = await load('processes:\n  api: node "my server.js"\n  worker: { command: [node, worker.js], replicas: 2 }\n')
    expect(processes.map(({ id, command, args }) => [id, command, args])).toEqual([
      ['api', 'node', ['my server.js']],
      ['worker-1', 'node', ['worker.js']],
      ['worker-2', 'node', ['worker.js']],
    ])
  })
})
