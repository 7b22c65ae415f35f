/** A replica of another database, and who notices before anything is stopped. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { putFile } from '../../test/support/small-replica.ts'
import { openFolderStore } from '../adapters/filesystem/object-store.ts'
import { DrError } from '../errors.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { timelineKey } from '../replica/layout.ts'
import { encodeTimeline } from '../replica/timeline.ts'
import { otherDatabaseOf, requireReplaceable } from './require-replaceable.ts'
import type { RunbookPorts } from './runbook.ts'

const database = '/desk/bot.db'

let folder = ''
let store: ObjectStore
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'genesis-dr-replaceable-'))
  store = await openFolderStore('file:replica', folder)
})
afterEach(() => rmSync(folder, { recursive: true }))

async function replicaOf(of: string | null): Promise<ObjectStore> {
  const timeline = { number: '00000001', id: '00000000000000aa', parent: null, database: of, createdAtMs: 0 }
  await store.create(timelineKey('00000001'), encodeTimeline(timeline), 0)
  await putFile(store, { timeline: '00000001', level: 9, minTxid: 1, maxTxid: 1 })
  return store
}

/** `stands`: a file is at the path; `known`: the timeline that its capture wrote it to. */
function ports(of: ObjectStore, { stands = true, known = null as string | null, other = null as string | null, ownable = true } = {}) {
  const facts = { device: 1, inode: 2, sizeBytes: 1, mode: 0, uid: 0, gid: 0 }
  return {
    store: of,
    files: { stat: async () => (stands ? facts : null) } as unknown as RunbookPorts['files'],
    openFiles: { logsBeside: async () => [] } as unknown as RunbookPorts['openFiles'],
    outputs: { whyNotLike: async () => (ownable ? null : 'it is of another user') } as unknown as RunbookPorts['outputs'],
    capture: { timelineOf: async () => known, otherReplica: async () => other } as unknown as RunbookPorts['capture'],
  }
}

describe('whose copy the replica is', () => {
  it('of a database at another path -> DATABASE_OTHER, with both paths, before anything is stopped', async () => {
    await expect(requireReplaceable(ports(await replicaOf('/other/good.db')), database)).rejects.toMatchObject({
      code: 'DATABASE_OTHER',
      exit: 4,
      message: expect.stringMatching(/\/other\/good\.db.*\/desk\/bot\.db/),
      untouched: expect.stringContaining('Nothing was stopped'),
    })
  })

  it.each([
    ['of this path', database, {}],
    ['of a replica that does not say', null, {}],
    ['of another path, and this very file was captured there before its folder was moved', '/former/bot.db', { known: '00000000000000aa' }],
    ['of another path, and no file stands here that could be lost', '/former/bot.db', { stands: false }],
  ])('%s -> it may be restored', async (_, of, over) => {
    const asked = ports(await replicaOf(of), over)
    expect(await otherDatabaseOf(asked, database)).toBeNull()
    await expect(requireReplaceable(asked, database)).resolves.toBeUndefined()
  })

  it('the replica is away -> trading is stopped all the same', async () => {
    const away = new DrError('STORE_UNAVAILABLE', { what: 'away', untouched: '', next: '' })
    const asked = ports({ ...store, folders: () => Promise.reject(away) })
    await expect(requireReplaceable(asked, database)).resolves.toBeUndefined()
  })

  it('the capture that runs copies to another replica -> REPLICA_OTHER with both, before anything is stopped', async () => {
    const asked = ports(await replicaOf(database), { other: 'file:/former' })
    await expect(requireReplaceable(asked, database)).rejects.toMatchObject({
      code: 'REPLICA_OTHER',
      message: expect.stringMatching(/file:\/former, and \S+ is configured/),
      untouched: expect.stringContaining('Nothing was stopped'),
    })
  })

  it('owner and group could not be kept -> OWNERSHIP_LOST', async () => {
    const asked = ports(await replicaOf(database), { ownable: false })
    await expect(requireReplaceable(asked, database)).rejects.toMatchObject({ code: 'OWNERSHIP_LOST' })
  })
})
