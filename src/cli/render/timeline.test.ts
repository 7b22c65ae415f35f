/** A run as it happens: lines that stay for everybody, a line that is redrawn for whoever looks. */
import { describe, expect, it } from 'vitest'
import { handClock, onScreen, terminalInMemory } from '../../../test/support/shell.ts'
import type { DrillEvent } from '../../drill/drill.ts'
import { minutes } from '../../units.ts'
import type { RunEvent } from '../../workflow/run.ts'
import { progressLine } from './progress-line.ts'
import { timeline } from './timeline.ts'

const began: RunEvent = { type: 'step-began', step: 'find-last-good', elapsedMs: 1500 }
const story: readonly (RunEvent | DrillEvent)[] = [
  { type: 'note', text: 'the bot trades', elapsedMs: null },
  { type: 'damage', text: 'header', elapsedMs: 0 },
  { type: 'run-started', runId: 'run-1', scenario: 'DATABASE_CORRUPTION', steps: ['find-last-good'] },
  began,
  { type: 'step-progress', step: 'find-last-good', text: 'restored 312 of 676 MiB', elapsedMs: 1800 },
  { type: 'step-ended', step: 'find-last-good', outcome: 'done', because: '0000000000000011 passes', durationMs: 600, elapsedMs: 2100 },
  { type: 'step-ended', step: 'notify-team', outcome: 'failed', because: 'no answer', durationMs: 5000, elapsedMs: 65_000 },
  { type: 'run-ended', state: 'done', because: 'recovered', elapsedMs: 65_000 },
]
const lines = [
  '           the bot trades',
  '     0 ms  DAMAGE: header',
  '           run run-1: DATABASE_CORRUPTION, target 15 min',
  '    2.1 s  ok      find-last-good: 0000000000000011 passes',
  '1 min 5 s  FAILED  notify-team: no answer',
  '',
].join('\n')

function play(
  events: readonly (RunEvent | DrillEvent)[],
  options: Parameters<typeof terminalInMemory>[0] & { readonly json?: boolean } = {},
) {
  const { screen, terminal } = terminalInMemory(options)
  const clock = handClock()
  const shown = timeline({ terminal, json: options.json ?? false, clock }, minutes(15))
  for (const event of events) shown.onEvent(event)
  return { screen, clock, shown }
}
describe('a run that is piped somewhere', () => {
  it('a line a step, each with the time since detection -> and nothing that is redrawn', () => {
    const { screen, shown } = play(story)
    shown.end()
    expect([screen.out, screen.errors]).toEqual([lines, ''])
  })

  it('with --json -> the same lines on stderr: stdout belongs to the value', () => {
    const { screen, shown } = play(story, { json: true })
    shown.end()
    expect([screen.out, screen.errors]).toEqual(['', lines])
  })

  it('time goes on -> nothing is written by itself', async () => {
    const { screen, clock, shown } = play([began])
    await clock.pass(10_000)
    shown.end()
    expect(screen.out).toBe('')
  })
})

describe('a run on a screen', () => {
  it('when it is over -> the same lines are left', () => {
    const { screen, shown } = play(story, { live: true })
    shown.end()
    expect(onScreen(screen.out).join('\n')).toBe(lines)
  })

  it('while a step works -> the last line says which, how far, and the time against the target', () => {
    expect(onScreen(play(story.slice(0, 4), { live: true }).screen.out).at(-1)).toBe('  find-last-good ...  (1.5 s of 15 min)')
    expect(onScreen(play(story.slice(0, 5), { live: true }).screen.out).at(-1)).toBe(
      '  find-last-good: restored 312 of 676 MiB  (1.8 s of 15 min)',
    )
  })

  it('time goes on -> the clock of that line does', async () => {
    const { screen, clock, shown } = play([began], { live: true })
    await clock.pass(200)
    expect(onScreen(screen.out)).toEqual(['  find-last-good ...  (1.7 s of 15 min)'])
    for (let tick = 0; tick < 5; tick++) await clock.pass(200)
    expect(onScreen(screen.out)).toEqual(['  find-last-good ...  (2.7 s of 15 min)'])
    shown.end()
    const before = screen.out
    await clock.pass(10_000)
    expect([screen.out, onScreen(before)]).toEqual([before, ['']])
  })

  it('no step works -> no such line', async () => {
    const { screen, clock } = play(story.slice(0, 6), { live: true })
    await clock.pass(1000)
    expect(onScreen(screen.out).at(-1)).toBe('')
  })

  it('a note comes while a step works -> it stays above the line', () => {
    const { screen } = play([began, { type: 'note', text: 'noticed', elapsedMs: 1600 }], { live: true })
    expect(onScreen(screen.out)).toEqual(['    1.6 s  noticed', '  find-last-good ...  (1.5 s of 15 min)'])
  })

  it('what a step says is longer than the screen, and has colours in it -> one line, cut', () => {
    const text = `\u001b[31m${'x'.repeat(200)}\n`
    const { screen } = play([began, { type: 'step-progress', step: 'find-last-good', text, elapsedMs: 1800 }], { live: true, columns: 60 })
    const row = onScreen(screen.out).at(-1) ?? ''
    expect([row.length <= 60, row.endsWith('...  (1.8 s of 15 min)'), row.includes('\u001b')]).toEqual([true, true, false])
  })

  it('it is gone on with, then paused -> both are said', () => {
    const { screen } = play([
      { type: 'run-resumed', runId: 'run-1', scenario: 'DATABASE_CORRUPTION', steps: [] },
      { type: 'run-ended', state: 'paused', because: 'interrupted before resume-trading', elapsedMs: 3000 },
    ])
    expect(screen.out).toBe(
      '           run run-1: DATABASE_CORRUPTION, going on where it was interrupted, target 15 min\n    3.0 s  paused: interrupted before resume-trading\n',
    )
  })

  it('a reason is longer than the screen -> it goes on below itself, and no line is longer than the screen', () => {
    const because = 'the quick brown fox jumps over the lazy dog '.repeat(4).trim()
    const ended: RunEvent = { type: 'step-ended', step: 'stop-trading', outcome: 'done', because, durationMs: 1, elapsedMs: 1 }
    const rows = onScreen(play([ended], { live: true, columns: 70 }).screen.out).filter((row) => row !== '')
    expect(rows.every((row) => row.length <= 70)).toBe(true)
    expect(rows.slice(1).every((row) => row.startsWith(' '.repeat(19)))).toBe(true)
    expect(rows.map((row) => row.trim()).join(' ')).toContain(because)
  })
})

describe('a line that is redrawn', () => {
  it('the same text twice -> drawn once', () => {
    const { screen, terminal } = terminalInMemory({ live: true })
    const line = progressLine({ terminal, json: false })
    line.show('working')
    line.show('working')
    expect(screen.out).toBe('\r\u001b[K  working')
    line.clear()
    line.clear()
    expect(screen.out).toBe('\r\u001b[K  working\r\u001b[K')
  })

  it('with --json on a screen -> drawn on stderr', () => {
    const { screen, terminal } = terminalInMemory({ live: true })
    progressLine({ terminal, json: true }).show('working')
    expect([screen.out, screen.errors]).toEqual(['', '\r\u001b[K  working'])
  })
})
