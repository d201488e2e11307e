import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseProcessInput } from '../../src/spec/parse.ts'
import { built, load } from './harness.ts'

const page = readFileSync(new URL('../../docs/config.md', import.meta.url), 'utf8')
const longExample = /^process_manager:\n.*?(?=^```)/ms.exec(page)?.[0] ?? ''

describe('the short form', () => {
  it('takes a command line, a map, and replicas', async () => {
    const { processes, dir } = await load('processes:\n  api: node "my server.js"\n  worker: { command: [node, worker.js], replicas: 2 }\n')
    expect(processes).toEqual([
      { id: 'api', command: 'node', args: ['my server.js'], env: {}, cwd: dir, dependsOn: {} },
      { id: 'worker-1', command: 'node', args: ['worker.js'], env: { PROCMAN_REPLICA: '1' }, cwd: dir, dependsOn: {} },
      { id: 'worker-2', command: 'node', args: ['worker.js'], env: { PROCMAN_REPLICA: '2' }, cwd: dir, dependsOn: {} },
    ])
  })

  it('reaches all that a process can be told', async () => {
    const process = await built(`command: x y
args: [8080, 1.10, true]
env: { VERSION: 1.10, MODE: 0755, ON: True, HEX: 0x1F }
inherit_env: false
working_directory: sub
stdin: pipe
ports: { a: 8080, b: any, c: 30000-31000, d: { port: 81, host: 127.0.0.1 }, e: { range: [1, 9] }, f: { range: 10-19, host: '::1' }, g: "82" }
ready: { log_line: "^up" }
startup_timeout: 1m30s
restart: { strategy: unless-stopped, max_attempts: 0, restart_delay: 1s, backoff_multiplier: 2, max_delay: 1m, jitter: 0, reset_after: 1h, window: 1d, success_exit_codes: [3], success_signals: [TERM], no_restart_exit_codes: [4] }
breaker: { failures: 2, window: 3s, cooldown: 4s }
stop: { ladder: [{ signal: int }, { signal: 15, after: 2s }], timeout: 3s }
leftovers: leave
labels: { tier: 1 }
meta: { a: 1, b: true, c: x }
template: false
autostart: false`)
    expect(process).toMatchObject({
      command: 'x',
      args: ['y', '8080', '1.10', 'true'],
      env: { VERSION: '1.10', MODE: '0755', ON: 'True', HEX: '0x1F' },
      inheritEnv: false,
      cwd: expect.stringMatching(/^\/.*\/sub$/),
      stdin: 'pipe',
      ports: {
        a: { port: 8080 },
        b: { port: 'any' },
        c: { range: [30000, 31000] },
        d: { port: 81, host: '127.0.0.1' },
        e: { range: [1, 9] },
        f: { range: [10, 19], host: '::1' },
        g: { port: 82 },
      },
      ready: { logLine: '^up' },
      startupTimeoutMs: 90_000,
      restart: {
        strategy: 'unless-stopped',
        maxAttempts: 0,
        delayMs: 1_000,
        multiplier: 2,
        maxDelayMs: 60_000,
        jitter: 0,
        resetAfterMs: 3_600_000,
        windowMs: 86_400_000,
        successExitCodes: [3],
        successSignals: ['SIGTERM'],
        noRestartExitCodes: [4],
      },
      breaker: { failures: 2, windowMs: 3_000, cooldownMs: 4_000 },
      stop: {
        ladder: [
          { signal: 'SIGINT', afterMs: 0 },
          { signal: 'SIGTERM', afterMs: 2_000 },
        ],
        timeoutMs: 3_000,
      },
      leftovers: 'leave',
      labels: { tier: '1' },
      meta: { a: 1, b: true, c: 'x' },
      template: false,
      autostart: false,
    })
  })

  it.each([
    ['depends_on: []', { dependsOn: {} }],
    ['restart: on-failure', { restart: 'on-failure' }],
    ['restart: { strategy: always, delay: 2s, multiplier: 3 }', { restart: { strategy: 'always', delayMs: 2_000, multiplier: 3 } }],
    ['breaker: false', { breaker: false }],
    ['stop: { signal: SIGINT }', { stop: { signal: 'SIGINT' } }],
    ['ready: { notify_fd: 3 }', { ready: { notifyFd: 3 } }],
    ['ready: { delay: 2s }', { ready: { delayMs: 2_000 } }],
    ['progress: true', { progress: true }],
    ['progress: auto', { progress: 'auto' }],
    ['progress: { pattern: "(?<percent>[0-9]+)%" }', { progress: { pattern: '(?<percent>[0-9]+)%' } }],
    ['stdin: null', { stdin: 'null' }],
    ['environment: { A: "" }', { env: { A: '' } }],
    ['cwd: /', { cwd: '/' }],
    ['cwd: "${env.SOMEWHERE:-/x}/y"', { cwd: '/x/y' }],
    ['cwd: "${meta.dir}/y"\nmeta: { dir: /z }', { cwd: '${meta.dir}/y' }],
  ])('takes %s', async (lines, input) => {
    expect(await built(`command: x\n${lines}`)).toMatchObject(input)
  })

  it('asks a check that stands alone twice: ready is who has passed once, and who fails later is started again', async () => {
    const { health } = await built(
      'command: x\nports: { http: 80 }\nhealth: { http: "http://localhost:${port}/", interval: 10s, timeout: 1s, failure_threshold: 2, on_failure: report }',
    )
    const check = { http: 'http://localhost:${port}/', intervalMs: 10_000, timeoutMs: 1_000, failureThreshold: 2 }
    expect(health).toEqual({ startup: check, liveness: { ...check, onFailure: 'report' } })
  })

  it('takes probes by themselves', async () => {
    const { health } = await built(`command: x
health:
  startup: { tcp: 80, initial_delay: 1s, start_interval: 100ms, success_threshold: 2 }
  liveness: { exec: pg_isready -h "my host", on_failure: restart }
  readiness: { grpc: { port: 81, service: s, tls: true } }
  pause_when_suspended: true`)
    expect(health).toEqual({
      startup: { tcp: 80, initialDelayMs: 1_000, startIntervalMs: 100, successThreshold: 2 },
      liveness: { exec: { command: 'pg_isready', args: ['-h', 'my host'] }, onFailure: 'restart' },
      readiness: { grpc: { port: '81', service: 's', tls: true } },
      pauseWhenSuspended: true,
    })
  })

  it.each([
    [
      'http: { port: 80, path: /x, method: HEAD, headers: { A: 1 }, status: [[200, 299], 404] }',
      { http: { port: '80', path: '/x', method: 'HEAD', headers: { A: '1' }, status: [[200, 299], 404] } },
    ],
    [
      'http: { url: "https://a/", tls: { ca: x, servername: b } }',
      { http: { url: 'https://a/', tls: { ca: expect.stringMatching(/^\/.*\/x$/), servername: 'b' } } },
    ],
    ['tcp: "a:80"', { tcp: 'a:80' }],
    ['tcp: { host: a, port: 80 }', { tcp: { host: 'a', port: '80' } }],
    ['exec: { command: [a, b], args: [c], cwd: /d, env: { E: 1 } }', { exec: { command: 'a', args: ['b', 'c'], cwd: '/d', env: { E: '1' } } }],
    ['exec: { command: a b }', { exec: { command: 'a', args: ['b'] } }],
    ['exec: [a, 1.0]', { exec: { command: 'a', args: ['1.0'] } }],
    ['function: named', { function: 'named' }],
  ])('takes the check %s', async (lines, check) => {
    expect((await built(`command: x\nhealth: { ${lines} }`)).health).toEqual({ startup: check, liveness: check })
  })
})

describe('logging', () => {
  it.each([
    ['capture: none', { capture: { stdout: 'none', stderr: 'none' } }],
    ['capture: memory, capture_stderr: files, buffer_size: 64kB', { capture: { stdout: 'memory', stderr: 'files' }, bufferBytes: 65_536 }],
    ['capture_stdout: false', { capture: { stdout: 'none' } }],
    ['capture: memory, capture_stdout: true, capture_stderr: false', { capture: { stdout: 'memory', stderr: 'none' } }],
    ['rotate: false', { capture: {}, rotate: false }],
    [
      'max_size: 1MB, max_files: 0, max_age: 90d, max_total: 1GB, compress: zstd, rotate: "true"',
      { capture: {}, maxSizeBytes: 1_048_576, maxFiles: 0, maxAgeMs: 7_776_000_000, maxTotalBytes: 1_073_741_824, compress: 'zstd', rotate: true },
    ],
  ])('%s', async (lines, logs) => {
    const { dependsOn: _, ...process } = await built(`command: x\nlogging: { ${lines} }`)
    expect(process.logs).toEqual(logs)
    expect(() => parseProcessInput(process, () => 'it')).not.toThrow()
  })
})

describe('the long form', () => {
  it('comes to the same', async () => {
    const { processes, manager, collection, warnings } = await load(longExample)
    const check = { http: 'http://localhost:8080/health', intervalMs: 30_000, timeoutMs: 5_000, failureThreshold: 3 }
    expect(processes).toEqual([
      {
        id: 'my-service',
        command: './my-service',
        args: ['--port', '8080'],
        cwd: '/opt/service',
        env: { SERVICE_ENV: 'production' },
        meta: { profile_type: 'long_running_service' },
        logs: { capture: {}, bufferBytes: 8_192 },
        startupTimeoutMs: 60_000,
        stop: { timeoutMs: 10_000 },
        health: { startup: check, liveness: check },
        restart: { strategy: 'on-failure', maxAttempts: 3, delayMs: 5_000, multiplier: 1.5 },
        dependsOn: {},
      },
    ])
    expect(manager).toEqual({ port: 50_055, logLevel: 'info', forceShutdownTimeoutMs: 30_000, logMaxTotalBytes: 5 * 2 ** 30 })
    expect(collection).toEqual({
      targets: [
        { type: 'file', path: '/var/log/hsu/processes.log', format: 'json' },
        { type: 'process_manager_stdout', format: 'plain' },
      ],
      processes: {},
    })
    expect(warnings).toEqual(['resource_limits of my-service have no effect yet (max_memory_mb, max_cpu_percent, max_file_descriptors)'])
  })

  it('reaches all that the short form does', async () => {
    const { processes } = await load(`managed_processes:
  - id: a
    replicas: 2
    autostart: false
    labels: { l: 1 }
    depends_on: [b]
    management:
      control:
        executable: "my program"
        stop_ladder: [{ signal: INT, after: 1s }]
        stdin: pipe
        ports: { http: any }
        leftovers: leave
        inherit_env: false
        template: false
      health_check: { exec_command: [a, b], initial_delay: 1s, success_threshold: 2 }
      restart_policy: always
      circuit_breaker: false
      ready: { delay: 1s }
  - id: b
    management: { control: { executable: x, stop_signal: HUP }, health_check: { enabled: false, http_endpoint: "http://a" } }
`)
    const check = { exec: { command: 'a', args: ['b'] }, initialDelayMs: 1_000, successThreshold: 2 }
    expect(processes[0]).toMatchObject({
      id: 'a-1',
      command: 'my program',
      autostart: false,
      labels: { l: '1' },
      dependsOn: { b: 'started' },
      stop: { ladder: [{ signal: 'SIGINT', afterMs: 1_000 }] },
      stdin: 'pipe',
      ports: { http: { port: 'any' } },
      leftovers: 'leave',
      inheritEnv: false,
      template: false,
      health: { startup: check, liveness: check },
      restart: 'always',
      breaker: false,
      ready: { delayMs: 1_000 },
    })
    expect(processes[2]).toMatchObject({ id: 'b', stop: { signal: 'SIGHUP' } })
    expect(processes[2]?.health).toBeUndefined()
  })

  it('stands beside the short one, in the order of the file', async () => {
    const { processes, disabled } = await load(
      'managed_processes: [{ id: b, management: { control: { executable: x } } }]\nprocesses: { a: x, c: { command: x, enabled: false } }\n',
    )
    expect(processes.map(({ id }) => id)).toEqual(['b', 'a'])
    expect(disabled).toEqual(['c'])
  })
})

describe('a command', () => {
  it('may be a word that YAML takes for something else', async () => {
    const { processes } = await load(
      'processes: { a: { command: true }, b: { command: [false, 1.0] }, 1: { command: x, depends_on: [2] }, 2: x }\nmanaged_processes: [{ id: 7, management: { control: { executable: true } } }]',
    )
    expect(processes.map(({ id, command, args, dependsOn }) => [id, command, args, dependsOn])).toEqual([
      ['1', 'x', [], { 2: 'started' }],
      ['2', 'x', [], {}],
      ['a', 'true', [], {}],
      ['b', 'false', ['1.0'], {}],
      ['7', 'true', [], {}],
    ])
  })
})

describe('every form', () => {
  it('makes inputs that the library takes', async () => {
    for (const process of (await load(longExample)).processes) expect(parseProcessInput(process, () => 'x').spec.id).toBe(process.id)
  })
})
