/** What a database of test/writers/storm.py proves by its own content, and whether two files are the same database, page for page. */
import { strict as assert } from 'node:assert'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { must } from '../../src/assert.ts'

export interface Proof {
  /** Number of the last transaction that it holds. */
  readonly seq: number
  readonly sum: number
  readonly rows: number
}

/** The database is sound, and its rows are those of exactly one transaction. @throws AssertionError */
export function proofOf(path: string): Proof {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const sound = database.prepare('PRAGMA integrity_check').all()
    assert.deepEqual(
      sound.map((row) => row['integrity_check']),
      ['ok'],
      `${path} is sound`,
    )
    const head = must(database.prepare('SELECT seq, sum, rows FROM head').get(), 'the writer made the head first')
    const [seq, sum, rows] = [Number(head['seq']), Number(head['sum']), Number(head['rows'])]
    const found = { sum: 0, rows: 0 }
    for (const { id, payload } of database.prepare('SELECT id, payload FROM items').iterate()) {
      assert.ok(payload instanceof Uint8Array)
      found.sum += crc32(payload, crc32(`${id}`))
      found.rows++
    }
    assert.deepEqual(found, { sum, rows }, `${path} has the rows of transaction ${seq}`)
    return { seq, sum, rows }
  } finally {
    database.close()
  }
}

/** The witness of a storm: transaction -> sum of its rows. */
export function readWitness(path: string): { readonly sums: ReadonlyMap<number, number>; readonly last: number } {
  const sums = new Map<number, number>()
  let last = 0
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    if (line === '') continue
    const { seq, sum } = JSON.parse(line)
    sums.set(seq, sum)
    last = seq
  }
  return { sums, last }
}

/** `live` is at rest, with what is in its log; it is not touched. @throws AssertionError with the pages that differ */
export function requireSamePages(live: string, restored: string, scratch: string): void {
  copyFileSync(live, scratch)
  if (existsSync(`${live}-wal`)) copyFileSync(`${live}-wal`, `${scratch}-wal`)
  const database = new DatabaseSync(scratch)
  const pageSize = Number(database.prepare('PRAGMA page_size').get()?.['page_size'])
  database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
  database.close()
  const [one, other] = [readFileSync(scratch), readFileSync(restored)]
  const differ: number[] = []
  for (let at = 0; at < Math.max(one.length, other.length); at += pageSize) {
    if (!one.subarray(at, at + pageSize).equals(other.subarray(at, at + pageSize))) differ.push(at / pageSize + 1)
  }
  const where = `${differ.length} of ${one.length / pageSize} pages of ${live} differ from ${restored}: ${differ.slice(0, 20).join(', ')}`
  assert.equal(differ.length, 0, where)
}
