import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type Child, children } from '../hosts/children.ts'
import { describeWith, python } from '../needs.ts'

vi.setConfig({ testTimeout: 30_000 })
const program = fileURLToPath(new URL('../writers/writer.py', import.meta.url))

let folder = ''
let db = ''
let witness = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'writer-'))
  db = join(folder, 'ticks.db')
  witness = join(folder, 'witness')
})
afterEach(() => rmSync(folder, { recursive: true }))

interface Tick {
  readonly seq: number
  readonly atMs: number
  readonly sum: number
}

const witnessed = (): Tick[] =>
  statSync(witness, { throwIfNoEntry: false }) === undefined
    ? []
    : readFileSync(witness, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line))

function inDatabase(sql: string): unknown {
  const database = new DatabaseSync(db)
  try {
    return Object.values(database.prepare(sql).get() ?? {})[0]
  } finally {
    database.close()
  }
}

function expectSound(): void {
  expect(inDatabase('PRAGMA integrity_check')).toBe('ok')
  const last = witnessed().at(-1)
  expect(inDatabase(`SELECT sum FROM ticks WHERE seq = ${last?.seq}`)).toBe(last?.sum)
  expect(inDatabase('SELECT count(*) - max(seq) FROM ticks')).toBe(0)
  expect(inDatabase('SELECT sum(amount) - (SELECT sum FROM ticks ORDER BY seq DESC LIMIT 1) FROM ticks')).toBe(0)
}

describeWith([python], "the writer that is python's", () => {
  const start = children()
  const writer = (...args: string[]): Child => start('python3', [program, '--db', db, ...args])

  it('it writes and is ended -> 0, and the database holds what the witness says', async () => {
    const child = writer('--witness', witness, '--rate', '500', '--page-size', '512')
    await expect.poll(() => witnessed().length, { timeout: 15_000 }).toBeGreaterThan(50)
    expect(await child.end('SIGTERM')).toBe(0)
    expectSound()
    expect(inDatabase('SELECT max(seq) FROM ticks')).toBe(witnessed().length)
    expect(inDatabase('PRAGMA page_size')).toBe(512)
  })

  it('it is killed at full speed and started again -> it goes on, and nothing acknowledged is lost', async () => {
    for (let kill = 0; kill < 3; kill++) {
      const child = writer('--witness', witness, '--rate', '0')
      const before = witnessed().length
      await expect.poll(() => witnessed().length, { timeout: 15_000 }).toBeGreaterThan(before + 100)
      await child.end('SIGKILL')
    }
    expectSound()
  })

  it('it vacuums, reconnects and is checkpointed from outside, by another process too -> it goes on', async () => {
    const child = writer(
      '--witness',
      witness,
      '--rate',
      '800',
      '--limit',
      '1500',
      '--vacuum-every',
      '0.2',
      '--reconnect-every',
      '0.15',
      '--checkpoint-every',
      '0.05',
      '--autocheckpoint',
      '50',
    )
    await child.line(/ready/)
    const storm = writer('--no-write', '--checkpoint-every', '0.03', '--vacuum-every', '0.3')
    await storm.line(/ready/)
    expect(await child.end()).toBe(0)
    expect(await storm.end('SIGTERM')).toBe(0)
    expect(witnessed()).toHaveLength(1500)
    expectSound()
  })

  it('the file is no database -> it says what python says and ends with 1', async () => {
    const child = start('sh', [
      '-c',
      `printf 'not a database, and long enough to be read as one' >"${db}"; exec python3 "${program}" --db "${db}" --witness "${witness}"`,
    ])
    expect(await child.end()).toBe(1)
    expect(child.errors()).toContain('sqlite3.DatabaseError: file is not a database')
  })
})
