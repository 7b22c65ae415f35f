/** Who may protect a database, and what mends it where he may not. */
import { describe, expect, it } from 'vitest'
import { type AccessFacts, accessOf } from './access.ts'

const file = { device: 1, inode: 2, sizeBytes: 1, uid: 1000, gid: 1000 }
const facts = (over: {
  readonly self?: Partial<AccessFacts['self']>
  readonly database?: Partial<AccessFacts['database']>
  readonly folder?: Partial<AccessFacts['folder']>
  readonly mayWrite?: Partial<AccessFacts['mayWrite']>
  readonly group?: string
}): AccessFacts => ({
  self: { uid: 1001, gid: 1001, name: 'ada', groups: [1001], ...over.self },
  database: { ...file, path: '/srv/bot/trades.db', mode: 0o100644, ...over.database },
  folder: { ...file, path: '/srv/bot', mode: 0o40755, ...over.folder },
  owner: 'trader',
  group: over.group ?? 'trader',
  mayWrite: { database: true, folder: true, ...over.mayWrite },
})
const blind = { database: false, folder: false }
const shared = { database: { mode: 0o100660 }, folder: { mode: 0o42770 } }

describe('who runs it', () => {
  it.each([
    ['root', facts({ self: { uid: 0, gid: 0, name: 'root', groups: [0] } }), 'root', true],
    ['the owner of the database', facts({ self: { uid: 1000, gid: 1000, groups: [1000] } }), "the bot's user", true],
    ['a member of its group, with write and setgid', facts({ ...shared, self: { groups: [1001, 1000] } }), 'a user of its group', true],
    [
      'a member whose own group it is, without setgid',
      facts({ database: { mode: 0o100660 }, folder: { mode: 0o40770 }, self: { gid: 1000, groups: [1000] } }),
      'a user of its group',
      true,
    ],
    [
      'a member, and the folder has no setgid',
      facts({ ...shared, folder: { mode: 0o40770 }, self: { groups: [1001, 1000] } }),
      'a user of its group',
      false,
    ],
    [
      'a member, and the folder is of another group',
      facts({ ...shared, folder: { mode: 0o42770, gid: 7 }, self: { groups: [1001, 1000] } }),
      'a user of its group',
      false,
    ],
    ['a member who may only read', facts({ self: { groups: [1001, 1000] }, mayWrite: blind }), 'a user of its group', false],
    ['a stranger who may only read', facts({ mayWrite: blind }), 'another user', false],
    ['a stranger who may write, as everybody', facts({ database: { mode: 0o100666 }, folder: { mode: 0o40777 } }), 'another user', false],
    ['root on a mount that is read-only', facts({ self: { uid: 0, groups: [0] }, mayWrite: blind }), 'root', false],
    ['the owner of a file without write', facts({ self: { uid: 1000 }, mayWrite: { database: false } }), "the bot's user", false],
  ])('%s -> %s, said with what was seen', (_, given, as, does) => {
    expect(accessOf(given)).toMatchObject({ as, does })
    expect(accessOf(given).because).toMatch(/0\d{3}|mounted read-only/)
  })
})

describe('what mends it', () => {
  it('a stranger -> the group of the database, then write for it on files and folder, and setgid', () => {
    expect(accessOf(facts({ mayWrite: blind })).mend).toEqual([
      'usermod -aG trader ada   # then log in anew',
      'chgrp trader /srv/bot /srv/bot/trades.db*',
      'chmod g+rw /srv/bot/trades.db*',
      'chmod g+rwxs /srv/bot',
    ])
  })

  it('a member already -> nothing to join', () => {
    expect(accessOf(facts({ self: { groups: [1001, 1000] }, mayWrite: blind })).mend).toHaveLength(3)
  })

  it('the group of the database is that of root -> nobody is made a member of it', () => {
    const { mend } = accessOf(facts({ group: 'root', database: { gid: 0 }, mayWrite: blind }))
    expect(mend.slice(0, 3)).toEqual([
      'groupadd --force bot',
      'usermod -aG bot trader   # then start the bot anew',
      'usermod -aG bot ada   # then log in anew',
    ])
    expect(mend.join(' ')).not.toMatch(/-aG root|chgrp root/)
  })

  it('a path with blanks and quotes -> one word of the shell', () => {
    const odd = { path: "/srv/my bot's/trades.db" }
    expect(accessOf(facts({ database: odd, mayWrite: blind })).mend[2]).toBe("chmod g+rw '/srv/my bot'\\''s/trades.db'*")
  })

  it('it does -> nothing', () => {
    expect(accessOf(facts({ ...shared, self: { groups: [1000] } })).mend).toEqual([])
  })
})
