/**
 * A lock that ends with its process, however that dies: a POSIX lock that SQLite holds on a small database of its own.
 * Who holds it is written beside it, for people; what counts is the lock.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { nodeClock } from '../node/clock.ts'
import { resultCode, sqliteError } from '../sqlite/errors.ts'
import { codeOf, diskError } from './durable.ts'
import { leaveFolderToParent, makeEmpty } from './folder-owner.ts'

export interface ProcessLock {
  release(): void
}

/** What is done under a lock, for whoever finds it taken. 'look': it is only tried, whether somebody has it. */
const purposes = ['capture', 'recovery', 'run', 'agent', 'look'] as const
export type LockPurpose = (typeof purposes)[number]

export interface LockHolder {
  readonly pid: number
  /** null: not known, as of an older version. */
  readonly purpose: LockPurpose | null
}

/** null when another process, or this one, holds it. @throws DISK_FULL, IO_FAILED, DATABASE_READ_ONLY */
export function takeProcessLock(path: string, purpose: LockPurpose): ProcessLock | null {
  makeFolderOf(path)
  let database: DatabaseSync | null = null
  try {
    if (!existsSync(path)) makeEmpty(path, 0o600)
    database = new DatabaseSync(path, { timeout: 0 })
    database.exec('PRAGMA journal_mode=DELETE; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE')
    if (!existsSync(`${path}.pid`)) makeEmpty(`${path}.pid`, 0o644)
    writeFileSync(`${path}.pid`, `${process.pid}\n${purpose}\n`)
    const held = database
    return { release: () => held.close() }
  } catch (error) {
    database?.close()
    if (resultCode(error) === 5) return null
    const doing = `take the lock ${path}`
    throw resultCode(error) === null ? diskError(error, doing, 'Nothing was done.') : sqliteError(error, doing)
  }
}

/** Chosen: half of the 0.1 s within which a capture listens that has the lock. */
const lookEveryMs = 50

/**
 * The lock, as soon as nobody else holds it; null when that took longer than `patienceMs`, or when `inVain` said that it would.
 * @throws as takeProcessLock
 */
export async function waitForLock(
  path: string,
  purpose: LockPurpose,
  patienceMs: number,
  inVain: () => Promise<boolean> = async () => false,
): Promise<ProcessLock | null> {
  for (const deadline = nodeClock.monotonicMs() + patienceMs; ; ) {
    const lock = takeProcessLock(path, purpose)
    if (lock !== null || (await inVain()) || nodeClock.monotonicMs() > deadline) return lock
    await nodeClock.sleep(lookEveryMs)
  }
}

function makeFolderOf(path: string): void {
  try {
    const folder = dirname(path)
    if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) leaveFolderToParent(folder)
  } catch (error) {
    throw diskError(error, `make the folder ${dirname(path)}`, 'Nothing else was changed.')
  }
}

/** Who last took the lock; null when nobody did. Only while the lock is held does it mean anything. */
export function lockHolder(path: string): LockHolder | null {
  try {
    const [first = '', second = ''] = readFileSync(`${path}.pid`, 'utf8').split('\n')
    const pid = Number.parseInt(first, 10)
    if (!Number.isSafeInteger(pid)) return null
    return { pid, purpose: purposes.find((one) => one === second) ?? null }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw diskError(error, `read ${path}.pid`, 'Nothing was done.')
  }
}

/** A sentence without its subject's database: "process 7 is recovering or validating this database". */
export function describeHolder(holder: LockHolder | null): string {
  const who = `process ${holder?.pid ?? '(unknown)'}`
  return holder?.purpose === 'recovery' ? `${who} is recovering or validating this database` : `${who} captures this database already`
}
