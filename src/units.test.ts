/** Durations, sizes and times as people read and write them. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatBytes, formatDuration, GiB, isoTime, KiB, MiB, minutes, parseTime } from './units.ts'

describe('a duration', () => {
  it.each([
    [0, '0 ms'],
    [0.4, '0 ms'],
    [849.6, '850 ms'],
    [999.4, '999 ms'],
    [999.5, '1.0 s'],
    [1000, '1.0 s'],
    [3149, '3.1 s'],
    [59_900, '59.9 s'],
    [59_949, '59.9 s'],
    [59_950, '1 min'],
    [minutes(1), '1 min'],
    [minutes(5), '5 min'],
    [minutes(15), '15 min'],
    [minutes(12) + 5_000, '12 min 5 s'],
    [minutes(59) + 59_000, '59 min 59 s'],
    [minutes(60), '1 h'],
    [minutes(123), '2 h 3 min'],
    [minutes(60) + 59_000, '1 h'],
    [minutes(24 * 60), '1 d'],
    [minutes(98 * 60), '4 d 2 h'],
    [minutes(98 * 60 + 59), '4 d 2 h'],
  ])('%d ms -> %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  it('any -> at most two units, the larger first, never zero of a second one', () => {
    fc.assert(
      fc.property(fc.nat(4e9), (ms) => {
        expect(formatDuration(ms)).toMatch(/^(\d{1,3} ms|[1-5]?\d\.\d s|\d+ min( [1-9]\d* s)?|\d+ h( [1-9]\d* min)?|\d+ d( [1-9]\d* h)?)$/)
      }),
    )
  })
})

describe('a size', () => {
  it.each([
    [0, '0 B'],
    [512, '512 B'],
    [KiB, '1.0 KiB'],
    [1.5 * KiB, '1.5 KiB'],
    [676 * MiB, '676.0 MiB'],
    [2.25 * GiB, '2.25 GiB'],
  ])('%d bytes -> %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })
})

describe('a time', () => {
  const noon = Date.UTC(2025, 0, 1, 12)

  it.each([
    ['2025-01-01T12:00:00Z', noon, false],
    ['2025-01-01T12:00:00', noon, true],
    ['2025-01-01 12:00', noon, true],
    ['  2025-01-01T12:00  ', noon, true],
    ['2025-01-01T12:00:00.250Z', noon + 250, false],
    ['2025-01-01T12:00:00.123456789Z', noon + 123, false],
    ['2025-01-01T14:00:00+02:00', noon, false],
    ['2025-01-01T14:00:00+0200', noon, false],
    ['2025-01-01T06:30:00-05:30', noon, false],
    ['2025-01-01', noon - 12 * 3_600_000, true],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29), false],
  ])('%s -> its moment, and whether the zone was assumed', (text, epochMs, zoneAssumed) => {
    expect(parseTime(text)).toEqual({ epochMs, zoneAssumed })
  })

  it.each([
    '',
    'now',
    'yesterday',
    '1735732800000',
    '2025-01-01T',
    '2025-1-1',
    '01/02/2025',
    '2025-13-01',
    '2025-01-00',
    '2025-01-32',
    '2025-02-29',
    '2025-02-30',
    '2025-04-31T12:00Z',
    '2025-01-01T25:00',
    '2025-01-01T12:60',
    '2025-01-01T12:00:60',
    '2025-01-01T12',
    '2025-01-01T12:00:00 CET',
    '2025-01-01T12:00+25:00',
    '2025-01-01T12:00:00Z and more',
  ])('%j -> not a time', (text) => {
    expect(parseTime(text)).toBeNull()
  })

  it('any moment -> written and read back the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_102_444_800_000 }), (epochMs) => {
        expect(parseTime(isoTime(epochMs))).toEqual({ epochMs, zoneAssumed: false })
      }),
    )
  })
})
