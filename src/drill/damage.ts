/** The kinds of damage that a drill does to a database file while a bot trades on it, and what exactly each does to a given file. Pure. */
import { DrError } from '../errors.ts'
import type { Random } from '../ports/random.ts'
import { KiB } from '../units.ts'
import { databaseHeaderBytes } from '../wal/database-header.ts'
import { chooseInteriorPage, type InteriorPage, settledPages } from './interior-pages.ts'
import { chooseRowByte } from './leaf-rows.ts'

/** `seenAs`: what SQLite says to a bot that meets it; null: the bot need not notice. */
export const damageKinds = {
  header: {
    does: 'overwrites the first 100 bytes of the file, which make it a SQLite database, with noise',
    like: 'a stray writer or a failing disk block at the start of the file',
    seenAs: 'file is not a database',
  },
  'interior-page': {
    does: 'overwrites an inner page of the b-tree of a large table with noise, one that the WAL does not hold',
    like: 'a failing disk block, or a page that was written to the wrong place',
    seenAs: 'database disk image is malformed',
  },
  'leaf-payload': {
    does: 'flips one bit inside of a row of a table, in a page that the WAL does not hold',
    like: 'a disk that gives back something else than was written, which SQLite does not notice',
    seenAs: null,
  },
  'overwritten-range': {
    does: 'overwrites 64 KiB in the middle of the file with noise',
    like: 'another program that wrote to the wrong file, or a disk that lost a stripe',
    seenAs: null,
  },
  'deleted-wal': {
    does: 'deletes the write-ahead log while the bot has it open',
    like: 'a clean-up script, or a copy of the database without its WAL',
    seenAs: 'disk I/O error',
  },
  'truncated-file': {
    does: 'cuts the file to half its pages',
    like: 'a file system that lost the end of the file, or a copy that was interrupted',
    seenAs: 'database disk image is malformed',
  },
} as const

export type DamageKind = keyof typeof damageKinds

export const damageKindNames: readonly DamageKind[] = Object.keys(damageKinds).filter(isDamageKind)

export function isDamageKind(text: string): text is DamageKind {
  return Object.hasOwn(damageKinds, text)
}

export interface FileFacts {
  readonly path: string
  /** Bytes, of one page. */
  readonly pageSize: number
  readonly sizeBytes: number
  /** Found only for 'interior-page' and 'leaf-payload'; empty for the others. */
  readonly interior: readonly InteriorPage[]
  readonly readPage: (page: number) => Uint8Array
  /** Pages that the committed part of the WAL holds. */
  readonly inWal: ReadonlySet<number>
}

export type DamagePlan =
  | { readonly do: 'overwrite'; readonly page: number; readonly offset: number; readonly noise: Uint8Array }
  | { readonly do: 'truncate'; readonly sizeBytes: number }
  | { readonly do: 'unlink-wal' }

/** @throws DRILL_FAILED when the database is too small for this kind */
export function planDamage(kind: DamageKind, facts: FileFacts, random: Random): DamagePlan {
  if (kind === 'header') return { do: 'overwrite', page: 1, offset: 0, noise: noise(databaseHeaderBytes, random) }
  if (kind === 'deleted-wal') return { do: 'unlink-wal' }
  const { pageSize, sizeBytes } = facts
  if (kind === 'truncated-file') {
    const kept = Math.floor(sizeBytes / pageSize / 2)
    if (kept === 0) throw tooSmall(kind, facts)
    return { do: 'truncate', sizeBytes: kept * pageSize }
  }
  if (kind === 'overwritten-range') {
    const pages = Math.ceil(rangeBytes / pageSize)
    const third = Math.floor(sizeBytes / pageSize / 3)
    if (third <= pages) throw tooSmall(kind, facts)
    const page = third + random.below(third - pages) + 1
    return { do: 'overwrite', page, offset: (page - 1) * pageSize, noise: noise(pages * pageSize, random) }
  }
  if (kind === 'leaf-payload') return planRow(facts, random)
  const page = chooseInteriorPage(facts.interior, facts.inWal, random)
  if (page === null) throw tooSmall(kind, facts)
  return { do: 'overwrite', page, offset: (page - 1) * pageSize, noise: noise(pageSize, random) }
}

const rangeBytes = 64 * KiB

/** Pages that SQLite reads from the file now, and of which a bot that only appends writes few again. */
export function pagesToHit(
  kind: 'interior-page' | 'leaf-payload',
  { interior, inWal }: Pick<FileFacts, 'interior' | 'inWal'>,
): readonly number[] {
  const tables = interior.filter((page) => page.of === 'table')
  const pages =
    kind === 'leaf-payload'
      ? tables.flatMap(({ children }) => children.slice(0, -2))
      : (settledPages(interior).length > 0 ? settledPages(interior) : interior).map(({ number }) => number)
  return pages.filter((page) => !inWal.has(page))
}

function planRow(facts: FileFacts, random: Random): DamagePlan {
  const { pageSize, readPage } = facts
  const free = pagesToHit('leaf-payload', facts)
  for (let tries = 0; tries < Math.min(100, free.length); tries++) {
    const page = free[random.below(free.length)] ?? 0
    const content = readPage(page)
    const at = chooseRowByte(content, random)
    if (at === null) continue
    const flipped = (content[at] ?? 0) ^ (1 << random.below(8))
    return { do: 'overwrite', page, offset: (page - 1) * pageSize + at, noise: Uint8Array.of(flipped) }
  }
  throw tooSmall('leaf-payload', facts)
}

/** Noise that is damage for certain: its first byte begins neither a SQLite database nor a page of one. */
function noise(sizeBytes: number, random: Random): Uint8Array {
  const bytes = Uint8Array.from({ length: sizeBytes }, () => random.below(256))
  bytes[0] = 0xff
  return bytes
}

function tooSmall(kind: DamageKind, { path, sizeBytes }: FileFacts): DrError {
  return new DrError('DRILL_FAILED', {
    what: `the damage "${kind}" has no page to hit in ${path}, which has ${sizeBytes} bytes`,
    untouched: 'Nothing was damaged.',
    next: 'Play the drill on a larger database, or with the damage "header".',
  })
}
