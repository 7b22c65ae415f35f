/** How the tests run: each file in a process of its own, a few at a time, and at the end a list of what was skipped here and why. */
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { SkippedReporter } from './scripts/skipped-reporter.ts'
import { whole } from './test/support/share.ts'

// biome-ignore lint/style/noDefaultExport: vitest reads its configuration from the default export
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    environment: 'node',
    // Processes, not threads: some tests watch the locks and the children of their own process.
    pool: 'forks',
    // Chosen: tests of whole systems measure times, so that they get room, most of all where all of them are played; and they wait a lot, so
    // that two or three share even one processor.
    maxWorkers: Math.max(whole ? 2 : 3, Math.min(4, availableParallelism() - 1)),
    // Some 300 programs of ours are started by the tests, from sources: with the cache each starts in half the time.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url)) },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default', new SkippedReporter()],
  },
})
