/** `status`, `replication-status` and `backup-status`: looking, which changes nothing. */
import { command, show } from '../command.ts'
import { backupScreen } from '../render/backup-screen.ts'
import { replicationScreen, statusScreen } from '../render/status-screen.ts'

export const status = command({
  name: 'status',
  summary: 'readiness of everything on one screen',
  about: 'The first line says what would happen if this host died now, or what of it is not known.',
  changes: 'nothing',
  options: {},
  examples: [
    { line: 'status', does: 'one screen' },
    { line: 'status --json', does: 'the same as one value' },
  ],
  json: '{ headline, ready, concerns, system, database, service, halt, replication, backup, lastRun, older, worthKnowing, botSqlite, agent, notConfigured }',
  exits: { 5: 'something needs attention' },
  run: async (_args, world) => {
    const value = await world.parts.status()
    show(world, value, (palette, columns) => statusScreen(value, palette, columns))
    return value.ready ? 0 : 5
  },
})

export const replicationStatus = command({
  name: 'replication-status',
  summary: 'how far the replica is behind, and whether a commit can have been missed',
  about: 'Asks the capture that runs. Where none runs, nothing of this is known, and it says so.',
  changes: 'nothing',
  options: {},
  examples: [{ line: 'replication-status', does: 'lag, waiting commits, continuity' }],
  json: '{ database, replica, state, because, trouble, pid, timeline, txid, lagMs, pending, continuous, lastCommitAt, walBytes, walLargeSince, readers, gaveUp, unproven, sameDisk, pages }',
  exits: { 3: 'a capture runs but does not answer', 5: 'no capture follows the database, or it cannot copy all that is committed' },
  run: async (_args, world) => {
    const value = await world.parts.replicationStatus()
    show(world, value, (palette, columns) => replicationScreen(value, palette, columns))
    if (value.state === 'unknown') return 3
    return value.state === 'capturing' && value.continuous === true && value.trouble === null ? 0 : 5
  },
})

export const backupStatus = command({
  name: 'backup-status',
  summary: 'timelines and restore points, and when a restore was last proven',
  about: 'Lists what is in the replica; a replica that Litestream wrote is read as it is.',
  changes: 'nothing',
  options: {},
  examples: [{ line: 'backup-status --replica file:./replica', does: 'what can be restored from there' }],
  json: '{ database, replica, timeline, points, earliest, latest, txid, ageMs, lagMs, verifiedAt, verifiedTxid, sizeBytes, writtenBy, timelines }',
  exits: { 5: 'there is no restore point' },
  run: async (_args, world) => {
    const value = await world.parts.backupStatus()
    show(world, value, (palette, columns) => backupScreen(value, palette, columns))
    return value.points > 0 ? 0 : 5
  },
})
