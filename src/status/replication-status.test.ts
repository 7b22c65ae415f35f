/** How far the replica is behind, as the capture says; where it cannot say, nothing is claimed. */
import { describe, expect, it } from 'vitest'
import { DrError } from '../errors.ts'
import type { CapturePosition } from '../ports/capture-control.ts'
import type { Holder } from '../ports/open-files.ts'
import { replicationStatus } from './replication-status.ts'

const position: CapturePosition = {
  state: 'capturing',
  pid: 100,
  database: '/data/bot.db',
  replica: 'file:/replica',
  timeline: '00000001',
  txid: 17,
  lastCommitMs: 1_735_732_800_000,
  pendingCommits: 2,
  lagMs: 35,
  walBytes: 12_360,
  walUnfinished: false,
  walLargeSinceMs: null,
  gaveUp: null,
  unproven: null,
  moved: [],
  trouble: null,
  damage: null,
  scrub: null,
  continuous: true,
}
const nobodyElse = async () => null
const nobodyReads = async (): Promise<readonly Holder[] | null> => []
const statusAt = (over: Partial<CapturePosition>, readers = nobodyReads, pastUs: () => Promise<string | null> = nobodyElse) =>
  replicationStatus(
    '/data/bot.db',
    'file:/replica',
    false,
    async () => ({ pid: 100, control: { position: async () => ({ ...position, ...over }) } }),
    readers,
    pastUs,
  )

const nothingKnown = {
  pid: null,
  timeline: null,
  txid: null,
  lagMs: null,
  pending: null,
  continuous: null,
  lastCommitAt: null,
  walBytes: null,
  walLargeSince: null,
  readers: null,
  gaveUp: null,
  unproven: null,
  pages: null,
}

describe('replication', () => {
  it('a capture follows the database -> what it says, in the words of a person', async () => {
    expect(await statusAt({})).toEqual({
      database: '/data/bot.db',
      replica: 'file:/replica',
      state: 'capturing',
      because: 'the capture follows the database',
      trouble: null,
      pid: 100,
      timeline: '00000001',
      txid: '0000000000000011',
      lagMs: 35,
      pending: 2,
      continuous: true,
      lastCommitAt: '2025-01-01T12:00:00.000Z',
      walBytes: 12_360,
      walLargeSince: null,
      readers: null,
      gaveUp: null,
      unproven: null,
      sameDisk: false,
      pages: null,
    })
  })

  it('no capture runs -> nothing is known, and nothing is asked of the files', async () => {
    expect(
      await replicationStatus('/data/bot.db', 'file:/replica', false, async () => ({ pid: null }), nobodyReads, nobodyElse),
    ).toMatchObject({
      ...nothingKnown,
      state: 'not-running',
      because: 'no capture runs: nothing is copied now. Start: genesis-dr replicate',
      trouble: 'no capture runs: nothing is copied now. Start: genesis-dr replicate',
    })
  })

  it('it does not answer -> unknown, with why, and nothing of what it said before', async () => {
    const silent = new DrError('CAPTURE_SILENT', { what: 'process 100 does not answer', untouched: 'All.', next: 'Wait.' })
    const status = await replicationStatus('/data/bot.db', 'file:/replica', null, () => Promise.reject(silent), nobodyReads, nobodyElse)
    expect(status).toEqual({
      ...nothingKnown,
      database: '/data/bot.db',
      replica: 'file:/replica',
      state: 'unknown',
      because: 'process 100 does not answer',
      trouble: 'process 100 does not answer',
      sameDisk: null,
    })
  })

  it('it answers with something that is no error of ours -> that is a bug, and goes on as one', async () => {
    await expect(
      replicationStatus('d', 'r', null, () => Promise.reject(new TypeError('x is undefined')), nobodyReads, nobodyElse),
    ).rejects.toThrow('x is undefined')
  })

  it.each(['attaching', 'let-go'] as const)('it is %s -> lag and waiting commits are not known, zero or not', async (state) => {
    expect(await statusAt({ state, timeline: '', txid: 0, lastCommitMs: 0, lagMs: 0, pendingCommits: 0, continuous: false })).toMatchObject(
      {
        state,
        pid: 100,
        timeline: null,
        txid: null,
        lagMs: null,
        pending: null,
        lastCommitAt: null,
        continuous: false,
      },
    )
  })

  it('several things are wrong -> damage before trouble, trouble before a file that moved', async () => {
    const moved = ['database', 'wal'] as const
    expect((await statusAt({ moved, trouble: 'the store is away', damage: 'frame 7 is damaged' })).because).toBe('frame 7 is damaged')
    expect((await statusAt({ moved, trouble: 'the store is away' })).because).toBe('the store is away')
    expect((await statusAt({ moved })).because).toBe('the database and the wal file was replaced or deleted')
  })

  it('it does not say that anything is wrong, but that commits may have been missed, or that it is not attached -> that is trouble', async () => {
    expect((await statusAt({ continuous: false })).trouble).toContain('may have been missed')
    expect(await statusAt({ state: 'let-go' })).toMatchObject({ because: 'the capture is let-go', trouble: 'the capture is let-go' })
  })

  it('the log is large, and a process of the bot reads -> it is named, and since when; not known is said', async () => {
    const large = { walBytes: 314_572_800, walUnfinished: true, walLargeSinceMs: 1_735_732_800_000 }
    const bot = async () => [{ pid: 42, command: 'python3 bot.py' }]
    const status = await statusAt(large, bot)
    expect(status).toMatchObject({ walLargeSince: '2025-01-01T12:00:00.000Z', readers: [{ pid: 42 }] })
    expect(status.trouble).toBe(
      'the log has 300.0 MiB and cannot become small since 2025-01-01T12:00:00.000Z, and process 42 (python3 bot.py) is in a read transaction now',
    )
    for (const unknown of [nobodyReads, async () => null]) {
      expect((await statusAt(large, unknown)).trouble).toMatch(/and which process reads from it is not known$/)
    }
  })

  it('a bot commits through a log that the capture cannot see -> that is the trouble, and neither lag nor continuity is claimed', async () => {
    const status = await statusAt({}, nobodyReads, async () => 'process 7 has it open under another name')
    expect(status).toMatchObject({ trouble: expect.stringContaining('process 7'), lagMs: null, pending: null, continuous: false })
  })

  it('the pin was given up -> when, until when and why', async () => {
    const gaveUp = { atMs: 1_735_732_800_000, untilMs: null, because: 'the log has 1.10 GiB' }
    expect((await statusAt({ gaveUp })).gaveUp).toEqual({ at: '2025-01-01T12:00:00.000Z', until: null, because: 'the log has 1.10 GiB' })
    const over = { ...gaveUp, untilMs: 1_735_732_860_000 }
    expect((await statusAt({ gaveUp: over })).gaveUp).toMatchObject({ until: '2025-01-01T12:01:00.000Z' })
  })
})
