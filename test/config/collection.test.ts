import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { planTargets } from '../../src/collect/plan.ts'
import { load } from './harness.ts'

const file = `
log_collection:
  targets:
    - { type: file, path: logs/all.json, format: json, max_size: 1MB, max_files: 3, exclude: 'noisy-*', level: warn }
    - type: http
      url: http://localhost:3100/loki/api/v1/push
      headers: { authorization: 'Bearer \${env.TOKEN}' }
      labels: { job: procman }
      include: [web, { ids: [api-*], streams: stderr, message: '(?i)fail', labels: { tier: [front, back] } }]
      redact: ['\\d{16}']
      batch_size: 50
      batch_wait: 2s
      timeout: 1s
  global_aggregation:
    targets: [{ type: syslog, address: 'tcp://logs:601', facility: local0, app_name: shop, name: central }]
processes:
  web:
    command: x
    replicas: 2
    logging: { level: info, parse: json, targets: [{ type: file, path: web.log }, { type: file, path: web2.log, from: beginning }, { type: stderr }] }
  quiet: { command: x, logging: { collect: false } }
  off: { command: x, enabled: false, logging: { targets: [{ type: stderr }] } }
`

describe('log_collection', () => {
  it('is what collectLogs takes, relative paths from the directory of the file', async () => {
    const { collection, dir } = await load(file, { env: { TOKEN: 'secret' } })
    const ids = ['web-1', 'web-2']
    expect(collection).toEqual({
      targets: [
        { type: 'file', path: join(dir, 'logs/all.json'), format: 'json', maxSizeBytes: 1_048_576, maxFiles: 3, exclude: 'noisy-*', level: 'warn' },
        {
          type: 'http',
          url: 'http://localhost:3100/loki/api/v1/push',
          headers: { authorization: 'Bearer secret' },
          labels: { job: 'procman' },
          include: ['web', { ids: ['api-*'], streams: 'stderr', message: /fail/i, labels: { tier: { in: ['front', 'back'] } } }],
          redact: [/\d{16}/],
          batchRecords: 50,
          batchWaitMs: 2_000,
          timeoutMs: 1_000,
        },
        { type: 'syslog', address: 'tcp://logs:601', facility: 'local0', appName: 'shop', name: 'central' },
        { type: 'file', path: join(dir, 'web.log'), name: 'web-file', ids },
        { type: 'file', path: join(dir, 'web2.log'), name: 'web-file-2', from: 'beginning', ids },
        { type: 'stderr', name: 'web-stderr', ids },
      ],
      processes: { 'web-1': { level: 'info', parse: 'json' }, 'web-2': { level: 'info', parse: 'json' }, quiet: { collect: false } },
    })
    expect(planTargets(collection.targets).map(({ name }) => name)).toEqual([
      expect.stringMatching(/^file-[0-9a-f]{12}$/),
      expect.stringMatching(/^http-[0-9a-f]{12}$/),
      'central',
      'web-file',
      'web-file-2',
      'web-stderr',
    ])
  })

  it('is nothing where it is not enabled, in whole or in part', async () => {
    const part = await load(file.replace('global_aggregation:', 'global_aggregation:\n    enabled: false'), { env: { TOKEN: '' } })
    expect(part.collection.targets).toHaveLength(5)
    const whole = await load(file.replace('log_collection:', 'log_collection:\n  enabled: false'), { env: { TOKEN: '' } })
    expect(whole.collection.targets).toEqual([])
  })
})
