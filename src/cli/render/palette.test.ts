/** Colours only repeat what the words say: whoever turns them off loses nothing. */
import { describe, expect, it } from 'vitest'
import { backup, replication, result, status, type } from '../../../test/support/shell.ts'
import { backupScreen } from './backup-screen.ts'
import { errorText } from './error-text.ts'
import { outcomeWord } from './outcome-word.ts'
import { choosePalette, colourPalette, type Palette, plainPalette } from './palette.ts'
import { resultTable } from './result-table.ts'
import { replicationScreen, statusScreen } from './status-screen.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what colours begin with
const uncoloured = (text: string): string => text.replace(/\u001b\[\d+m/g, '')

describe('whether there are colours', () => {
  it.each<[string, Readonly<Record<string, string>>, boolean, boolean]>([
    ['a terminal', {}, true, true],
    ['a pipe', {}, false, false],
    ['a terminal that has none', { TERM: 'dumb' }, true, false],
    ['NO_COLOR on a terminal', { NO_COLOR: '1' }, true, false],
    ['NO_COLOR with any word', { NO_COLOR: 'false' }, true, false],
    ['NO_COLOR that is empty', { NO_COLOR: '' }, true, true],
    ['FORCE_COLOR in a pipe', { FORCE_COLOR: '1' }, false, true],
    ['FORCE_COLOR against NO_COLOR', { FORCE_COLOR: '1', NO_COLOR: '1' }, false, true],
    ['FORCE_COLOR=0 on a terminal', { FORCE_COLOR: '0' }, true, false],
    ['FORCE_COLOR=false on a terminal', { FORCE_COLOR: 'false' }, true, false],
    ['FORCE_COLOR on a terminal that has none', { FORCE_COLOR: '1', TERM: 'dumb' }, true, true],
  ])('%s -> as it should be', (_, environment, isTerminal, coloured) => {
    expect(choosePalette(environment, isTerminal)).toBe(coloured ? colourPalette : plainPalette)
  })
})

describe('without colours', () => {
  const screens: readonly (readonly [string, (palette: Palette) => string])[] = [
    ['status', (palette) => statusScreen(status, palette, 80)],
    [
      'status of nothing',
      (palette) =>
        statusScreen(
          { ...status, database: { path: 'x', exists: false, journal: null }, halt: null, service: null, lastRun: null },
          palette,
          80,
        ),
    ],
    ['replication', (palette) => replicationScreen({ ...replication, continuous: false, sameDisk: true }, palette, 80)],
    ['restore points', (palette) => backupScreen({ ...backup, damaged: ['00000003/timeline.json is not one'] }, palette, 80)],
    ['a result', (palette) => resultTable({ ...result, rtoMet: false, rpoMet: null }, palette, 80)],
    ['an error', (palette) => errorText({ code: 'USAGE', what: 'What', untouched: 'All.', next: 'Do this.' }, palette, 80)],
    [
      'outcomes',
      (palette) => (['done', 'skipped', 'failed', 'unknown'] as const).map((outcome) => outcomeWord(outcome, palette)).join(' '),
    ],
  ]

  it.each(screens)('%s -> the very same words at the very same places', (_, render) => {
    const coloured = render(colourPalette)
    expect(coloured).not.toBe(uncoloured(coloured))
    expect(uncoloured(coloured)).toBe(render(plainPalette))
    expect(render(plainPalette)).not.toContain('\u001b')
  })

  it.each([
    ['status'],
    ['runs'],
    ['runs show x'],
    ['backup-status'],
    ['validate'],
    ['stop-trading --dry-run'],
    ['recover --output x'],
    ['nonsense'],
    ['execute --help'],
  ])('genesis-dr %s -> the same words', async (line) => {
    const coloured = await type(line.split(' '), { palette: colourPalette })
    const plain = await type(line.split(' '))
    expect([uncoloured(coloured.out), uncoloured(coloured.errors)]).toEqual([plain.out, plain.errors])
  })

  it('every outcome -> a word of its own kind, so that good and bad can be told apart', () => {
    const words = (['done', 'pass', 'skipped', 'not-configured', 'failed', 'fail', 'unknown'] as const).map((outcome) =>
      outcomeWord(outcome, plainPalette),
    )
    expect(words).toEqual(['ok', 'ok', 'skipped', 'not configured', 'FAILED', 'FAILED', 'UNKNOWN'])
  })

  it('colours in colours, and of nothing -> each is ended by its own code, and nothing stays nothing', () => {
    expect(colourPalette.bold(colourPalette.bad('x'))).toBe('\u001b[1m\u001b[31mx\u001b[39m\u001b[22m')
    expect(colourPalette.bad('')).toBe('')
  })
})

describe('what is not known', () => {
  it('no capture runs -> said in every line that would need one, and no number is shown', () => {
    const unknown = {
      ...replication,
      state: 'not-running' as const,
      pid: null,
      timeline: null,
      txid: null,
      lagMs: null,
      pending: null,
      continuous: null,
      lastCommitAt: null,
      walBytes: null,
      sameDisk: null,
    }
    const text = replicationScreen(unknown, plainPalette, 80)
    for (const label of ['timeline', 'txid', 'lag', 'continuous', 'last commit', 'log', 'disk'])
      expect(text).toMatch(new RegExp(`^ {2}${label} +not known$`, 'm'))
    expect(statusScreen({ ...status, replication: unknown }, plainPalette, 80)).toMatch(/^ {2}lag +not known$/m)
  })

  it('nothing was ever proven or copied -> never, and none', () => {
    const nothing = {
      ...backup,
      points: 0,
      earliest: null,
      latest: null,
      txid: null,
      ageMs: null,
      lagMs: null,
      verifiedAt: null,
      timelines: [],
    }
    const text = backupScreen(nothing, plainPalette, 80)
    expect(text.split('\n')[0]).toBe('no restore point')
    expect(text).toMatch(/^ {2}newest +none$/m)
    expect(text).toMatch(/^ {2}lag +not known: no capture runs$/m)
    expect(text).toMatch(/^ {2}proven +never: run genesis-dr validate$/m)
  })

  it('files are missing, a timeline is not complete, or its record is damaged -> said in a line of its own', () => {
    const text = backupScreen({ ...backup, damaged: ['00000003/timeline.json is not a timeline record'] }, plainPalette, 80)
    expect(text).toMatch(/^ {2}DAMAGED {2}00000003\/timeline\.json is not a timeline record$/m)
    expect(text).toContain('GAP: files are missing after it, and those up to 0000000000000020 cannot be used')
    expect(text).toContain('not complete: a restore uses its parent')
  })
})
