import { defineConfig } from 'vitest/config'

/** Long, and of what changes seldom: with PROCMAN_TEST_FULL=1 only. */
const LONG = [
  'test/crash/clock.test.ts',
  'test/crash/damage.test.ts',
  'test/crash/deleted.test.ts',
  'test/crash/disk-full.test.ts',
  'test/crash/flood.test.ts',
  'test/crash/fuzz.test.ts',
  'test/crash/meddling.test.ts',
  'test/crash/pid-reuse.test.ts',
  'test/crash/read-only.test.ts',
  'test/crash/same-instant.test.ts',
  'test/crash/starting-deaths.test.ts',
  'test/e2e/burst.test.ts',
  'test/e2e/model-health.test.ts',
  'test/model/stop-wins.test.ts',
  'test/soak/soak.test.ts',
]

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', ...(process.env.PROCMAN_TEST_FULL === undefined ? LONG : [])],
    // Most of them wait for processes: more at a time than there are processors.
    maxWorkers: 4,
    // The modules are loaded once for each worker, not for each file. Each test has a directory of its own, and leaves nothing behind.
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary', 'text'] },
  },
})
