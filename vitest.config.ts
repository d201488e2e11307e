import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Most of them wait for processes: more at a time than there are processors.
    maxWorkers: 5,
    // The modules are loaded once for each worker, not for each file. Each test has a directory of its own, and leaves nothing behind.
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary', 'text'] },
  },
})
