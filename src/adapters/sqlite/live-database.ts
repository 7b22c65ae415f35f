/**
 * A live database through node:sqlite's locks and through descriptors that stay open for the life of the process.
 * Order that matters: each descriptor of the database is opened before SQLite's first connection and closed after its last one,
 * because closing any descriptor of that file drops every POSIX lock that this process has on it. The -shm is never opened by us;
 * its inode is asked for by path. The -wal carries no locks, so its descriptor may be replaced.
 * Nor does our close change anything: whoever closes the last connection that may write puts the log into the file and deletes it, and
 * with it the proof of what was committed. So a connection that may only read is opened first and closed last.
 */
import { closeSync, constants, fdatasyncSync, fstatSync, openSync, type Stats, statSync, watch } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { assert, must } from '../../assert.ts'
import { DrError, sentenceOf } from '../../errors.ts'
import type { DatabaseLocks, FileIdentity, LiveDatabase, PinSlot, WalEnd } from '../../ports/live-database.ts'
import { databaseHeaderBytes, decodeDatabaseHeader } from '../../wal/database-header.ts'
import { type OpenDisk, openDisk } from '../filesystem/disk-reader.ts'
import { codeOf } from '../filesystem/durable.ts'
import { readAt } from '../filesystem/read-at.ts'
import { isGone } from '../proc/process-table.ts'
import { resultCode, sqliteError } from './errors.ts'
import { whyUnproven } from './lock-proof.ts'
import { requireWritable } from './write-access.ts'

const untouched = 'The database was not changed, and nothing was published.'

/**
 * @throws DATABASE_MISSING, DATABASE_NOT_SQLITE, DATABASE_NOT_WAL, DATABASE_READ_ONLY, DATABASE_EXCLUSIVE, DATABASE_BUSY, DATABASE_DAMAGED;
 * nothing stays open then.
 */
export function openLiveDatabase(path: string): LiveDatabase {
  const descriptor = openDatabaseFile(path)
  let disk: OpenDisk | null = null
  let locks: OpenLocks
  try {
    requireWal(path, descriptor)
    disk = openDisk(path, descriptor)
    locks = openLocks(path, descriptor)
  } catch (error) {
    disk?.close()
    closeSync(descriptor)
    throw error
  }
  const { close: closeDisk } = disk
  const facts = fstatSync(descriptor)
  const opened = { ...identityOf(facts), bornMs: facts.birthtimeMs }
  const openedShm = identityAt(`${path}-shm`)
  let wal = openWal(path)
  return {
    path,
    identity: opened,
    locks,
    disk,
    bytes: {
      readDatabase: (offset, into) => readAt({ descriptor, path, damage: 'DATABASE_DAMAGED' }, offset, into),
      databaseBytes: () => fstatSync(descriptor).size,
      readWal: (offset, into) => {
        wal ??= openWal(path)
        return wal === null ? 0 : readAt({ descriptor: wal.descriptor, path: `${path}-wal`, damage: 'WAL_DAMAGED' }, offset, into)
      },
    },
    moved: () => {
      const moved: ('database' | 'wal' | 'shm')[] = []
      if (!same(identityAt(path), opened)) moved.push('database')
      if (wal !== null && !same(identityAt(`${path}-wal`), wal.identity)) moved.push('wal')
      if (!same(identityAt(`${path}-shm`), openedShm)) moved.push('shm')
      return moved
    },
    replaced: () => {
      const standing = identityAt(path)
      return standing !== null && !same(standing, opened)
    },
    otherLog: () => {
      const standing = statSync(`${path}-wal`, { throwIfNoEntry: false })
      return standing !== undefined && standing.size > 0 && wal !== null && !same(identityOf(standing), wal.identity)
    },
    logFiles: () => ({ wal: wal?.identity ?? null, shm: openedShm }),
    watch: (onChange) => watchWal(path, onChange),
    close: () => {
      locks.close()
      if (wal !== null) closeSync(wal.descriptor)
      closeDisk()
      closeSync(descriptor)
    },
  }
}

/**
 * Looks whether the database can be followed, as far as its file says, before anything of ours is made beside it. Never called while this
 * process has it open.
 * @throws DATABASE_MISSING, DATABASE_NOT_SQLITE, DATABASE_NOT_WAL, DATABASE_READ_ONLY
 */
export function requireFollowable(path: string): void {
  const descriptor = openDatabaseFile(path)
  try {
    requireWal(path, descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function openDatabaseFile(path: string): number {
  try {
    requireWritable(path)
    return openSync(path, constants.O_RDONLY)
  } catch (error) {
    if (!isGone(error)) throw error
    throw new DrError('DATABASE_MISSING', {
      what: `there is no file at ${path}`,
      untouched,
      next: 'Give the path of the database with --db, or start the bot once so that it makes it.',
      cause: error,
    })
  }
}

function requireWal(path: string, descriptor: number): void {
  const facts = fstatSync(descriptor)
  const bytes = new Uint8Array(databaseHeaderBytes)
  const header = facts.isFile()
    ? decodeDatabaseHeader(bytes.subarray(0, readAt({ descriptor, path, damage: 'DATABASE_DAMAGED' }, 0, bytes)))
    : null
  if (header === null) {
    throw new DrError('DATABASE_NOT_SQLITE', {
      what: facts.isFile() ? `${path} does not begin like a SQLite database (${facts.size} bytes)` : `${path} is not a file`,
      untouched,
      next: 'Check the path. If it was a database once, it is damaged: genesis-dr execute --scenario DATABASE_CORRUPTION',
    })
  }
  if (header.journal === 'wal') return
  throw new DrError('DATABASE_NOT_WAL', {
    what: `${path} is in rollback-journal mode, which keeps no log that could be followed`,
    untouched,
    next: `Stop the bot, run: genesis-dr init --db ${path} --wal (it stays in the file), start the bot.`,
  })
}

interface OpenLocks extends DatabaseLocks {
  close(): void
}

interface Pin {
  readonly connection: DatabaseSync
  readonly read: StatementSync
  held: boolean
}

/** SQLite 3.51 is the first that knows NOOP; an older one takes it for a checkpoint, and does it. */
const neededSqlite = { major: 3, minor: 51 }

function requireSqlite(): void {
  const version = process.versions['sqlite'] ?? '0'
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > neededSqlite.major || (major === neededSqlite.major && minor >= neededSqlite.minor)) return
  throw new DrError('RUNTIME_TOO_OLD', {
    what: `the SQLite of this Node is ${version}; ${neededSqlite.major}.${neededSqlite.minor} is needed, which looks at a log without checkpointing it`,
    untouched,
    next: 'Use Node 24.14 or newer.',
  })
}

function openLocks(path: string, descriptor: number): OpenLocks {
  requireSqlite()
  const opened: DatabaseSync[] = []
  const connect = (access: 'reads' | 'writes'): DatabaseSync => {
    const connection = new DatabaseSync(path, { timeout: openPatienceMs, readOnly: access === 'reads' })
    opened.push(connection)
    connection.exec('PRAGMA wal_autocheckpoint=0')
    return connection
  }
  const openPin = (): Pin => {
    const connection = connect('writes')
    return { connection, read: connection.prepare('PRAGMA schema_version'), held: false }
  }
  const close = (): void => {
    for (const connection of opened.toReversed()) connection.close()
  }
  try {
    // The last to be closed. From its read on it keeps a shared lock of the file, so that none of the others is alone when it closes.
    firstRead(path, connect('reads'))
    const pins: Readonly<Record<PinSlot, Pin>> = { 0: openPin(), 1: openPin() }
    const writer = connect('writes')
    const checkpointer = connect('writes')
    checkpointer.prepare('PRAGMA schema_version').get()
    const noop = checkpointer.prepare('PRAGMA wal_checkpoint=NOOP')
    const passive = checkpointer.prepare('PRAGMA wal_checkpoint(PASSIVE)')
    const emptying = checkpointer.prepare('PRAGMA wal_checkpoint(TRUNCATE)')
    // From here on whoever is in the way is met again at the next look.
    for (const connection of opened) connection.exec('PRAGMA busy_timeout=0')
    const shm = identityAt(`${path}-shm`)
    let pinned = false
    let writersProven = false
    let unproven: string | null = null
    return {
      pin: (slot) => {
        takePin(pins[slot])
        if (!pinned) unproven = whyUnproven(shm, 'read mark')
        pinned = true
      },
      unpin: (slot) => {
        if (!pins[slot].held) return
        pins[slot].connection.exec('ROLLBACK')
        pins[slot].held = false
      },
      walEnd: () => walEndOf(noop),
      lockWriters: () => {
        if (!lockWriters(writer)) return false
        // Once: what makes a lock of SQLite's a mere word is settled when the connection opens the -shm, and the look itself keeps writers waiting.
        if (!writersProven) unproven = whyUnproven(shm, 'write lock')
        writersProven = unproven === null
        if (!writersProven) writer.exec('ROLLBACK')
        return writersProven
      },
      unproven: () => unproven,
      pinUnproven: () => whyUnproven(shm, 'read mark'),
      unlockWriters: () => writer.exec('ROLLBACK'),
      checkpoint: () => checkpoint(passive, descriptor),
      truncate: () => truncate(emptying),
      close,
    }
  } catch (error) {
    close()
    throw sqliteError(error, `open ${path}`)
  }
}

/** Chosen: a lock that lasts longer is no moment of another connection, which opens or recovers the log, or leaves WAL mode and comes back. */
const openPatienceMs = 3000

/** In WAL mode a reader waits for such a moment only, unless somebody keeps the file for himself. */
function firstRead(path: string, connection: DatabaseSync): void {
  try {
    connection.prepare('PRAGMA schema_version').get()
  } catch (error) {
    if (resultCode(error) !== 5) throw error
    throw new DrError('DATABASE_EXCLUSIVE', {
      what: `another program has kept ${path} locked for ${openPatienceMs / 1000} s; it probably uses PRAGMA locking_mode=EXCLUSIVE`,
      untouched,
      next: 'Remove that PRAGMA from the bot (locking_mode=NORMAL is the default) and start it again.',
      cause: error,
    })
  }
}

function takePin(pin: Pin): void {
  assert(!pin.held, 'a pin is taken while it is held')
  try {
    pin.connection.exec('BEGIN')
    pin.read.get()
    pin.held = true
  } catch (error) {
    if (pin.connection.isTransaction) pin.connection.exec('ROLLBACK')
    throw sqliteError(error, 'take a read lock')
  }
}

/**
 * Chosen: 5 ms of attempts, during which we hold nothing. A writer at full speed gives its lock away for microseconds only: a single
 * attempt mostly fails, and a wait of SQLite's own would sleep past the gaps.
 */
const lockPatienceMs = 5

function lockWriters(writer: DatabaseSync): boolean {
  const deadline = performance.now() + lockPatienceMs
  for (;;) {
    try {
      writer.exec('BEGIN IMMEDIATE')
      return true
    } catch (error) {
      if (resultCode(error) !== 5) throw sqliteError(error, 'take the write lock')
      if (performance.now() >= deadline) return false
    }
  }
}

/** Chosen: 10 ms, in which most checkpoints of a bot are done; what takes longer is met again at the next look. */
const checkpointPatienceMs = 10
const bell = new Int32Array(new SharedArrayBuffer(4))

/**
 * SQLite makes the file durable only when it has all of the log. Otherwise it is done here, so that the checkpoint that finishes the log,
 * for which writers wait, has little left to sync. The descriptor stays open.
 */
function checkpoint(passive: StatementSync, descriptor: number): WalEnd | null {
  const deadline = performance.now() + checkpointPatienceMs
  let end = askWal(passive, 'checkpoint')
  while (end === null && performance.now() < deadline) {
    Atomics.wait(bell, 0, 0, 1)
    end = askWal(passive, 'checkpoint')
  }
  if (end !== null && end.backfilled < end.frames) fdatasyncSync(descriptor)
  return end
}

function truncate(emptying: StatementSync): boolean {
  try {
    return Number(emptying.get()?.['busy']) === 0
  } catch (error) {
    throw sqliteError(error, 'begin the log anew')
  }
}

/** Chosen: a writer that was met between its two copies of the end is past it in microseconds; at full speed one ask in 350 meets one. */
const lookPatienceMs = 20

/** @throws DATABASE_BUSY when a writer stands still there: then the end is not known, which is not the same as an empty log */
function walEndOf(noop: StatementSync): WalEnd {
  const deadline = performance.now() + lookPatienceMs
  for (;;) {
    const end = askWal(noop, 'ask for the end of the WAL')
    if (end !== null) return end
    if (performance.now() > deadline) {
      throw new DrError('DATABASE_BUSY', {
        what: `a writer has kept the end of the log locked for ${lookPatienceMs} ms`,
        untouched,
        next: 'Repeat in a moment; if it lasts, look whether a process of the bot is suspended.',
      })
    }
  }
}

/** null: busy, so that nothing was told. */
function askWal(statement: StatementSync, doing: string): WalEnd | null {
  try {
    const row = must(statement.get(), 'a checkpoint pragma gives one row')
    // -1 stands for "no log" or, where it was busy, for "not known"; the columns are numbers by SQLite's documentation.
    const [busy, frames] = [Number(row['busy']), Number(row['log'])]
    if (busy !== 0 && frames < 0) return null
    return { frames: Math.max(0, frames), backfilled: Math.max(0, Number(row['checkpointed'])) }
  } catch (error) {
    throw sqliteError(error, doing)
  }
}

function openWal(path: string): { readonly descriptor: number; readonly identity: FileIdentity } | null {
  try {
    const descriptor = openSync(`${path}-wal`, constants.O_RDONLY)
    return { descriptor, identity: identityOf(fstatSync(descriptor)) }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

/** The log alone, not its folder: others write there as often as they like (a bot its own words), and each time would wake us. */
function watchWal(path: string, onChange: () => void): () => void {
  try {
    const watcher = watch(`${path}-wal`, onChange)
    watcher.on('error', (error) => process.emitWarning(`the log of the database is no longer watched: ${sentenceOf(error)}`))
    return () => watcher.close()
  } catch (error) {
    // No watch is left on this machine (EMFILE, ENOSPC), or the log is gone: the slow poll sees what it would have told.
    if (codeOf(error) === '') throw error
    return () => {}
  }
}

function identityOf(facts: Stats): FileIdentity {
  return { device: facts.dev, inode: facts.ino }
}

function identityAt(path: string): FileIdentity | null {
  try {
    return identityOf(statSync(path))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

function same(a: FileIdentity | null, b: FileIdentity | null): boolean {
  return a === null || b === null ? a === b : a.device === b.device && a.inode === b.inode
}
