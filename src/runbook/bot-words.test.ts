/** The bot's own log as a witness: damage starts a recovery, other trouble is named, and what is not known is said. */
import { describe, expect, it } from 'vitest'
import { atRest } from '../../test/support/small-runbook.ts'
import type { LogLine, Service, ServiceState } from '../ports/service.ts'
import { wordsIn } from './bot-words.ts'
import { botCrashes } from './probes/bot-crashes.ts'
import { queriesFail } from './probes/queries-fail.ts'
import type { RunSettings } from './runbook.ts'

const settings = { logPatterns: ['malformed', 'disk i/o error'], database: '/data/bot.db' } as unknown as RunSettings
const at = (second: number | null, text: string): LogLine => ({ text, atMs: second === null ? null : second * 1000 })
const said = (...texts: readonly string[]): readonly LogLine[] => texts.map((text) => at(null, text))
const words = (lines: readonly LogLine[], gap: string | null = null) => wordsIn({ lines, gap }, settings)

const damage = 'sqlite3.DatabaseError: database disk image is MALFORMED'
const full = 'sqlite3.OperationalError: database or disk is full'
const busy = 'sqlite3.OperationalError: database is locked'

describe('damage', () => {
  it.each<[string, readonly string[], string | null]>([
    ['nothing', [], null],
    ['nothing of damage', ['ready', 'order 7 filled'], null],
    ['of damage, in any case of letters, and then of its end', ['ready', damage, 'ended'], damage],
    ['of damage twice', [damage, 'disk I/O error (10)'], 'disk I/O error (10)'],
    ['more than anybody can read', [`malformed ${'x'.repeat(300)}`], `malformed ${'x'.repeat(190)}`],
    ['that the disk is full, and of what comes of it', [full, 'disk I/O error'], null],
    ['that the disk is full, and of damage', [damage, full, 'disk I/O error'], damage],
  ])('the log says %s -> the newest such line, cut, or none', (_, texts, found) => {
    expect(words(said(...texts)).damage).toBe(found)
  })
})

describe('other trouble', () => {
  it.each([full, 'OSError: [Errno 28] No space left on device', 'code: SQLITE_FULL'])('%s -> named, with what to do', (text) => {
    expect(words(said('ready', text, 'ready'))).toEqual({
      damage: null,
      troubles: [`the bot says: ${text}. Free space on its disk; a recovery does not mend this`],
      untold: null,
    })
  })

  const locks = (...seconds: readonly number[]): readonly LogLine[] => seconds.map((second) => at(second, busy))
  it.each<[string, readonly LogLine[], string | null]>([
    ['once', locks(1), null],
    ['three times at once', locks(1, 2, 3), null],
    ['twice within a minute', locks(1, 50), null],
    ['three times within exactly 10 s', locks(0, 5, 10), null],
    ['again and again', locks(0, 5, 10, 15), 'the bot says 4 times within 15 s'],
    ['a bot that waits 30 s each time', locks(0, 30, 60), 'the bot says 3 times within 60 s'],
    ['now and then', locks(0, 3600, 7200, 10_800), null],
    ['long ago and now', [...locks(0), ...locks(3600, 3606, 3612)], 'the bot says 3 times within 12 s'],
    ['for a while, until it went on', [...locks(0, 6, 12), at(80, 'order filled')], null],
    ['in the midst of its work', [...locks(0, 6), at(8, 'order filled'), ...locks(12)], 'the bot says 3 times within 12 s'],
  ])('locked %s -> %s', (_, lines, because) => {
    const { damage, troubles, untold } = words(lines)
    expect([damage, untold]).toEqual([null, null])
    if (because === null) expect(troubles).toEqual([])
    else expect(troubles).toEqual([expect.stringContaining(`${because}: ${busy}. Find who holds the write lock`)])
  })

  it.each([
    ['2025-01-01 12:00:00,5 ERROR', '2025-01-01 12:00:06,000 ERROR', '2025-01-01 12:00:12,250 ERROR'],
    ['[2025-01-01T12:00:00Z] error', '[2025-01-01T12:00:06+00:00] error', '[2025-01-01T14:00:12+0200] error'],
  ])('nobody keeps the time of its lines, but it writes it itself: %s -> by those, also of what follows below them', (...stamps) => {
    const { troubles } = words(said(...stamps.flatMap((stamp) => [`${stamp} traceback`, '  in commit()', busy])))
    expect(troubles).toEqual([expect.stringContaining('3 times within 12 s')])
  })

  it('nobody knows when it said so -> for how long it is locked is not known, and that is said', () => {
    expect(words(said(busy, busy))).toMatchObject({ troubles: [], untold: null })
    expect(words(said(busy, '2025-99-99 99:99:99', busy, busy))).toMatchObject({
      troubles: [],
      untold: expect.stringMatching(/^the bot says 3 times that the database is locked, for how long is not known/),
    })
  })

  it('its log cannot be read -> what it says is not known, and nothing is found in it', () => {
    expect(words([], 'no journal')).toEqual({ damage: null, troubles: [], untold: 'what the bot says is not known: no journal' })
  })
})

describe('the probes that listen to it', () => {
  const service = (state: Partial<ServiceState>, lines: readonly LogLine[], gap: string | null = null): Service => ({
    description: 'unit genesis-trading',
    state: async () => ({ running: 'no', pids: [], because: 'exited with status 1', exitStatus: 1, ...state }),
    stop: () => Promise.reject(new Error('a probe stops nothing')),
    start: () => Promise.reject(new Error('a probe starts nothing')),
    recentLog: async () => ({ lines, gap }),
  })
  const runs: Partial<ServiceState> = { running: 'yes', because: 'active (running)', exitStatus: null }
  const checks = { integrity: async () => [], queryValue: async () => 0, rowCounts: async () => ({}), pageUses: async () => new Map() }
  const troubles = [expect.stringContaining('disk is full')]

  it.each<[string, Service, unknown]>([
    ['it ended of damage', service({}, said(damage)), { found: true, because: `it ended (exited with status 1) saying: ${damage}` }],
    [
      'it ended of something else',
      service({}, said('no such exchange')),
      { found: false, because: expect.stringContaining('says nothing of damage') },
    ],
    [
      'it ended of a full disk',
      service({}, said(full)),
      { found: false, because: expect.stringContaining('says nothing of damage'), troubles },
    ],
    [
      'it ended, and its log cannot be read',
      service({}, [], 'no journal'),
      { found: null, because: expect.stringMatching(/status 1\), and .*no journal$/) },
    ],
    [
      'it is about to be started again',
      service({ running: 'yes' }, said(damage)),
      { found: true, because: `it ended (exited with status 1) saying: ${damage}` },
    ],
    [
      'it was started again',
      service({ ...runs, restarts: 4 }, said(damage)),
      { found: true, because: `it ended (active (running)) saying: ${damage}` },
    ],
    [
      'it was started again after something else',
      service({ ...runs, restarts: 4 }, []),
      { found: false, because: expect.stringMatching(/^it was started again/) },
    ],
    ['it runs', service(runs, said('ready')), { found: false, because: 'active (running)' }],
    ['it is not known whether it runs', service({ running: 'unknown', because: 'no answer' }, []), { found: null, because: 'no answer' }],
  ])('crashes: %s', async (_, asked, finding) => {
    expect(await botCrashes.look({ service: asked }, settings)).toEqual(finding)
  })

  it.each<[string, Service | null, unknown]>([
    ['damage', service(runs, said(damage)), { found: true, because: `the bot says: ${damage}` }],
    ['a full disk', service(runs, said(full)), { found: false, because: '0 tables can be read', troubles }],
    [
      'what nobody can read',
      service(runs, [], 'no journal'),
      { found: false, because: '0 tables can be read; what the bot says is not known: no journal' },
    ],
    ['nothing, without a service', null, { found: false, because: '0 tables can be read' }],
  ])('query errors: it says %s', async (_, asked, finding) => {
    expect(await queriesFail.look({ ...atRest, service: asked, checks }, settings)).toEqual(finding)
  })
})
