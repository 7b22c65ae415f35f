/** Names that a restored file must not have. */
import { describe, expect, it } from 'vitest'
import { requireOutputPath } from './output-path.ts'

const places = { database: '/desk/bot.db', folders: ['/backup/replica', '/desk/.bot.db-dr'] }
const asked = (output: string) => (): void => requireOutputPath(output, places)

describe('where a restored file is to go', () => {
  it.each(['/desk/bot.db-wal', '/desk/bot.db-shm', '/desk/bot.db-journal'])('%s -> SQLite would take it for its own: refused', (output) => {
    expect(asked(output)).toThrow(/takes .* for a part of \/desk\/bot\.db/)
  })

  it('the database itself -> refused: in place is another command', () => {
    expect(asked('/desk/bot.db')).toThrow(/is the database itself/)
  })

  it.each(['/backup/replica/00000002', '/backup/replica', '/desk/.bot.db-dr/x.db'])('%s -> it would break the copy: refused', (output) => {
    expect(asked(output)).toThrow(/holds the copies/)
  })

  it.each(['/desk/look.db', '/backup/replica-look.db', '/desk/other.db-wal'])('%s -> fine', (output) => expect(asked(output)).not.toThrow())
})
