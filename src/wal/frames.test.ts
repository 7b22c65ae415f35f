/** The log reader against logs that SQLite itself wrote, in every page size, and against every kind of damage to them. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { type Frame, lacksChecksum, scanFrames, startOf } from './frames.ts'
import { decodeWalHeader, frameHeaderBytes, walHeaderBytes } from './header.ts'

const folder = mkdtempSync(join(tmpdir(), 'genesis-dr-wal-'))
afterAll(() => rmSync(folder, { recursive: true }))

function logOf(pageSize: number, commits: number): { readonly bytes: Uint8Array; readonly frames: number } {
  const path = join(folder, `${pageSize}-${commits}.db`)
  const database = new DatabaseSync(path)
  database.exec(`PRAGMA page_size=${pageSize}; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t (a)`)
  const insert = database.prepare('INSERT INTO t VALUES (randomblob(300))')
  for (let at = 0; at < commits; at++) insert.run()
  const frames = Number(database.prepare('PRAGMA wal_checkpoint=NOOP').get()?.['log'])
  const bytes = new Uint8Array(readFileSync(`${path}-wal`))
  database.close()
  return { bytes, frames }
}

function scanAll(bytes: Uint8Array): readonly Frame[] {
  const header = decodeWalHeader(bytes)
  if (header === null) return []
  const frames: Frame[] = []
  scanFrames(startOf(header), bytes.subarray(walHeaderBytes), (frame) => frames.push(frame))
  return frames
}

describe('a log that SQLite wrote', () => {
  for (const pageSize of [512, 1024, 4096, 32768, 65536]) {
    it(`of ${pageSize}-byte pages -> every committed frame is read, and the last one commits`, () => {
      const { bytes, frames } = logOf(pageSize, 12)
      const read = scanAll(bytes)
      expect(read).toHaveLength(frames)
      expect(read.at(-1)?.commitPages).toBeGreaterThan(0)
    })
  }

  it('is read the same in two pieces as in one', () => {
    const { bytes, frames } = logOf(512, 30)
    const header = decodeWalHeader(bytes)
    if (header === null) throw new Error('no header')
    const size = frameHeaderBytes + 512
    fc.assert(
      fc.property(fc.integer({ min: 0, max: frames }), (cut) => {
        const middle = walHeaderBytes + cut * size
        const first = scanFrames(startOf(header), bytes.subarray(walHeaderBytes, middle), () => {})
        const last = scanFrames(first, bytes.subarray(middle), () => {})
        return first.frames === cut && last.frames === frames
      }),
    )
  })

  it('cut anywhere -> exactly the whole frames before the cut', () => {
    const { bytes } = logOf(512, 8)
    const size = frameHeaderBytes + 512
    for (let length = 0; length < bytes.length; length += 97) {
      const whole = length < walHeaderBytes ? 0 : Math.floor((length - walHeaderBytes) / size)
      expect(scanAll(bytes.subarray(0, length))).toHaveLength(Math.min(whole, scanAll(bytes).length))
    }
  })

  it('with a frame that lacks salts and checksum -> it is told from one that is damaged, and from one that is not there', () => {
    const { bytes } = logOf(512, 3)
    const head = bytes.slice(walHeaderBytes, walHeaderBytes + frameHeaderBytes)
    expect(lacksChecksum(head)).toBe(false)
    expect(lacksChecksum(head.fill(0, 8, 23).fill(1, 23))).toBe(false)
    expect(lacksChecksum(head.fill(0, 8))).toBe(true)
    expect(lacksChecksum(head.fill(0))).toBe(false)
  })

  it('with any one bit flipped -> no frame from the flipped one on is believed', () => {
    const { bytes } = logOf(512, 6)
    const total = scanAll(bytes).length
    const size = frameHeaderBytes + 512
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        const at = bit >> 3
        const hit = at < walHeaderBytes ? 0 : Math.floor((at - walHeaderBytes) / size)
        const flipped = bytes.slice()
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit & 7))
        const read = scanAll(flipped).length
        // Bits 12..15 of the log's header are the checkpoint sequence, which its checksum covers as well.
        return hit < total ? read <= hit : read === total
      }),
      { numRuns: 400 },
    )
  })
})
