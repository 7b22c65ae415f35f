/** Who may follow a database, and what lets the others in. */
import { describe, expect, it } from 'vitest'
import { type WriteFacts, wayIn, whyNot } from './write-access.ts'

/** Our user, who is in the group of the bot, in a folder that hands it on. */
const facts: WriteFacts = {
  database: '/srv/bot/bot.db',
  folder: '/srv/bot',
  files: ['/srv/bot/bot.db', '/srv/bot/bot.db-wal', '/srv/bot/bot.db-shm'],
  denied: [],
  uid: 2000,
  gids: [2000, 1000],
  owner: { uid: 1000, gid: 1000, mode: 0o100660 },
  newGid: 1000,
}
const ownGroup = { newGid: 2000 }

describe('who may follow a database', () => {
  it.each<[string, Partial<WriteFacts>, RegExp | null]>([
    ['group write on files and folder', {}, null],
    ['the bot itself, whatever the group of new files', { ...ownGroup, uid: 1000 }, null],
    ['root, for whom SQLite keeps the owner', { ...ownGroup, uid: 0 }, null],
    ['everybody may write', { ...ownGroup, owner: { ...facts.owner, mode: 0o100666 } }, null],
    ['the folder does not hand on its group', ownGroup, /would be of group 2000 and not of group 1000, so that the bot \(uid 1000\)/],
    ['one file cannot be written', { denied: ['/srv/bot/bot.db-shm'] }, /\(uid 2000\) may not write \/srv\/bot\/bot\.db-shm, so that/],
  ])('%s', (_, over, because) => {
    const said = whyNot({ ...facts, ...over })
    if (because === null) expect(said).toBeNull()
    else expect(said).toMatch(because)
  })
})

describe('what lets a user in', () => {
  const files = '/srv/bot/bot.db /srv/bot/bot.db-wal /srv/bot/bot.db-shm'
  const given = `sudo chgrp 1000 ${files} /srv/bot && sudo chmod g+rw ${files} && sudo chmod g+rwxs /srv/bot`

  it.each<[string, Partial<WriteFacts>, string]>([
    ['a member of its group', {}, `Run it as the user of the bot (uid 1000) or as root; or let this user in: ${given}`],
    [
      'no member yet',
      { gids: [2000] },
      `Run it as the user of the bot (uid 1000) or as root; or let this user in: sudo usermod -aG 1000 "$(id -un)" && ${given} (then log in again)`,
    ],
    ['the bot is root: nobody is made a member of that', { owner: { uid: 0, gid: 0, mode: 0o100644 } }, 'Run it as root.'],
  ])('%s', (_, over, said) => {
    expect(wayIn({ ...facts, ...over })).toBe(said)
  })

  it('a path with quotes and blanks -> a shell reads it back as it is', () => {
    const said = wayIn({ ...facts, folder: "/srv/ada's bot", files: ["/srv/ada's bot/bot.db"] })
    expect(said).toContain(`sudo chmod g+rwxs '/srv/ada'\\''s bot'`)
  })
})
