/**
 * At the end of a test run: what was skipped on this machine, and why. Where skips are forbidden, any skip fails the run, but of what no
 * package of such a machine brings.
 */
import type { TestCase, TestModule, TestSuite, Vitest } from 'vitest/node'

/** `describeWith` of test/needs.ts ends a title that is skipped like this. */
const stated = /^(.*) \[(?:skipped|(not exercised)): (.*)\]$/s

export class SkippedReporter {
  #filtered = false

  onInit(vitest: Vitest): void {
    this.#filtered = vitest.config.testNamePattern !== undefined
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    // With `-t` every other test counts as skipped; that is what was asked for and nothing to report.
    const skipped = skippedIn(modules).filter(({ reason }) => reason !== null || !this.#filtered)
    if (skipped.length === 0) return
    process.stdout.write(`${textOf(skipped)}\n`)
    if (process.env['GENESIS_DR_FORBID_SKIPS'] !== '1' || skipped.every(({ rare }) => rare)) return
    process.stdout.write('Skips are forbidden in this run (GENESIS_DR_FORBID_SKIPS=1), so it failed.\n')
    process.exitCode = 1
  }
}

interface Skipped {
  readonly file: string
  readonly title: string
  readonly reason: string | null
  readonly rare: boolean
  readonly tests: number
}

function skippedIn(modules: readonly TestModule[]): readonly Skipped[] {
  const groups = new Map<TestSuite | TestCase, Skipped>()
  for (const module of modules) {
    for (const test of module.children.allTests('skipped')) {
      const suite = suiteWithReason(test)
      const [, title = test.fullName, rare, reason = noteOf(test)] = (suite === null ? null : stated.exec(suite.name)) ?? []
      const key = suite ?? test
      groups.set(key, { file: module.relativeModuleId, title, reason, rare: rare !== undefined, tests: (groups.get(key)?.tests ?? 0) + 1 })
    }
  }
  return [...groups.values()]
}

function suiteWithReason(test: TestCase): TestSuite | null {
  for (let parent = test.parent; parent.type === 'suite'; parent = parent.parent) if (stated.test(parent.name)) return parent
  return null
}

function noteOf(test: TestCase): string | null {
  const result = test.result()
  return result.state === 'skipped' ? (result.note ?? null) : null
}

function textOf(skipped: readonly Skipped[]): string {
  const count = skipped.reduce((sum, { tests }) => sum + tests, 0)
  const lines = skipped.map(
    ({ file, title, reason, tests }) =>
      `  ${title} (${tests} in ${file})\n    because it ${reason ?? 'says no reason: give it one, or run it'}`,
  )
  return [`Skipped here: ${count}`, ...lines].join('\n')
}
