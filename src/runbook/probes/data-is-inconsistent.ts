/** "Data inconsistencies detected". */
import { MiB } from '../../units.ts'
import { runUserChecks } from '../check-database.ts'
import { lookAccess, untouchable } from '../look-access.ts'
import { underOtherName } from '../other-name.ts'
import { pageList } from '../page-list.ts'
import { type Captor, probe, type RunbookPorts } from '../runbook.ts'

export const dataIsInconsistent = probe({
  name: 'data-is-inconsistent',
  title: 'Data inconsistencies detected',
  asks: 'the capture whether log and files are what they were and every page what was committed, and your own checks.',
  needs: ['checks', 'files', 'openFiles', 'capture'],
  async look({ checks, ...ports }, { database, checks: own }) {
    const captor = await ports.capture.reach()
    if (captor.pid !== null) {
      const position = await captor.control.position()
      if (position.damage !== null) return { found: true, because: position.damage }
      if (position.moved.includes('wal')) return { found: true, because: 'the log of the database was deleted while it was in use' }
    }
    const elsewhere = await underOtherName(ports, database)
    // What it committed through another log is no damage, and no recovery may take it for that.
    if (elsewhere !== null) return { found: null, because: elsewhere, troubles: [elsewhere] }
    const { damaged, said } = await pagesBy(captor, ports, database)
    if (damaged.length > 0) return { found: true, because: said }
    const access = own.length === 0 ? 'alone' : await lookAccess(ports, database)
    if (access === null) return untouchable
    for await (const { check, outcome, observed, expected, error } of runUserChecks(checks, database, access, own)) {
      if (outcome === 'pass') continue
      if (error !== null) return { found: error.kind === 'damaged' ? true : null, because: `${check}: ${observed}` }
      return { found: true, because: `${check}: ${observed} instead of ${expected}`, committed: true }
    }
    const asked = captor.pid === null ? '; no capture runs to ask' : ''
    return { found: false, because: `${said}; ${own.length} of ${own.length} checks hold${asked}` }
  },
})

/** Chosen: so much is read within a few tenths of a second. A larger file the capture goes through at its own rate, and says what it met. */
const readAtOnceBytes = 64 * MiB

async function pagesBy(
  { pid, control }: Captor,
  { files }: Pick<RunbookPorts, 'files'>,
  database: string,
): Promise<{ readonly damaged: readonly number[]; readonly said: string }> {
  const large = pid !== null && ((await files.stat(database))?.sizeBytes ?? 0) > readAtOnceBytes
  const scrub = large ? (await control.position()).scrub : null
  const { damaged, because } = scrub === null ? await control.scrub() : { ...scrub, because: null }
  if (damaged.length > 0)
    return { damaged, said: `${pageList(damaged)} of the file ${damaged.length === 1 ? 'is' : 'are'} not what was committed` }
  if (because !== null) return { damaged, said: `the pages of the file could not be compared: ${because}` }
  const all =
    scrub === null
      ? 'every page of the file is what was committed'
      : 'the capture, which goes through the pages of the file, met none that is damaged'
  return { damaged, said: all }
}
