/** When damage starts a recovery by itself, and when it calls a person. */
import { describe, expect, it } from 'vitest'
import { type OlderFacts, olderText } from '../replication/capture-event.ts'
import { minutes } from '../units.ts'
import { agentSaw, decide, isMended, type Look, type Situation } from './decide.ts'

const nowMs = 1_735_732_800_000
const running: Look['service'] = { running: 'yes', pids: [42], because: 'running', exitStatus: null }
const ended = (exitStatus: number | null): Look['service'] => ({ running: 'no', pids: [], because: 'ended', exitStatus })
const well: Look = {
  found: '',
  committed: false,
  untold: '',
  troubles: [],
  older: [],
  damage: null,
  service: running,
  latch: null,
  interrupted: null,
  running: false,
}
const damaged: Look = { ...well, found: 'Database integrity check failures: page 7' }
const latch = (holder: string): Look['latch'] => ({ holder, reason: 'maintenance', setAtMs: 0 })

const olderBy = (least: number | null): OlderFacts => ({ replica: null, parent: '00000003', forkTxid: 7, commits: { least, most: 400 } })

function decided(look: Look, over: Partial<Situation> = {}) {
  return decide({
    look,
    foundBefore: true,
    scenario: 'DATABASE_CORRUPTION',
    mayExecute: true,
    mayRecoverOlder: false,
    lastRun: null,
    nowMs,
    ...over,
  })
}

describe('a look', () => {
  it('finds nothing, or cannot tell -> nothing is done, and which it was is said', () => {
    expect(decided(well)).toEqual({ do: 'nothing', because: 'no probe finds damage' })
    expect(decided({ ...well, untold: 'queries: busy' })).toEqual({ do: 'nothing', because: 'it cannot be told: queries: busy' })
  })
  it('finds damage for the first time -> looks again before anything is stopped', () => {
    expect(decided(damaged, { foundBefore: false }).do).toBe('look-again')
  })
  it('finds damage twice -> the runbook', () => {
    expect(decided(damaged)).toEqual({ do: 'execute', because: damaged.found, timeline: null })
  })
  it('finds damage once, and the capture met it too -> the runbook at once', () => {
    expect(decided({ ...damaged, damage: 'frame 7 is damaged' }, { foundBefore: false }).do).toBe('execute')
  })
  it('finds damage while somebody executes a run -> that one mends it', () => {
    expect(decided({ ...damaged, running: true }).do).toBe('nothing')
  })
})

describe('a person decides instead, who is told why', () => {
  it.each<[string, Look, Partial<Situation>, RegExp]>([
    ['the configuration does not allow it', damaged, { mayExecute: false }, /autoExecute does not name DATABASE_CORRUPTION/],
    [
      'only a check of the user says so',
      { ...damaged, committed: true },
      {},
      /a recovery gives up all that came after it, and the check itself may be wrong/,
    ],
    ['a person stopped trading', { ...damaged, latch: latch('person:ada') }, {}, /halted by person:ada \(maintenance\)/],
    ['a run failed and halts the bot', { ...damaged, latch: latch('20250101-120000-482a1') }, {}, /halted by 20250101-120000-482a1/],
    ['a latch that cannot be read', { ...damaged, latch: latch('unknown') }, {}, /halted by unknown/],
    ['no service is configured', { ...damaged, service: null }, {}, /no service is configured/],
    ['the bot ended without an error', { ...damaged, service: ended(0) }, {}, /may have stopped the bot/],
    ['the bot was told to end', { ...damaged, service: ended(143) }, {}, /may have stopped the bot/],
    ['how the bot ended is not known', { ...damaged, service: ended(null) }, {}, /may have stopped the bot/],
    [
      'whether the bot runs is not known',
      { ...damaged, service: { ...ended(null), running: 'unknown' } as Look['service'] },
      {},
      /may have/,
    ],
  ])('%s', (_what, look, over, because) => {
    const decision = decided(look, over)
    expect(decision.do).toBe('call')
    expect(decision.because).toMatch(because)
    expect(decision.because).toContain('genesis-dr execute --scenario DATABASE_CORRUPTION')
  })

  it('the last run did not mend it, or not for long -> no second one by itself', () => {
    const run = { scenario: 'DATABASE_CORRUPTION', atMs: nowMs - minutes(20), found: damaged.found }
    expect(decided(damaged, { lastRun: run })).toMatchObject({ do: 'call', because: expect.stringContaining('did not mend it') })
    const other = { ...run, found: 'something else' }
    expect(decided(damaged, { lastRun: { ...other, atMs: nowMs - minutes(14) } }).do).toBe('call')
    expect(decided(damaged, { lastRun: other }).do).toBe('execute')
  })
  it('the clock was set back since the last run -> a few minutes hold it back, a day does not', () => {
    const run = { scenario: 'DATABASE_CORRUPTION', atMs: nowMs, found: 'something else' }
    expect(decided(damaged, { lastRun: { ...run, atMs: nowMs + minutes(14) } }).do).toBe('call')
    expect(decided(damaged, { lastRun: { ...run, atMs: nowMs + minutes(24 * 60) } }).do).toBe('execute')
  })
})

describe('what was found before the last run is mended', () => {
  it.each<[string, Partial<Look>, boolean, string?]>([
    ['a look finds nothing', {}, true],
    ['a look cannot tell', { untold: 'queries: busy' }, false],
    ['a look finds damage', { found: 'page 7' }, false],
    ['somebody is mending it', { running: true }, false],
    [
      'a run was interrupted',
      { interrupted: { runId: 'r', scenario: 'S', ofTimeline: false, detectedAtMs: 0, detectedBecause: '' } },
      false,
    ],
    ['the database still lacks what that run was to bring back', { older: [olderBy(312)] }, false, olderText(olderBy(312))],
    ['that run mended damage, and the database lacks what the replica has', { older: [olderBy(312)] }, true],
    ['it may lack something, or the same pages came back', { older: [olderBy(0)] }, true, olderText(olderBy(0))],
  ])('%s -> %#', (_what, over, mended, foundBefore = 'page 7') => {
    expect(isMended({ ...well, ...over }, foundBefore)).toBe(mended)
  })
})

describe('the bot ended by its own error', () => {
  it.each([1, 134, 137, 139])('%d -> the runbook', (status) => {
    expect(decided({ ...damaged, service: ended(status) }).do).toBe('execute')
  })
})

describe('a run was interrupted', () => {
  const begun = { detectedAtMs: nowMs - 2000, detectedBecause: agentSaw('x') }
  const interrupted = { runId: 'run-1', scenario: 'DATABASE_CORRUPTION', ofTimeline: false, ...begun }
  const ours = { scenario: 'DATABASE_CORRUPTION', atMs: nowMs - 2000, found: 'x' }

  it('that the agent began, in its former life -> it goes on with it, whatever is found', () => {
    expect(decided({ ...well, interrupted, latch: latch('run-1') }, { lastRun: ours }).do).toBe('execute')
  })
  it('that the agent began on another timeline, as it still may -> it goes on with it', () => {
    const look = { ...well, interrupted: { ...interrupted, ofTimeline: true }, latch: latch('run-1') }
    expect(decided(look, { lastRun: ours, mayExecute: false, mayRecoverOlder: true }).do).toBe('execute')
  })
  it.each<[string, Partial<Situation>, Partial<Look>]>([
    ['that a person began', { lastRun: null }, {}],
    ['that began before the one of the agent was to', { lastRun: { ...ours, atMs: nowMs } }, {}],
    ['that a person began after the one of the agent had failed', { lastRun: { ...ours, found: 'y' } }, {}],
    ['of the agent, and a person stopped trading since', { lastRun: ours }, { latch: latch('person:ada') }],
    ['of the agent, and the configuration does not allow it any more', { lastRun: ours, mayExecute: false }, {}],
    [
      'of the agent, on another timeline, which the configuration does not allow',
      { lastRun: ours },
      { interrupted: { ...interrupted, ofTimeline: true } },
    ],
    ['of another scenario', { lastRun: ours }, { interrupted: { ...interrupted, scenario: 'RECOVER' } }],
  ])('%s -> a person is called', (_what, over, look) => {
    expect(decided({ ...well, interrupted, ...look }, over)).toMatchObject({
      do: 'call',
      because: expect.stringContaining('waits for a person'),
    })
  })
})

describe('the replica has commits that the database lacks', () => {
  const older: Look = { ...well, older: [olderBy(312)] }
  const may = { mayRecoverOlder: true }

  it('and the configuration lets the agent bring them back -> the runbook, on that timeline', () => {
    expect(decided(older, may)).toEqual({ do: 'execute', because: expect.stringContaining('312 to 400 commits'), timeline: '00000003' })
  })
  it('how many is not known, but that there are some is -> the runbook', () => {
    expect(decided({ ...well, older: [olderBy(null)] }, may)).toMatchObject({ do: 'execute', timeline: '00000003' })
  })
  it('and the database is damaged as well -> what is damaged is recovered first, on its own timeline', () => {
    expect(decided({ ...older, ...damaged, older: older.older }, may)).toMatchObject({ do: 'execute', timeline: null })
  })
  it.each<[string, Look, Partial<Situation>]>([
    ['the configuration does not allow it', older, { mayRecoverOlder: false }],
    ['it may be that only the same pages came back', { ...well, older: [olderBy(0)] }, may],
  ])('%s -> nothing is done, people were told', (_what, look, over) => {
    expect(decided(look, over).do).toBe('nothing')
  })
  it.each<[string, Partial<Look>, Partial<Situation>]>([
    ['a person stopped trading', { latch: latch('person:ada') }, {}],
    ['the bot may have been stopped', { service: ended(0) }, {}],
    ['no service is configured', { service: null }, {}],
    ['a run began a while ago', {}, { lastRun: { scenario: 'S', atMs: nowMs - 1000, found: 'x' } }],
  ])('%s -> a person is called', (_what, look, over) => {
    expect(decided({ ...older, ...look }, { ...may, ...over }).do).toBe('call')
  })
  it('and a run did not bring them back -> no second one by itself', () => {
    const { because } = decided(older, may)
    const lastRun = { scenario: 'DATABASE_CORRUPTION', atMs: nowMs - minutes(20), found: because }
    expect(decided(older, { ...may, lastRun })).toMatchObject({ do: 'call', because: expect.stringContaining('did not mend it') })
  })
})
