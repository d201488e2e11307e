// Stop of a tree of 200: double forks into sessions of their own, chains, cleared environments, SIGTERM ignored. Who survives?
import { spawn } from 'node:child_process'
import { kill, ms, NONCE, pidsWithArgument, scratch, sleep, spawnWithFiles, until } from './harness.mjs'

const MEMBERS = 200
const ROUNDS = 3

export async function run() {
  const { createSupervisor } = await import('../../dist/index.js')
  const supervisor = await createSupervisor({ stateDir: scratch() })
  const survivors = { ours: 0, bare: 0 }
  let longest = 0
  for (let round = 0; round < ROUNDS; round++) {
    const [mark, other] = [`${NONCE}.tree-${round}`, `${NONCE}.bare-${round}`]
    const { id } = await supervisor.start({ command: 'sh', args: ['-c', SCRIPT, mark], stop: { timeoutMs: 300 } })
    await until(() => membersOf(mark).length >= MEMBERS)
    const startedAt = performance.now()
    await supervisor.stop(id)
    longest = Math.max(longest, performance.now() - startedAt - 300)
    survivors.ours += membersOf(mark).length
    const child = spawnWithFiles(spawn, scratch(), 'bare', 'sh', ['-c', SCRIPT, other])
    await until(() => membersOf(other).length >= MEMBERS)
    kill(-child.pid, 'SIGTERM')
    await sleep(300)
    kill(-child.pid, 'SIGKILL')
    await sleep(200)
    survivors.bare = Math.max(survivors.bare, membersOf(other).length)
    for (const pid of pidsWithArgument(other)) kill(Number(pid), 'SIGKILL')
  }
  await supervisor.shutdown({ timeoutMs: 0 })
  const reference = `${survivors.bare} survivors (kill of the group: SIGTERM, 300 ms, SIGKILL)`
  return [
    {
      name: `stop of a tree of ${MEMBERS} that resists`,
      ours: `${survivors.ours} survivors in ${ROUNDS} rounds; tree gone ${ms(longest)} after its 300 ms of grace`,
      reference,
      aim: '0 survivors',
    },
  ]
}

/** Members are the sleepers; their names say whose they are, since an environment may have been cleared. */
const membersOf = (mark) => pidsWithArgument(`member ${mark}`)

const SCRIPT = `
member='trap "" TERM; while :; do sleep 600; done'
i=0
while [ $i -lt 40 ]; do
  sh -c "$member" "member $0" &
  setsid sh -c "$member" "member $0" &
  setsid sh -c 'setsid sh -c "$1" "$2" & ' x "$member" "member $0" &
  env -i PATH="$PATH" setsid sh -c 'env -i /usr/bin/setsid /bin/sh -c "$1" "$2" & ' x "$member" "member $0" &
  sh -c 'setsid sh -c "setsid sh -c \\"\\$1\\" \\"\\$2\\" & sleep 0.01" x "$1" "$2" & ' x "$member" "member $0" &
  i=$((i+1))
done
while :; do sleep 600; done
`
