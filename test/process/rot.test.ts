/** Rot that SQLite does not notice, from the first look to the repaired database. */
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { children } from '../hosts/children.ts'
import { describeWith, linuxProc } from '../needs.ts'
import { type Desk, openDesk } from '../support/desk.ts'
import { until } from '../support/system.ts'

vi.setConfig({ testTimeout: 60_000 })

const execute = ['execute', '--scenario', 'DATABASE_CORRUPTION', '--yes', 'desk']

describeWith([linuxProc], 'one bit of a row rots under a bot', () => {
  const start = children()
  let desk: Desk
  beforeEach(async () => {
    desk = await openDesk(start)
  })
  afterEach(() => desk.clear())

  it('its capture runs -> validate names page, table and last good copy; execute replaces the page, and nothing is given up', async () => {
    await desk.replicate()
    const page = await rot()
    const found = await desk.json(['validate'])
    expect(found.status).toBe(5)
    expect(found.value).toMatchObject({
      success: false,
      because: expect.stringMatching(`^page ${page} of the database file is damaged`),
      damagedPages: [{ page, use: expect.stringMatching(/^leaf of table \w+$/), goodCopy: { timestamp: expect.any(String) } }],
    })
    // What is restorable is not concerned by it.
    const status = await desk.json(['status'])
    expect(status.value['concerns']).not.toContain('the last validation failed: run genesis-dr validate')
    const { status: exit, value } = await desk.json(execute)
    expect([exit, value['lostTransactions']]).toEqual([0, 0])
    expect(value['steps']).toContainEqual(
      expect.objectContaining({
        name: 'repair-pages',
        outcome: 'done',
        because: expect.stringMatching(`^page ${page} of the database was not what was committed`),
      }),
    )
    await until(async () => (await desk.json(['validate'])).status === 0, 'every page is what was committed')
  })

  it('no capture runs, and the bot stands still -> the same from the files at rest and the replica', async () => {
    const capture = await desk.replicate()
    const page = await rot()
    await desk.run(['stop-trading', '--yes', 'desk'])
    await capture.end('SIGTERM')
    expect((await desk.json(['validate'])).value).toMatchObject({ success: false, damagedPages: [{ page }] })
    const { value } = await desk.json([...execute.slice(0, 3), '--dry-run'])
    expect(value['because']).toContain(`page ${page} of the file is not what was committed`)
  })

  /** integrity_check itself finds nothing. */
  async function rot(): Promise<number> {
    const { plan, seen } = await desk.damage('leaf-payload')
    await seen()
    const database = new DatabaseSync(desk.database, { readOnly: true })
    const said = database.prepare('PRAGMA integrity_check').get()
    database.close()
    expect([said, plan.do]).toEqual([{ integrity_check: 'ok' }, 'overwrite'])
    return plan.do === 'overwrite' ? plan.page : 0
  }
})
