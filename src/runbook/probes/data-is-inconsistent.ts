/** "Data inconsistencies detected". */
import { runUserChecks } from '../check-database.ts'
import { lookAccess, untouchable } from '../look-access.ts'
import { pageList } from '../page-list.ts'
import { probe } from '../runbook.ts'

export const dataIsInconsistent = probe({
  name: 'data-is-inconsistent',
  title: 'Data inconsistencies detected',
  asks: 'the capture whether log and files are what they were and every page what was committed, and your own checks.',
  needs: ['checks', 'files', 'openFiles', 'capture'],
  async look({ checks, ...ports }, { database, checks: own }) {
    const { pid, control } = await ports.capture.reach()
    if (pid !== null) {
      const position = await control.position()
      if (position.damage !== null) return { found: true, because: position.damage }
      if (position.moved.includes('wal')) return { found: true, because: 'the log of the database was deleted while it was in use' }
    }
    const { damaged, because: unjudged } = await control.scrub()
    if (damaged.length > 0)
      return { found: true, because: `${pageList(damaged)} of the file ${damaged.length === 1 ? 'is' : 'are'} not what was committed` }
    const access = own.length === 0 ? 'alone' : await lookAccess(ports, database)
    if (access === null) return untouchable
    for await (const { check, outcome, observed, expected, error } of runUserChecks(checks, database, access, own)) {
      if (outcome === 'pass') continue
      if (error !== null) return { found: error.kind === 'damaged' ? true : null, because: `${check}: ${observed}` }
      return { found: true, because: `${check}: ${observed} instead of ${expected}` }
    }
    const pages =
      unjudged === null ? 'every page of the file is what was committed' : `the pages of the file could not be compared: ${unjudged}`
    return {
      found: false,
      because: `${pages}; ${own.length} of ${own.length} checks hold${pid === null ? '; no capture runs to ask' : ''}`,
    }
  },
})
