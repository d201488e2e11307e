import { describe, expect, it } from 'vitest'
import { load, problemsOf, refusalOf } from './harness.ts'

const inProcess = (lines: string) => `processes:\n  a:\n    command: x\n${lines.replace(/^(?=.)/gm, '    ')}\n`

describe('what is wrong in a config file', () => {
  it('is told all at once, each with its line, column, marked text and what would be right', async () => {
    const refusal = await refusalOf(
      load(
        {
          'sub/procman.yaml': `processes:
  api:
    command: node server.js
    helth: { http: "http://a" }
\tports: 3
`.replace('\tports', '    ports'),
        },
        { path: 'sub' },
      ),
    )
    expect(refusal).toMatchObject({ code: 'PROCMAN_CONFIG_INVALID' })
    expect(refusal.message).toBe(`there are 2 problems in sub/procman.yaml
sub/procman.yaml:4:5: processes.api.helth: there is no key "helth" here; did you mean "health"?
  4 |     helth: { http: "http://a" }
    |     ^^^^^
sub/procman.yaml:5:12: processes.api.ports: must be a map of ports by name, as { http: 8080 }, not 3
  5 |     ports: 3
    |            ^`)
    expect(refusal.details.problems).toEqual([
      {
        file: expect.stringMatching(/^\/.*procman\.yaml$/),
        line: 4,
        column: 5,
        path: 'processes.api.helth',
        message: 'there is no key "helth" here; did you mean "health"?',
      },
      expect.objectContaining({ line: 5, column: 12 }),
    ])
  })

  it('is told of every part at once: of the shape of one, of another what only shows between them, of a third what the library refuses', async () => {
    const problems = await problemsOf(`process_manager: { port: 0 }
processes:
  a: { command: x, replicas: -1, depends_on: [nobody] }
  b: { command: "x \${nothing}" }
  c: { command: "x 'y" }
managed_processes:
  - { id: a, management: {} }
  - { id: d, management: { control: { executable: x }, health_check: { http_endpoint: "ftp://a" } } }
nothing: 1
`)
    expect(problems.map((problem) => problem.split(': ')[0])).toEqual([
      '1:26 process_manager.port',
      '3:30 processes.a.replicas',
      '3:47 processes.a.depends_on.0',
      '4:17 processes.b.command',
      '5:17 processes.c.command',
      '7:11 managed_processes.0.id',
      '7:14 managed_processes.0.management.control',
      '8:87 managed_processes.1.management.health_check.http_endpoint',
      '9:1 nothing',
    ])
  })

  it('in an anchor is told once', async () => {
    expect(await problemsOf('x-a: &a { restart: sometimes }\nprocesses: { b: { <<: *a, command: x }, c: { <<: *a, command: x } }')).toEqual([
      '1:20 processes.b.restart: must be one of never, on_failure, always, unless_stopped, not "sometimes"',
    ])
  })

  it.each([
    ['ports: { http: 70000 }', '4:20 processes.a.ports.http: must be a port from 1 to 65535, any, a range such as 30000-31000, or a map, not 70000'],
    ['ports: { http: 9-1 }', '4:20 processes.a.ports.http: must be a range from the lower port to the higher one, as 1-9'],
    ['ports: { http: {} }', '4:20 processes.a.ports.http: must have exactly one of port and range, not none'],
    ['ports: { a: 80, b: 80 }', '4:12 processes.a.ports: "a" and "b" are both 80'],
    ['ports: { 1a: 80 }', '4:14 processes.a.ports.1a: "1a" is not a name of a port: a letter, then letters, digits, "_" or "-", at most 31'],
    ['env: { A: }', '4:12 processes.a.env.A: must be a text ("" for an empty one), not nothing'],
    ['env: { "A=B": x }', '4:12 processes.a.env.A=B: "A=B" is not a name of a variable'],
    ['env: { A: 1 }\nenvironment: { B: 1 }', '5:5 processes.a.environment: is another name of env: give one of them'],
    ['args: x', '4:11 processes.a.args: must be a list of texts, not "x"'],
    ['restart: { max_attempts: 3 }', '4:5 processes.a.restart.strategy: is missing: it must be one of never, on_failure, always, unless_stopped'],
    ['restart: { strategy: always, jitter: 2 }', '4:42 processes.a.restart.jitter: must be a number from 0 to 1, not 2'],
    ['restart: { strategy: always, delay: 1s, restart_delay: 1s }', '4:34 processes.a.restart.delay: is another name of restart_delay: give one of them'],
    [
      'restart: { strategy: always, delay_ms: 3 }',
      '4:34 processes.a.restart.delay_ms: there is no key "delay_ms" here; known are strategy, max_attempts, restart_delay, delay, backoff_multiplier, multiplier, max_delay, jitter, reset_after, window, success_exit_codes, success_signals, no_restart_exit_codes',
    ],
    [
      'startup_timeout: 30',
      '4:22 processes.a.startup_timeout: must be a duration such as 500ms, 30s or 1m30s, from 1ms to 7d: 30 has no unit; write 30s, 30ms, 30m, 30h or 30d',
    ],
    ['startup_timeout: 8d', '4:22 processes.a.startup_timeout: must be a duration such as 500ms, 30s or 1m30s, from 1ms to 7d, not "8d"'],
    [
      'startup_timeout: -3s',
      '4:22 processes.a.startup_timeout: must be a duration such as 500ms, 30s or 1m30s, from 1ms to 7d: "-3s" is not a duration; write one such as 500ms, 30s, 1m30s, 24h or 7d',
    ],
    ['enabled: on', '4:14 processes.a.enabled: must be true or false, not "on"'],
    ['replicas: 1.5', '4:15 processes.a.replicas: must be a whole number from 0 to 1000, not 1.5'],
    ['resource_limits: { max_memory_mb: 0 }', '4:39 processes.a.resource_limits.max_memory_mb: must be a number more than 0, not 0'],
    ['resource_limits: { max_cpu_percent: -1 }', '4:41 processes.a.resource_limits.max_cpu_percent: must be a number more than 0, not -1'],
    [
      'resource_limits: { max_memory: 5XB }',
      '4:36 processes.a.resource_limits.max_memory: must be a size such as 512MB, 1GB or a number of bytes, more than 0, not "5XB"',
    ],
    ['logging: { capture: disk }', '4:25 processes.a.logging.capture: must be one of files, memory, none, not "disk"'],
    ['logging: { capture_stdout: some }', '4:32 processes.a.logging.capture_stdout: must be true, false, or one of files, memory, none, not "some"'],
    [
      'logging: { buffer_size: 1kB }',
      '4:29 processes.a.logging.buffer_size: must be a size such as 512MB, 1GB or a number of bytes, from 4kB to 1GB, not "1kB"',
    ],
    ['logging: { max_age: 14 }', expect.stringContaining('14 has no unit; write 14s, 14ms, 14m, 14h or 14d')],
    ['logging: { max_sise: 1MB }', '4:16 processes.a.logging.max_sise: there is no key "max_sise" here; did you mean "max_size"?'],
    ['stop: { signal: SIGNOTHING }', '4:21 processes.a.stop.signal: there is no signal "SIGNOTHING" on this machine'],
    ['stop: { signal: INT, ladder: [] }', '4:11 processes.a.stop: takes a signal or a ladder, not both'],
    ['health: {}', '4:13 processes.a.health: must have exactly one of http, tcp, exec, grpc, function, not none'],
    ['health: { http: "http://a", tcp: 80 }', '4:13 processes.a.health: must have exactly one of http, tcp, exec, grpc, function, not http and tcp'],
    [
      'health: { http: "http://a", liveness: { tcp: 80 } }',
      '4:15 processes.a.health.http: belongs into liveness: there is a check of its own, or there are probes',
    ],
    [
      'health: { readiness: { tcp: 80, on_failure: restart } }',
      '4:49 processes.a.health.readiness.on_failure: is for liveness only: the other probes never restart',
    ],
    ['health: { http: "http://localhost:${port}/" }', '4:21 processes.a.health.http: there is no ${port}; this process has no ports'],
    ['health: { http: { port: 80, path: x } }', '4:39 processes.a.health.http.path: must be a path that begins with "/", not "x"'],
    ['ready: { log_line: "(" }', expect.stringMatching(/^4:24 processes\.a\.ready\.log_line: must be the source of a regular expression, not "\("/)],
    ['ready: { delay: 2m }', '4:21 processes.a.ready.delay: must be less than startup_timeout (in ms), 60000, not 120000'],
    ['args: ["${nothing}"]', expect.stringMatching(/^4:12 processes\.a\.args\.0: there is no \$\{nothing\}/)],
    ['health_check: {}', '4:5 processes.a.health_check: there is no key "health_check" here; did you mean "health"?'],
    ['dependsOn: [b]', '4:5 processes.a.dependsOn: there is no key "dependsOn" here; did you mean "depends_on"?'],
    ['stop_timeout: 3s', '4:5 processes.a.stop_timeout: there is no key "stop_timeout" here; did you mean "stop"?'],
    ['cwd: ""', '4:10 processes.a.cwd: must be a text that is not empty, not ""'],
  ])('%s', async (lines, problem) => {
    expect(await problemsOf(inProcess(lines))).toEqual([problem])
  })

  it.each([
    ['', '1:1 : is empty: it must have processes or managed_processes'],
    ['# nothing\n', '1:1 : is empty: it must have processes or managed_processes'],
    ['[1]', '1:1 : must be a map with processes or managed_processes, not a list'],
    ['just words', '1:1 : must be a map with processes or managed_processes, not "just words"'],
    ['process_manager: {}', '1:1 : declares no processes: it must have processes or managed_processes'],
    ['processes:\n', '1:1 processes: must be a map of processes by name, not nothing'],
    ['processes: { "a b": x }', '1:14 processes.a b: "a b" is not an id: 1 to 100 letters, digits, ".", "_" or "-", beginning with a letter, a digit or "_"'],
    ['processes: { a: { command: [x], shell: true } }', '1:28 processes.a.command: must be a script in one text, since shell is true, not a list of words'],
    ['processes: { a: 3 }', '1:17 processes.a: must be a command line, or a map with command, not 3'],
    ['processes: { a: }', '1:14 processes.a: must be a command line, or a map with command, not nothing'],
    ['processes: { a: " " }', '1:17 processes.a.command: has no words: the first one is the program'],
    ['processes: { a: { args: [x] } }', '1:14 processes.a.command: is missing: it must be a command line, or a list of its words'],
    [
      'managed_processes: [{ id: a, type: unmanaged, management: { control: { executable: x } } }]',
      '1:36 managed_processes.0.type: must be standard_managed, not "unmanaged": procman starts all processes that it manages, and knows no other type',
    ],
    [
      'managed_processes: [{ id: a, management: { control: { executable: x }, health_check: {} } }]',
      '1:86 managed_processes.0.management.health_check: must have exactly one of http_endpoint, tcp_endpoint, grpc_endpoint, exec_command, not none',
    ],
    [
      'processes: { a: x }\nmanaged_processes: [{ id: a, management: { control: { executable: x } } }]',
      '2:27 managed_processes.0.id: there is another process "a": processes.a',
    ],
    [
      'processes: { a: x }\nlog_collection: { global_aggregation: { targets: [{ type: elsewhere }] } }',
      '2:59 log_collection.global_aggregation.targets.0.type: must be one of file, stdout, stderr, process_manager_stdout, process_manager_stderr, syslog, http, not "elsewhere"',
    ],
    [
      'processes: { a: x }\nlog_collection: { global_aggregation: { targets: [{ type: file }] } }',
      '2:51 log_collection.global_aggregation.targets.0: must have the path of the file',
    ],
    ['processes: { a: x }\nlog_collection: { targets: [{ type: http }] }', '2:29 log_collection.targets.0: must have the url that batches are posted to'],
    [
      'processes: { a: x }\nlog_collection: { targets: [{ type: syslog, path: x }] }',
      '2:45 log_collection.targets.0.path: is of targets of type file, not syslog',
    ],
    [
      'processes: { a: x }\nlog_collection: { targets: [{ type: syslog, address: "514" }] }',
      '2:54 log_collection.targets.0.address: must be udp://HOST:PORT, tcp://HOST:PORT or unix:///PATH, not "514"',
    ],
    [
      'processes: { a: x }\nlog_collection: { targets: [{ type: stderr, name: it }, { type: stdout, name: it }] }',
      '2:79 log_collection.targets.1.name: there is another target "it"',
    ],
    [
      'processes: { a: { command: x, logging: { targets: [{ type: stderr, redact: ["("] }] } } }',
      '1:77 processes.a.logging.targets.0.redact.0: must be a regular expression, not "(": Invalid regular expression: /(/: Unterminated group',
    ],
  ])('of a file with %j', async (text, problem) => {
    expect(await problemsOf(text)).toEqual([problem])
  })

  it('cannot forge lines or move the cursor', async () => {
    const { message } = await refusalOf(load('processes:\n  a: { command: x, "\\e[2J\\nfine": "\u202e" }\n'))
    expect(message).toContain('there is no key "\\u001b[2J\\nfine" here')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(message).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
  })

  it('is marked in a long line, too', async () => {
    const { message } = await refusalOf(load(`processes: { a: { command: ${'x'.repeat(10_000)}, ports: 3 } }`))
    const [, , line = '', mark = ''] = message.split('\n')
    expect(line.length).toBeLessThan(140)
    expect(line[mark.indexOf('^')]).toBe('3')
  })
})
