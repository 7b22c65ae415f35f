/** What the log of a live database looks like after a SQLite that forgets checksums: made by hand, so that no such SQLite is needed. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { decodeWalHeader, frameHeaderBytes, frameOffset, type WalHeader, walHeaderBytes } from '../../src/wal/header.ts'

/** Frames that stand in the log's file up to its end or the first of another generation, all written by whole transactions. */
export function framesOf(database: string): number {
  return withLog(database, (descriptor, header) => {
    const head = new Uint8Array(frameHeaderBytes)
    const view = new DataView(head.buffer)
    for (let frames = 0; ; frames++) {
      if (readSync(descriptor, head, 0, head.length, frameOffset(frames, header.pageSize)) < head.length) return frames
      if (view.getUint32(8) !== header.salt1) return frames
    }
  })
}

/**
 * Takes salts and checksums from the frames `from` (0-based) up to, not including, `to`, as that SQLite leaves them. What follows is chained
 * as before, and so is what the bot commits next: it goes by its -shm, which is not touched.
 */
export function forgetChecksums(database: string, from: number, to: number): void {
  withLog(database, (descriptor, { pageSize }) => {
    for (let frame = from; frame < to; frame++) writeSync(descriptor, new Uint8Array(16), 0, 16, frameOffset(frame, pageSize) + 8)
  })
}

/** Flips a bit in the page of a frame (0-based). */
export function damageFrame(database: string, frame: number): void {
  withLog(database, (descriptor, { pageSize }) => {
    const byte = new Uint8Array(1)
    const at = frameOffset(frame, pageSize) + frameHeaderBytes + 100
    readSync(descriptor, byte, 0, 1, at)
    writeSync(
      descriptor,
      byte.map((value) => value ^ 1),
      0,
      1,
      at,
    )
  })
}

/** The -wal carries no locks, so that opening and closing it harms nobody in this process. */
function withLog<T>(database: string, work: (descriptor: number, header: WalHeader) => T): T {
  const descriptor = openSync(`${database}-wal`, 'r+')
  try {
    const bytes = new Uint8Array(walHeaderBytes)
    readSync(descriptor, bytes, 0, bytes.length, 0)
    const header = decodeWalHeader(bytes)
    if (header === null) throw new Error('the log has no header')
    return work(descriptor, header)
  } finally {
    closeSync(descriptor)
  }
}
