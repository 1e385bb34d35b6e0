import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Many tests start real processes; more of them at once than cores only makes each slower.
    maxWorkers: 2,
  },
})
