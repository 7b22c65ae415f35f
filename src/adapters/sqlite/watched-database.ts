/** A live database that tells a watch what it does: every read is a beat, and the write lock is told of before it is asked for. */
import type { CaptureWatch } from '../../ports/capture-watch.ts'
import type { LiveDatabase } from '../../ports/live-database.ts'

/** `open`: may take long where it has to recover the log, or waits for whoever does. @throws as `open` */
export function watchedDatabase(open: () => LiveDatabase, watch: CaptureWatch): LiveDatabase {
  const atWork = <T>(work: () => T): T => {
    watch.tell('work-begun')
    try {
      return work()
    } finally {
      watch.tell('work-ended')
    }
  }
  const database = atWork(open)
  const { bytes, locks } = database
  const beating = <T>(value: T): T => {
    watch.tell('beat')
    return value
  }
  return {
    ...database,
    bytes: {
      readWal: (offset, into) => beating(bytes.readWal(offset, into)),
      readDatabase: (offset, into) => beating(bytes.readDatabase(offset, into)),
      databaseBytes: () => bytes.databaseBytes(),
    },
    locks: {
      ...locks,
      lockWriters: () => {
        watch.tell('lock-wanted')
        let had = false
        try {
          had = locks.lockWriters()
          return had
        } finally {
          if (!had) watch.tell('lock-released')
        }
      },
      unlockWriters: () => {
        try {
          locks.unlockWriters()
        } finally {
          watch.tell('lock-released')
        }
      },
      checkpoint: () => atWork(() => locks.checkpoint()),
      truncate: () => atWork(() => locks.truncate()),
    },
    close: () => atWork(() => database.close()),
  }
}
