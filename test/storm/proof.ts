/** What a database of test/writers/storm.py proves by its own content, and whether two files are the same database, page for page. */
import { strict as assert } from 'node:assert'
import { closeSync, copyFileSync, existsSync, openSync, readFileSync, readSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { must } from '../../src/assert.ts'
import { MiB } from '../../src/units.ts'

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

/** Chosen: a multiple of every page size, small enough for databases beyond 1 GiB. */
const pieceBytes = 16 * MiB

/** `live` is at rest, with what is in its log; it is not touched. @throws AssertionError with the pages that differ */
export function requireSamePages(live: string, restored: string, scratch: string): void {
  copyFileSync(live, scratch)
  if (existsSync(`${live}-wal`)) copyFileSync(`${live}-wal`, `${scratch}-wal`)
  const database = new DatabaseSync(scratch)
  const pageSize = Number(database.prepare('PRAGMA page_size').get()?.['page_size'])
  database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
  database.close()
  const differ: number[] = []
  const [one, other] = [readPieces(scratch), readPieces(restored)]
  for (let at = 0; ; at += pieceBytes) {
    const [ours, theirs] = [one.next().value ?? nothing, other.next().value ?? nothing]
    if (ours.length + theirs.length === 0) break
    if (!ours.equals(theirs)) differ.push(...pagesThatDiffer(ours, theirs, pageSize).map((page) => at / pageSize + page))
  }
  const where = `${differ.length} pages of ${live} are others in ${restored}: ${differ.slice(0, 20).join(', ')}`
  assert.equal(differ.length, 0, where)
}

const nothing = Buffer.alloc(0)

/** A piece is valid until the next one is asked for. */
function* readPieces(path: string): Generator<Buffer, undefined> {
  const file = openSync(path, 'r')
  const piece = Buffer.alloc(pieceBytes)
  try {
    for (let at = 0; ; ) {
      const count = readSync(file, piece, 0, pieceBytes, at)
      if (count === 0) return
      yield piece.subarray(0, count)
      at += count
    }
  } finally {
    closeSync(file)
  }
}

/** Their numbers, the first page of the piece counted as 1. */
function pagesThatDiffer(one: Buffer, other: Buffer, pageSize: number): readonly number[] {
  const pages = Array.from({ length: Math.ceil(Math.max(one.length, other.length) / pageSize) }, (_, at) => at + 1)
  const page = (of: Buffer, number: number): Buffer => of.subarray((number - 1) * pageSize, number * pageSize)
  return pages.filter((number) => !page(one, number).equals(page(other, number)))
}
