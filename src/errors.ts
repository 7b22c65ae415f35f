/** The one error class and the one table of codes: what each means, who must act, and the exit status. Pure. */

/**
 * What the caller must do.
 * - `unavailable`: retry, then page a person.
 * - `fenced`: stop; somebody else is in charge.
 * - `damaged`: use another copy.
 * - `refused`: nothing was done; a person decides.
 */
export type ErrorKind = 'unavailable' | 'fenced' | 'damaged' | 'refused'

interface ErrorEntry {
  readonly kind: ErrorKind
  /** Process exit status: 1 ran and failed, 2 usage or configuration, 3 unknown or unreachable, 4 refused by a safety rule. */
  readonly exit: 1 | 2 | 3 | 4
  readonly means: string
}

export const errorTable = {
  USAGE: { kind: 'refused', exit: 2, means: 'The command line is not one that this program knows.' },
  CONFIG_INVALID: { kind: 'refused', exit: 2, means: 'The configuration is missing, unreadable or has a value or key that is not known.' },
  RUNTIME_TOO_OLD: { kind: 'refused', exit: 2, means: 'The Node that runs this is older than 24.14, or its SQLite older than 3.51.' },

  DATABASE_MISSING: { kind: 'refused', exit: 2, means: 'There is no file at the path of the database.' },
  DATABASE_NOT_SQLITE: { kind: 'refused', exit: 2, means: 'The file is not a SQLite database.' },
  DATABASE_NOT_WAL: { kind: 'refused', exit: 2, means: 'The database is not in WAL mode, so there is no log to follow.' },
  DATABASE_EXCLUSIVE: { kind: 'refused', exit: 2, means: 'Another program holds the database with locking_mode=EXCLUSIVE.' },
  DATABASE_READ_ONLY: {
    kind: 'refused',
    exit: 2,
    means: 'The database or its folder cannot be written by this user, so its locks cannot be taken.',
  },
  DATABASE_BUSY: { kind: 'unavailable', exit: 3, means: 'A lock on the database could not be had in time.' },
  DATABASE_MOVED: { kind: 'unavailable', exit: 3, means: 'The file under the database path is no longer the one that was opened.' },
  DATABASE_DAMAGED: { kind: 'damaged', exit: 1, means: 'SQLite or a check says that the database is damaged.' },
  SQLITE_LACKS: {
    kind: 'refused',
    exit: 2,
    means:
      'The SQLite of this program lacks a collation, function, module or tokenizer of the database, so that what needs it cannot be checked.',
  },
  DATABASE_OTHER: { kind: 'refused', exit: 4, means: 'The database is not the one that this replica belongs to.' },
  DATABASE_IN_USE: { kind: 'refused', exit: 4, means: 'A process other than the capture has the database open.' },
  HOLDERS_UNKNOWN: { kind: 'unavailable', exit: 3, means: 'It cannot be told which processes have the database open.' },
  WAL_UNFOLLOWED: {
    kind: 'unavailable',
    exit: 3,
    means: 'What the log proves, or what is left of the replica, is not enough to go on from: a new look at the whole is needed.',
  },
  WAL_DAMAGED: { kind: 'damaged', exit: 1, means: 'A committed frame of the write-ahead log does not match its checksum.' },

  LTX_DAMAGED: { kind: 'damaged', exit: 1, means: 'A file of the replica is cut short, altered, or not of the LTX format.' },
  LTX_UNSUPPORTED: { kind: 'damaged', exit: 1, means: 'A file of the replica is of an LTX variant that is not read here.' },
  REPLICA_EMPTY: { kind: 'damaged', exit: 1, means: 'The replica holds no restore point.' },
  REPLICA_GAP: { kind: 'damaged', exit: 1, means: 'Files are missing between two restore points.' },
  REPLICA_FOREIGN: { kind: 'refused', exit: 4, means: 'The replica was written by another tool; it is read, never written.' },
  REPLICA_OTHER: { kind: 'refused', exit: 4, means: 'The capture that runs copies to another replica than the one that is configured.' },
  POINT_NOT_FOUND: {
    kind: 'refused',
    exit: 2,
    means: 'The replica has no restore point for the time, txid or timeline that was asked for.',
  },
  TIMELINE_SEALED: { kind: 'fenced', exit: 4, means: 'Somebody else continued this replica on another timeline.' },
  STORE_UNAVAILABLE: { kind: 'unavailable', exit: 3, means: 'The store of the replica does not answer.' },
  OBJECT_MISSING: { kind: 'damaged', exit: 1, means: 'An object that was listed is not there.' },
  DISK_FULL: { kind: 'unavailable', exit: 1, means: 'No space is left where something had to be written.' },
  IO_FAILED: { kind: 'unavailable', exit: 1, means: 'The operating system refused a read or a write.' },

  OUTPUT_EXISTS: { kind: 'refused', exit: 4, means: 'There is something at the output path already; nothing is ever overwritten.' },
  VERIFICATION_FAILED: { kind: 'damaged', exit: 1, means: 'What was restored is not what was recorded, or SQLite finds it damaged.' },
  CHECK_FAILED: {
    kind: 'refused',
    exit: 2,
    means: 'A check of the configuration could not be asked: its statement is wrong, would change something, or took too long.',
  },
  NO_GOOD_POINT: { kind: 'damaged', exit: 1, means: 'No restore point passes the checks.' },
  OWNERSHIP_LOST: { kind: 'refused', exit: 4, means: 'Owner, group or mode of the database could not be kept.' },

  CAPTURE_RUNNING: { kind: 'refused', exit: 4, means: 'Another process captures this database already, or recovers or validates it.' },
  CAPTURE_SILENT: { kind: 'unavailable', exit: 3, means: 'The capture process holds its lock but does not answer.' },
  CAPTURE_STUCK: { kind: 'unavailable', exit: 3, means: 'The capture process answered that it could not do what was asked.' },

  AGENT_RUNNING: { kind: 'refused', exit: 4, means: 'Another process is the agent of this system already.' },

  SERVICE_UNKNOWN: { kind: 'refused', exit: 2, means: 'The service that is configured is not known on this host.' },
  SERVICE_STOP_UNPROVEN: { kind: 'unavailable', exit: 3, means: 'The bot was told to stop, but it is not proven that it has.' },
  SERVICE_START_FAILED: { kind: 'unavailable', exit: 1, means: 'The bot was started but does not run.' },
  HALTED: { kind: 'refused', exit: 4, means: 'A halt latch stands: trading was stopped, and only its holder or a person removes it.' },

  CONFIRMATION_MISSING: { kind: 'refused', exit: 4, means: 'A live, changing command was not confirmed with the name of the system.' },
  RUN_ACTIVE: { kind: 'refused', exit: 4, means: 'Another run is active on this system.' },
  RUN_UNKNOWN: { kind: 'refused', exit: 2, means: 'There is no run with this id.' },
  RUN_PLAN_CHANGED: { kind: 'refused', exit: 4, means: 'The runbook changed since this run began.' },
  JOURNAL_DAMAGED: { kind: 'damaged', exit: 1, means: 'A record in the middle of the journal does not match its hash.' },
  JOURNAL_NEWER: { kind: 'refused', exit: 2, means: 'The journal was written by a newer version.' },
  STEP_FAILED: { kind: 'unavailable', exit: 1, means: 'A step of the runbook failed.' },
  DRILL_FAILED: { kind: 'unavailable', exit: 1, means: 'The drill could not be played or left something behind.' },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errorTable

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorTable, value)
}

/** The three things every error says. Each is one sentence without a secret in it. */
export interface ErrorText {
  /** What happened, with both values where something differs. */
  readonly what: string
  /** What was left untouched, or what state things are in now. */
  readonly untouched: string
  /** What to do next: the exact command where there is one. */
  readonly next: string
  readonly cause?: unknown
}

export class DrError extends Error {
  override readonly name = 'DrError'
  readonly code: ErrorCode
  readonly untouched: string
  readonly next: string

  constructor(code: ErrorCode, text: ErrorText) {
    super(text.what, text.cause === undefined ? {} : { cause: text.cause })
    this.code = code
    this.untouched = text.untouched
    this.next = text.next
  }

  get kind(): ErrorKind {
    return errorTable[this.code].kind
  }

  get exit(): number {
    return errorTable[this.code].exit
  }
}

export function isDrError(value: unknown, ...codes: readonly ErrorCode[]): value is DrError {
  return value instanceof DrError && (codes.length === 0 || codes.includes(value.code))
}

/** The message of anything that was thrown. */
export function sentenceOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
