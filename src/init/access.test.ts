/** As whom a database is protected, and what is said of it. Who may write what is tried beside adapters/sqlite/write-access.ts. */
import { describe, expect, it } from 'vitest'
import { initFacts } from '../../test/support/shell.ts'
import { accessOf } from './access.ts'

const self = (uid: number, ...groups: readonly number[]) => ({ uid, name: uid === 0 ? 'root' : 'ada', groups })
const refused = { may: false, because: 'this user may not write it', instead: 'Run it as root', commands: ['sudo chmod g+rw x'] } as const

describe('who runs it', () => {
  it.each([
    ['root', self(0, 0), 'root', /^root, who may do everything/],
    ['the owner', self(1000, 1000), "the bot's user", /^ada, who owns it/],
    ['a member of its group', self(7, 7, 1000), 'a user of its group', /cannot put a restored file in its place/],
    ['anybody, who may write', self(7, 7), 'another user', /cannot put a restored file in its place/],
  ])('%s -> said as whom, with what was seen', (_, who, as, because) => {
    expect(accessOf({ ...initFacts, self: who })).toMatchObject({ as, does: true, mend: [], because: expect.stringMatching(because) })
    expect(accessOf({ ...initFacts, self: who }).because).toContain('(the database is trader:trader 0644, its folder 0755)')
  })

  it('it may not -> why, who may, and the commands', () => {
    expect(accessOf({ ...initFacts, self: self(7, 7), writeAccess: refused })).toEqual({
      as: 'another user',
      does: false,
      because: 'this user may not write it (the database is trader:trader 0644, its folder 0755). Run it as root',
      mend: refused.commands,
    })
  })
})
