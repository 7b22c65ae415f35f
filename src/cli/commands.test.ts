/** What each command asks of the system, what it shows of the answer, and the exit status that this is. */
import { describe, expect, it } from 'vitest'
import { backup, onScreen, replication, report, result, run, status, type, validated } from '../../test/support/shell.ts'
import { must } from '../assert.ts'
import type { CaptureEvent } from '../replication/capture-event.ts'
import type { Step } from '../runbook/runbook.ts'
import { databaseCorruption } from '../runbook/scenarios/database-corruption.ts'
import type { Approval } from '../workflow/run.ts'
import type { ExecuteCommand, Parts, ReplicateRequest } from './parts.ts'
import { colourPalette } from './render/palette.ts'

const scenario = ['--scenario', 'DATABASE_CORRUPTION']
const execute = ['execute', ...scenario, '--yes', 'genesis']

describe('execute', () => {
  it('--dry-run -> is passed on, and the result is shown without measures', async () => {
    const dry = { ...result, mode: 'dry-run' as const, because: 'dry run: nothing was changed', rtoMet: null, recoveryTimeMs: null }
    const seen: boolean[] = []
    const parts: Partial<Parts> = {
      execute: async ({ dryRun }) => {
        seen.push(dryRun)
        return { ended: 'done', result: dry }
      },
    }
    const screen = await type(['execute', ...scenario, '--dry-run'], { parts })
    expect([screen.exit, seen]).toEqual([0, [true]])
    expect(screen.out).toContain('dry run: nothing was changed')
    expect(screen.out).not.toContain('recovery time')
  })

  it('steps are told as they happen -> lines before the result; with --json on stderr', async () => {
    const parts: Partial<Parts> = {
      execute: async ({ onEvent }) => {
        onEvent({ type: 'run-started', runId: 'run-1', scenario: 'DATABASE_CORRUPTION', steps: ['stop-trading'] })
        onEvent({ type: 'step-began', step: 'stop-trading', elapsedMs: 5 })
        onEvent({ type: 'step-ended', step: 'stop-trading', outcome: 'done', because: 'it is stopped', durationMs: 250, elapsedMs: 255 })
        return { ended: 'done', result }
      },
    }
    const lines = '           run run-1: DATABASE_CORRUPTION, target 15 min\n   255 ms  ok      stop-trading: it is stopped\n'
    const screen = await type(execute, { parts })
    expect(screen.out.startsWith(lines)).toBe(true)
    expect(screen.out).toContain('recovered; not proven: exchange')
    const asJson = await type([...execute, '--json'], { parts })
    expect([JSON.parse(asJson.out).runId, asJson.errors]).toEqual([result.runId, lines])
  })

  describe('--manual', () => {
    const first = async ({ approve }: ExecuteCommand, steps: readonly Step[]): Promise<Approval> =>
      approve(must(steps[0], 'a runbook has steps'))
    /** What the person's answers come to at the first step. */
    const answer = async (...answers: readonly string[]) => {
      const given: Approval[] = []
      const parts: Partial<Parts> = {
        execute: async (request) => {
          given.push(await first(request, databaseCorruption.steps))
          return { ended: 'done', result }
        },
      }
      const screen = await type([...execute, '--manual'], { parts, answers })
      return { approval: given[0], screen }
    }

    it.each([
      ['run', { do: 'run' }],
      [' r ', { do: 'run' }],
      ['abort', { do: 'abort', because: 'at the prompt' }],
      ['a', { do: 'abort', because: 'at the prompt' }],
      ['skip done by hand', { do: 'skip', because: 'done by hand' }],
      ['s it is stopped already ', { do: 'skip', because: 'it is stopped already' }],
    ])('the answer is "%s" -> that', async (given, approval) => {
      expect((await answer(given)).approval).toEqual(approval)
    })

    it('a skip without a reason, a word of no meaning, nothing -> asked again, with what can be answered', async () => {
      const { approval, screen } = await answer('skip', 's', 'yes', '', 'RUN', 'run')
      expect(approval).toEqual({ do: 'run' })
      expect(screen.asked).toHaveLength(6)
      expect(screen.errors.split('Answer "run", "skip" with a reason, or "abort".')).toHaveLength(6)
    })

    it('there is no more input -> aborted, never run', async () => {
      expect((await answer()).approval).toEqual({ do: 'abort', because: 'at the prompt' })
    })

    it('it asks -> with what the step does, why it may be repeated, and its undo, on stderr', async () => {
      const { screen } = await answer('run')
      expect(screen.errors).toContain('stop-trading: STOP all trading immediately')
      for (const label of ['does', 'repeating', 'undo']) expect(screen.errors).toContain(`  ${label}`)
      expect(screen.out).not.toContain('repeating')
    })

    it('nobody is there to be asked -> 2, and nothing is run; in a dry run nobody has to be', async () => {
      expect(await type([...execute, '--manual'])).toMatchObject({ exit: 2, calls: [] })
      expect((await type(['execute', ...scenario, '--dry-run', '--manual'])).exit).toBe(0)
    })

    it('without it -> every step runs, and nobody is asked', async () => {
      const given: Approval[] = []
      const parts: Partial<Parts> = {
        execute: async (request) => {
          given.push(await request.approve({} as Step))
          return { ended: 'done', result }
        },
      }
      const screen = await type(execute, { parts, answers: ['abort'] })
      expect([given, screen.asked]).toEqual([[{ do: 'run' }], []])
    })
  })
})

describe('recover', () => {
  const asked = async (...line: readonly string[]) => (await type(['recover', ...line, '--yes', 'genesis'])).calls[0]?.[1]

  it.each([
    [[], { target: { kind: 'latest' }, timeline: null, output: null, dryRun: false, full: false }],
    [['--txid', '1A'], { target: { kind: 'txid', txid: 26 } }],
    [['--timestamp', '2025-01-01T12:00:00Z'], { target: { kind: 'time', epochMs: 1_735_732_800_000 } }],
    [['--last-good', '--full'], { target: { kind: 'last-good' }, full: true }],
    [['--timeline', '2', '--output', 'look.db', '--dry-run'], { timeline: '00000002', output: '/desk/look.db', dryRun: true }],
  ])('%j -> asks for that', async (line, request) => {
    expect(await asked(...line)).toMatchObject(request)
  })

  it('the time has no zone -> it is said how it was read', async () => {
    const screen = await type(['recover', '--timestamp', '2025-01-01 12:00', '--output', 'look.db'])
    expect(screen.out).toContain('the time has no zone, and is read as UTC: 2025-01-01T12:00:00.000Z')
    expect((await type(['recover', '--timestamp', '2025-01-01T12:00Z', '--output', 'look.db'])).out).not.toContain('no zone')
  })

  it('it is done -> where it is, of when, what was proven, what to mind, and what comes next', async () => {
    const { out, exit } = await type(['recover', '--output', 'look.db'])
    expect(exit).toBe(0)
    for (const part of [report.output, report.timestamp, report.txid, report.next, ...report.verified, ...report.notes]) {
      expect(out.replace(/\s+/g, ' ')).toContain(part)
    }
  })

  it('it was a dry run -> "would", and nothing is called verified', async () => {
    const recover: Parts['recover'] = async () => ({ ended: 'done', report: { ...report, dryRun: true, verified: [] } })
    const { out } = await type(['recover', '--dry-run'], { parts: { recover } })
    expect(out).toContain('would restore')
    expect(out).toContain('nothing: a dry run')
    expect(out).not.toContain('is the database of')
  })

  it('it was paused -> 130; in place it failed -> the result of the run, with its exit status', async () => {
    const paused: Parts['recover'] = async () => ({ ended: 'paused', runId: 'run-1' })
    expect((await type(['recover', '--yes', 'genesis'], { parts: { recover: paused } })).exit).toBe(130)
    const failed: Parts['recover'] = async () => ({ ended: 'failed', result: { ...result, success: false, because: 'not recovered: no' } })
    const screen = await type(['recover', '--yes', 'genesis'], { parts: { recover: failed } })
    expect([screen.exit, screen.out.includes('not recovered: no')]).toEqual([1, true])
  })
})

describe('drill', () => {
  const drillOf = (over: Partial<typeof result>): Partial<Parts> => ({
    drill: async () => ({ ...result, mode: 'drill', seed: 42, faults: ['header'], ...over }),
  })

  it('--all -> an array with --json; one scenario -> one object', async () => {
    expect(JSON.parse((await type(['drill', '--all', '--json'])).out)).toMatchObject([{ scenario: 'DATABASE_CORRUPTION', seed: 42 }])
    expect(JSON.parse((await type(['drill', ...scenario, '--json'])).out)).toMatchObject({ scenario: 'DATABASE_CORRUPTION', seed: 42 })
  })

  it('seed and damage -> are passed on, and the same drill can be played again', async () => {
    const screen = await type(['drill', ...scenario, '--seed', '42', '--damage', 'header'])
    expect(screen.calls).toMatchObject([['drill', { seed: 42, damage: 'header' }]])
    expect(screen.out).toContain('play it again: genesis-dr drill --scenario DATABASE_CORRUPTION --damage header --seed 42')
  })

  it.each([
    [0, {}],
    [5, { rtoMet: false }],
    [5, { rpoMet: false }],
    [1, { success: false }],
  ])('it ends with %d when %j', async (exit, over) => {
    expect((await type(['drill', ...scenario], { parts: drillOf(over) })).exit).toBe(exit)
    expect((await type(['drill', '--all'], { parts: drillOf(over) })).exit).toBe(exit)
  })

  it('it was interrupted -> 130, with what is left behind', async () => {
    const parts = drillOf({ success: false, teardown: { clean: false, left: ['process 7', '/tmp/drill'] } })
    const screen = await type(['drill', ...scenario], { parts, signal: AbortSignal.abort() })
    expect(screen.exit).toBe(130)
    expect(screen.out).toContain('left behind: 2 things: process 7, /tmp/drill')
  })
})

describe('looking', () => {
  it('status -> 0 when ready, 5 when something needs attention, headline first', async () => {
    const screen = await type(['status'])
    expect([screen.exit, screen.out.split('\n')[0]]).toEqual([5, status.headline])
    expect((await type(['status'], { parts: { status: async () => ({ ...status, ready: true, concerns: [] }) } })).exit).toBe(0)
  })

  it.each([
    [0, {}],
    [5, { continuous: false }],
    [5, { trouble: 'the store does not answer' }],
    [5, { continuous: null, state: 'not-running' as const }],
    [5, { state: 'let-go' as const }],
    [3, { state: 'unknown' as const, continuous: null }],
  ])('replication-status -> %d for %j', async (exit, over) => {
    expect((await type(['replication-status'], { parts: { replicationStatus: async () => ({ ...replication, ...over }) } })).exit).toBe(
      exit,
    )
  })

  it('replication-status while the store takes no flush -> the first line says so', async () => {
    const away = { ...replication, because: 'the store does not answer', trouble: 'the store does not answer' }
    const screen = await type(['replication-status'], { parts: { replicationStatus: async () => away } })
    expect([screen.exit, screen.out.split('\n')[0]]).toEqual([5, 'the store does not answer'])
  })

  it('backup-status -> 5 where nothing can be restored', async () => {
    const none = { ...backup, points: 0, earliest: null, latest: null, txid: null, timelines: [] }
    expect((await type(['backup-status'])).exit).toBe(0)
    expect(await type(['backup-status'], { parts: { backupStatus: async () => none } })).toMatchObject({
      exit: 5,
      out: expect.stringMatching(/^no restore point/),
    })
  })

  it('validate -> 0 when it passes, 5 when a check fails, with what it is instead of what', async () => {
    const validation = [{ check: 'no orphans', outcome: 'fail' as const, observed: '3', expected: '0' }]
    const failing = async () => ({ ...validated, success: false, because: '11 fails: no orphans', validation })
    expect((await type(['validate'])).exit).toBe(0)
    expect(await type(['validate'], { parts: { validate: failing } })).toMatchObject({
      exit: 5,
      out: expect.stringMatching(/^ {2}no orphans +FAILED: 3 instead of 0$/m),
    })
    expect((await type(['validate', '--run', run.runId, '--full'])).calls).toEqual([['validate', { runId: run.runId, full: true }]])
  })

  it('validate on a screen with colours -> the same words, and no torn escape sequence', async () => {
    for (const outcome of ['pass', 'fail', 'not-configured'] as const) {
      const validation = [{ check: 'no orphans', outcome, observed: 'so many words '.repeat(20), expected: '0' }]
      const parts: Partial<Parts> = { validate: async () => ({ ...validated, success: outcome !== 'fail', validation }) }
      const coloured = await type(['validate'], { parts, palette: colourPalette, columns: 60 })
      const plain = await type(['validate'], { parts, columns: 60 })
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what colours begin with
      expect(coloured.out.replace(/\u001b\[\d+m/g, '')).toBe(plain.out)
      expect(plain.out).not.toMatch(/\[\d+m/)
    }
  })

  it('runs -> all of them; runs show -> one, with its steps; none -> said', async () => {
    expect((await type(['runs'])).out).toContain(run.runId)
    expect((await type(['runs'], { parts: { runs: async () => [] } })).out).toBe('no run was ever begun here\n')
    const screen = await type(['runs', 'show', run.runId])
    expect(screen.calls).toEqual([['runShow', run.runId]])
    for (const part of ['detected: a person started it', 'stop-trading', 'it is stopped', 'recovered; not proven: exchange'])
      expect(screen.out).toContain(part)
  })

  it('runbook -> the page as it is; with --json as a value', async () => {
    expect((await type(['runbook'])).out).toBe('# Disaster Recovery Runbook\n')
    expect(JSON.parse((await type(['runbook', '--json'])).out)).toEqual({ markdown: '# Disaster Recovery Runbook\n' })
  })
})

describe('stop-trading and resume-trading', () => {
  it('they are told who asks, and say what came of it', async () => {
    const stop = await type(['stop-trading', '--yes', 'genesis'])
    expect([stop.exit, stop.calls, stop.out]).toEqual([
      0,
      [['stopTrading', { dryRun: false, by: 'ada' }]],
      'ok  systemd unit genesis-trading is stopped\n',
    ])
    expect((await type(['resume-trading', '--yes', 'genesis'])).calls).toEqual([['resumeTrading', { by: 'ada' }]])
  })

  it.each([
    ['done', 0],
    ['skipped', 0],
    ['failed', 1],
    ['unknown', 3],
  ] as const)('the outcome is %s -> %d', async (outcome, exit) => {
    const stopTrading = async () => ({ outcome, because: 'so', notProven: ['trading stopped'], dryRun: false })
    const screen = await type(['stop-trading', '--yes', 'genesis'], { parts: { stopTrading } })
    expect([screen.exit, screen.out.endsWith('so\nnot proven: trading stopped\n')]).toEqual([exit, true])
  })
})

describe('replicate', () => {
  const events: readonly CaptureEvent[] = [
    { type: 'attached', do: 'continue', because: 'the last frame is in the log', timeline: '00000001', txid: 16 },
    { type: 'snapshot-progress', pages: 10, of: 300, pageSize: 4096 },
    { type: 'flushed', timeline: '00000001', txid: 17, commits: 3, pages: 5, lagMs: 12 },
    { type: 'checkpointed', frames: 100, heldMs: 1 },
    { type: 'warning', because: 'the store does not answer' },
    { type: 'let-go', because: 'let go for a recovery' },
  ]
  const telling = (complete: boolean): Partial<Parts> => ({
    replicate: async ({ onEvent }: ReplicateRequest) => {
      for (const event of events) onEvent(event)
      return { timeline: '00000001', txid: 17, lastCommitMs: 0, complete, because: complete ? 'all is copied' : 'the store is away' }
    },
  })

  it('piped -> lines that stay, none that is redrawn', async () => {
    const screen = await type(['replicate'], { parts: telling(true) })
    expect(screen.exit).toBe(0)
    expect(screen.out).toBe(
      [
        'copying /desk/.genesis/data/genesis.db to file:/replica; SIGTERM or Ctrl-C flushes and ends',
        'protected: timeline 00000001 at 0000000000000010 (continue: the last frame is in the log)',
        'warning: the store does not answer',
        'let go of the database: let go for a recovery',
        'stopped at 0000000000000011: all is copied',
        '',
      ].join('\n'),
    )
  })

  it('on a screen -> the last flush is redrawn, and the line is gone in the end', async () => {
    const { out } = await type(['replicate'], { parts: telling(true), live: true })
    expect(out).toContain('\r\u001b[K  0000000000000011  3 commits, lag 12 ms')
    expect(onScreen(out).slice(-2)).toEqual(['stopped at 0000000000000011: all is copied', ''])
  })

  it('--json -> one object a line, with txids as they are written everywhere', async () => {
    const screen = await type(['replicate', '--json'], { parts: telling(true) })
    const told = screen.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(told.map(({ type: kind }) => kind)).toEqual([...events.map(({ type: kind }) => kind), 'stopped'])
    expect(told.filter((event) => 'txid' in event).map(({ txid }) => txid)).toEqual([
      '0000000000000010',
      '0000000000000011',
      '0000000000000011',
    ])
    expect(screen.errors).toBe('')
  })

  it('not everything could be copied, or it was never attached -> 1, and said', async () => {
    const screen = await type(['replicate'], { parts: telling(false), palette: colourPalette })
    expect([screen.exit, screen.out.includes('stopped, not everything is copied')]).toEqual([1, true])
    const never = await type(['replicate', '--json'], { parts: { replicate: async () => null } })
    expect([never.exit, JSON.parse(never.out)]).toEqual([
      1,
      { type: 'stopped', because: 'it was not attached to the database', txid: '0000000000000000', complete: false },
    ])
  })
})
