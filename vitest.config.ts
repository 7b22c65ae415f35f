/** How the tests run: each file in a process of its own, two at a time, and at the end a list of what was skipped here and why. */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { SkippedReporter } from './scripts/skipped-reporter.ts'

// biome-ignore lint/style/noDefaultExport: vitest reads its configuration from the default export
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    environment: 'node',
    // Processes, not threads: some tests watch the locks and the children of their own process.
    pool: 'forks',
    // Chosen: 2, also where there are more, because tests of whole systems measure times; and where there is only one, because they wait a lot.
    maxWorkers: 3,
    // Some 300 programs of ours are started by the tests, from sources: with the cache each starts in half the time.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url)) },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default', new SkippedReporter()],
  },
})
