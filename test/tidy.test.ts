/** The house rules of scripts/house-rules.ts: every source of this repository keeps them, and each of them bites. */
import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { rules, sentenceOfViolation, violationsOf } from '../scripts/house-rules.ts'
import type { Source } from '../scripts/source-facts.ts'

const root = new URL('../', import.meta.url)

it('every source keeps the rules of the house', () => {
  const paths = globSync('{src,test,scripts,bench,bin}/**/*.{ts,mjs,js}', { cwd: root })
  const sources = paths.map((path) => ({ path, text: readFileSync(new URL(path, root), 'utf8') }))
  expect(violationsOf(sources).map(sentenceOfViolation)).toEqual([])
})

/** Rule, path, what stands below a proper header, and what is to be found there. */
const broken: readonly (readonly [string, string, string, string])[] = [
  ['doors', 'src/ltx/a.ts', `import { b } from '../wal/b.ts'`, 'src/wal/b.ts'],
  ['doors', 'src/ports/a.ts', `import type { B } from '../ltx/b.ts'`, 'src/ltx/b.ts'],
  ['doors', 'src/restore/a.ts', `import { b } from '../replication/b.ts'`, 'src/replication/b.ts'],
  ['doors', 'src/runbook/steps/a.ts', `const b = await import('../../adapters/node/b.ts')`, 'src/adapters/node/b.ts'],
  ['doors', 'src/adapters/node/a.ts', `export type A = import('../../runbook/b.ts').B`, 'src/runbook/b.ts'],
  ['doors', 'src/cli/a.ts', `import { b } from '../compose.ts'`, 'src/compose.ts'],
  ['doors', 'src/status/a.ts', `import { b } from '../../test/needs.ts'`, 'test/needs.ts'],
  ['doors', 'src/agency/a.ts', '', 'src/agency is in no row of the import table'],
  ['packages', 'src/replication/a.ts', `import { join } from 'node:path'`, 'node:path'],
  ['packages', 'src/runbook/a.ts', `import { z } from 'zod'`, 'zod'],
  ['packages', 'src/cli/a.ts', `import fs from 'fs'`, 'fs'],
  ['packages', 'src/compose.ts', `import { S3 } from 'a-vendor'`, 'a-vendor'],
  ['vendors', 'src/restore/a.ts', '// Binance rounds here.', 'Binance'],
  ['vendors', 'src/workflow/a.ts', `const unit = 'systemd'`, 'systemd'],
  ['banned calls', 'src/replica/a.ts', 'const now = Date.now()', 'Date.now'],
  ['banned calls', 'src/replica/a.ts', 'const now = new Date()', 'new Date()'],
  ['banned calls', 'src/replica/a.ts', 'const clock = Date.now', 'Date.now'],
  ['banned calls', 'src/drill/a.ts', 'const now = globalThis.performance.now()', 'globalThis.performance.now'],
  ['banned calls', 'src/cli/a.ts', 'setTimeout(() => undefined, 10)', 'setTimeout'],
  ['banned calls', 'src/drill/a.ts', 'const one = Math.random()', 'Math.random'],
  ['banned calls', 'src/drill/a.ts', 'const id = crypto.randomUUID()', 'crypto.randomUUID'],
  ['banned calls', 'src/status/a.ts', `const page = fetch('http://127.0.0.1')`, 'fetch'],
  ['banned calls', 'src/adapters/node/a.ts', `const home = process.env['HOME']`, 'process.env'],
  ['banned calls', 'src/compose.ts', 'const [, , verb] = process.argv', 'process.argv'],
  ['banned calls', 'src/cli/a.ts', 'const { env } = process', 'process'],
  ['banned calls', 'src/cli/a.ts', `process.stdout.write('done')`, 'process.stdout.write'],
  ['banned calls', 'src/adapters/node/a.ts', `console.log('here')`, 'console.log'],
  ['purity', 'src/ltx/a.ts', 'export async function a() {}', 'async'],
  ['purity', 'src/wal/a.ts', 'for await (const a of b) c(a)', 'await'],
  ['purity', 'src/adapters/node/pure.ts', `import { join } from 'node:path'`, 'node:path'],
  ['size', 'src/restore/a.ts', 'const a = 1\n'.repeat(400), '402 lines'],
  ['file names', 'src/restore/lastGood.ts', '', 'lastGood.ts'],
  ['file names', 'src/common/a.ts', '', 'common'],
  ['depth', 'src/restore/plan/a.ts', '', 'restore/plan'],
  ['depth', 'src/adapters/node/more/a.ts', '', 'adapters/node/more'],
  ['names', 'src/restore/restore-utils.ts', '', 'RestoreUtils'],
  ['names', 'src/restore/a.ts', 'class LeaseManager {}', 'LeaseManager'],
  ['names', 'test/a.test.ts', 'const handlerOf = (helper) => helper', 'helper'],
  ['shapes', 'src/restore/a.ts', 'enum A { B }', 'enum'],
  ['shapes', 'src/restore/a.ts', 'namespace A {}', 'namespace'],
  ['shapes', 'src/restore/a.ts', 'export default function a() {}', 'export default'],
  ['shapes', 'src/restore/a.ts', 'const a = 1\nexport { a as default }', 'export default'],
  ['shapes', 'src/restore/a.ts', 'let a: any', 'any'],
  ['shapes', 'src/restore/a.ts', 'function a() { try { b() } catch {} }', 'empty catch'],
  ['shapes', 'src/restore/a.ts', 'function a() { try { b() } catch (error) { /* no matter */ } }', 'empty catch'],
  ['shapes', 'src/restore/a.ts', 'const a = b!', '!'],
  ['shapes', 'src/restore/a.ts', 'const a = b as C', 'as'],
  ['shapes', 'src/restore/a.ts', 'class A extends B {}', 'extends'],
  ['shapes', 'src/restore/a.ts', '@sealed class A {}', 'decorator'],
  ['shapes', 'src/restore/a.ts', `export * from './b.ts'`, 'export from'],
  ['shapes', 'src/restore/a.ts', 'start()', 'work at import'],
  ['leftovers', 'src/restore/a.ts', `// ${'TO'}${'DO'}: later`, `${'TO'}${'DO'}`],
  ['leftovers', 'test/a.test.ts', `// ${'-'.repeat(20)} part two`, '// ---'],
  ['skips', 'test/a.test.ts', `it.only('a', () => {})`, 'it.only'],
  ['skips', 'src/restore/a.test.ts', `describe.skip('a', () => {})`, 'describe.skip'],
  ['skips', 'test/a.test.ts', `it.skipIf(noPython)('a', () => {})`, 'it.skipIf'],
  ['skips', 'test/a.test.ts', `it.each([1])('a', () => {}); test.concurrent.todo('b')`, 'test.concurrent.todo'],
  ['mocks', 'test/a.test.ts', `vi.mock('../src/errors.ts')`, 'vi.mock'],
  ['dead files', 'src/restore/a.ts', '', 'nothing that runs imports it'],
]

const header = '/** A file that breaks one rule. Pure. */\n'

describe('each rule bites', () => {
  it.each(broken)('%s: %s with %j', (rule, path, text, what) => {
    const sources: readonly Source[] = [{ path, text: `${header}${text}\n` }]
    const found = violationsOf(sources, []).filter((violation) => violation.rule === rule)
    expect(found.map((violation) => violation.what)).toContain(what)
  })

  it.each([
    '',
    '/** Short. */',
    '// A comment of the wrong kind, on what this is for.',
    'const a = 1\n/** Too late: the sentence stands below. */',
  ])('header: %j is none', (text) => {
    expect(violationsOf([{ path: 'src/restore/a.ts', text }], []).filter(({ rule }) => rule === 'header')).toHaveLength(1)
  })

  it('no rule is without a source that breaks it', () => {
    const shown = new Set([...broken.map(([rule]) => rule), 'header'])
    expect([...rules.keys()].filter((rule) => !shown.has(rule))).toEqual([])
  })

  it('an exception that nothing needs any more is a violation', () => {
    const exception = { rule: 'shapes', path: 'src/restore/a.ts', what: 'any', because: 'once upon a time' }
    expect(violationsOf([], [exception]).map(sentenceOfViolation)).toEqual([
      'src/restore/a.ts:1: nobody needs the exception for any (shapes); instead: a shorter list (house rule: exceptions)',
    ])
  })
})

describe('no rule bites what it should not', () => {
  it.each([
    ['src/ltx/a.ts', `import { assert } from '../assert.ts'\nimport { b } from './b.ts'`],
    ['src/cli/commands/a.ts', `import { b } from '../../runbook/b.ts'\nimport { Command } from 'commander'`],
    ['src/adapters/node/a.ts', `import { b } from '../../ports/b.ts'\nimport { join } from 'node:path'\nconst at = Date.now()`],
    ['src/restore/a.ts', `const text = 'Date.now() and enum and any'\nconst point = new Date(0)\nconst list = ['a'] as const`],
    ['src/restore/a.ts', 'const a = { setTimeout: 1, process: 2 }\nconst b = a.setTimeout\nconst c = clock.sleep(1)'],
    ['src/restore/a.ts', 'class A extends Error {}\nfunction a(b) { switch (b) { case 1: return 2; default: return 3 } }'],
    ['test/a.test.ts', `it.each([1])('a', () => {})\nconst only = 'it.only'`],
  ])('%s with %j', (path, text) => {
    const entry = { path: 'src/entries/a.ts', text: `/** The entry that imports it. */\nimport '../../${path}'\n` }
    expect(violationsOf([{ path, text: `/** A file that keeps the rules. */\n${text}\n` }, entry], []).map(sentenceOfViolation)).toEqual([])
  })
})
