import { defineConfig } from 'vitest/config'

// Where this is set, the results are also written to that file as JSON, to be counted by a program.
const { BANYAN_TEST_REPORT: report } = process.env

// Unit tests run in parallel; tests that start processes, listen or drive real peers run one file at a time.
export default defineConfig({
  test: {
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 10_000, maxWorkers: 2 } },
      {
        test: {
          name: 'real',
          include: ['test/{wire,chaos,fuzz,conformance,e2e,browser,docs,containers}/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
