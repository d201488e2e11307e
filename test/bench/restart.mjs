// After a crash: from the kill of the command to the first instruction of the next, told through a FIFO, so one clock serves for both ends.
import { execFileSync, spawn } from 'node:child_process'
import { constants, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { kill, ms, quantile, scratch, sleep, spawnWithFiles, times, worker } from './harness.mjs'

const CRASHES = 100

export async function run() {
  const sides = await Promise.all(['ours', 'bare'].map(begin))
  for (let crash = 0; crash < CRASHES + 5; crash++) {
    for (const side of sides) {
      await sleep(20)
      const took = await side.crash()
      if (crash >= 5) side.took.push(took)
    }
  }
  const [ours, bare] = sides.map((side) => side.took)
  for (const side of sides) await side.end()
  const line = (name, q, aim) => {
    const [a, b] = [quantile(ours, q), quantile(bare, q)]
    return { name, ours: ms(a), reference: `${ms(b)} (respawn on 'exit')`, ratio: times(a / b), aim }
  }
  return [line('restart after kill -9, p50', 0.5, '≤ 1.5×'), line('restart after kill -9, p95', 0.95, '')]
}

async function begin(op) {
  const dir = scratch()
  const fifo = join(dir, 'born')
  execFileSync('mkfifo', [fifo])
  const socket = new Socket({ fd: openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK), readable: true, writable: false })
  const born = () => new Promise((resolve) => socket.once('data', (data) => resolve(Number(String(data).trim()))))
  const side = worker('./restart.mjs')
  const first = born()
  await side.ask(op, { dir: join(dir, 'state'), args: ['-c', 'echo $$ > "$0"; exec sleep 600', fifo] })
  let pid = await first
  return {
    took: [],
    async crash() {
      const next = born()
      const killedAt = performance.now()
      kill(pid, 'SIGKILL')
      pid = await next
      return performance.now() - killedAt
    },
    async end() {
      await side.ask(`${op}End`)
      socket.destroy()
      await side.end()
    },
  }
}

let supervisor
let stop

export const ops = {
  async ours({ dir, args }) {
    const { createSupervisor } = await import('../../dist/index.js')
    supervisor = await createSupervisor({ stateDir: dir })
    await supervisor.start({ command: 'sh', args, restart: { strategy: 'always', maxAttempts: 0, delayMs: 0 }, breaker: false })
  },
  oursEnd: () => supervisor.shutdown({ timeoutMs: 0 }),
  async bare({ dir, args }) {
    const { mkdirSync } = await import('node:fs')
    mkdirSync(dir)
    let isOver = false
    let child
    const start = () => {
      child = spawnWithFiles(spawn, dir, 'log', 'sh', args)
      child.once('exit', () => {
        if (!isOver) start()
      })
    }
    start()
    stop = () => {
      isOver = true
      kill(child.pid, 'SIGKILL')
    }
  },
  bareEnd: () => stop(),
}
