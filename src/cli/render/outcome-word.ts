/** Outcomes as words, coloured where colours are: the word alone says it. Pure. */
import type { Palette } from './palette.ts'

export type Word = 'done' | 'pass' | 'skipped' | 'not-configured' | 'failed' | 'fail' | 'unknown'

const words = {
  done: { word: 'ok', paint: 'good' },
  pass: { word: 'ok', paint: 'good' },
  skipped: { word: 'skipped', paint: 'warn' },
  'not-configured': { word: 'not configured', paint: 'warn' },
  failed: { word: 'FAILED', paint: 'bad' },
  fail: { word: 'FAILED', paint: 'bad' },
  unknown: { word: 'UNKNOWN', paint: 'bad' },
} as const satisfies Record<Word, { readonly word: string; readonly paint: keyof Palette }>

export function outcomeWord(outcome: Word, palette: Palette): string {
  const { word, paint } = words[outcome]
  return palette[paint](word)
}
