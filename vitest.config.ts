import { defineConfig } from 'vitest/config'

// Unit tests run in parallel; tests that start processes, listen or drive real peers run one file at a time.
export default defineConfig({
  test: {
    reporters: ['default'],
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 10_000 } },
      {
        test: {
          name: 'real',
          include: ['test/{wire,conformance,e2e,browser,docs,containers}/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
