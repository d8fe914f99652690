import { defineConfig } from 'vitest/config'

// unit: beside the files, loopback servers at most. integration: needs Postgres, an S3 or other real parts (npm test).
export default defineConfig({
  test: {
    reporters: ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'bench/**/*.test.ts'],
          exclude: ['**/*.integration.test.ts', '**/node_modules/**'],
          // Far more than any of them needs: what waits for a condition must not fail because other programs run too.
          testTimeout: 240_000,
          hookTimeout: 240_000,
          expect: { poll: { timeout: 120_000 } },
          // Most of a test is waiting for a socket, so more of them run than there are cores, and modules are loaded once.
          isolate: false,
          maxWorkers: 3,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['src/**/*.integration.test.ts', 'e2e/**/*.integration.test.ts'],
          globalSetup: ['e2e/stack/postgres-server.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          expect: { poll: { timeout: 180_000 } },
          // Half of their time they wait for leases, outages and slow sources.
          maxWorkers: 2,
        },
      },
    ],
  },
})
