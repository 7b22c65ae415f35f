/**
 * The first 100 bytes of a SQLite database, as far as copying needs them. Pure.
 * Layout: sqlite.org/fileformat2.html#the_database_header, read 2026-11-23.
 */

export interface DatabaseHeader {
  /** Bytes, 512..65536, power of two. */
  readonly pageSize: number
  readonly journal: 'wal' | 'rollback'
  /** Pages, when the header can be trusted for it (its version-valid-for equals its change counter). */
  readonly pages: number | null
  /** Counted up by each transaction that writes page 1, as those do by which the database grows; never down. */
  readonly changeCounter: number
  /** Version of the SQLite that wrote the first page last, such as "3.40.1"; null: it does not say. */
  readonly sqlite: string | null
}

/** Of its header; the first bytes of the file. */
export const databaseHeaderBytes = 100

const magic = 'SQLite format 3\0'

/** null when the bytes do not open a SQLite database. */
export function decodeDatabaseHeader(bytes: Uint8Array): DatabaseHeader | null {
  if (bytes.length < databaseHeaderBytes) return null
  for (let at = 0; at < magic.length; at++) if (bytes[at] !== magic.charCodeAt(at)) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const stored = view.getUint16(16)
  const pageSize = stored === 1 ? 65536 : stored
  if (pageSize < 512 || (pageSize & (pageSize - 1)) !== 0) return null
  const pages = view.getUint32(28)
  const trusted = pages !== 0 && view.getUint32(24) === view.getUint32(92)
  return {
    pageSize,
    journal: bytes[18] === 2 && bytes[19] === 2 ? 'wal' : 'rollback',
    pages: trusted ? pages : null,
    changeCounter: view.getUint32(24),
    sqlite: versionText(view.getUint32(96)),
  }
}

function versionText(number: number): string | null {
  return number === 0 ? null : [Math.floor(number / 1e6), Math.floor(number / 1000) % 1000, number % 1000].join('.')
}
