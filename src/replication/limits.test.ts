/** When a capture gives its pin up, so that it does not fill the disk of the bot. */
import { describe, expect, it } from 'vitest'
import { GiB, MiB } from '../units.ts'
import { excessOf, freeSpaceByDefault, stillShort } from './limits.ts'

const limits = { walLimitBytes: 1024 * MiB, freeSpaceBytes: null }
const well = { logBytes: 10 * MiB, logUnfinished: true, disk: { freeBytes: 100 * GiB, totalBytes: 500 * GiB } }

describe('the log', () => {
  it('is small -> the pin stands', () => {
    expect(excessOf(well, limits)).toBeNull()
  })
  it('is larger than the limit, and the file lacks some of it -> given up, with both figures', () => {
    expect(excessOf({ ...well, logBytes: 1.1 * GiB }, limits)).toBe('the log has 1.10 GiB (walLimit is 1.00 GiB)')
  })
  it('is as large, but the file has all of it -> the next commit begins it anew, so the pin stands', () => {
    expect(excessOf({ ...well, logBytes: 1.1 * GiB, logUnfinished: false }, limits)).toBeNull()
  })
})

describe('the disk of the database', () => {
  const disk = (freeBytes: number, totalBytes = 500 * GiB) => ({ freeBytes, totalBytes })

  it.each([
    [500 * GiB, 512 * MiB],
    [10 * GiB, 512 * MiB],
    [2 * GiB, 102.4 * MiB],
  ])('nothing is configured -> 512 MiB must stay free, or a twentieth of a small disk (%d bytes)', (totalBytes, needed) => {
    expect(freeSpaceByDefault(disk(0, totalBytes))).toBeCloseTo(needed, 0)
  })
  it('is nearly full, however small the log is -> given up', () => {
    const because = 'only 300.0 MiB are free on the disk of the database (freeSpace is 512.0 MiB)'
    expect(excessOf({ ...well, logUnfinished: false, disk: disk(300 * MiB) }, limits)).toBe(because)
    expect(excessOf({ ...well, disk: disk(300 * MiB) }, { ...limits, freeSpaceBytes: 200 * MiB })).toBeNull()
  })
  it('cannot be asked -> not known, which is no reason', () => {
    expect(excessOf({ ...well, disk: null }, limits)).toBeNull()
    expect(stillShort(null, limits)).toBeNull()
  })
  it('has just enough again -> not yet: a tenth more, so that we do not come and go', () => {
    expect(excessOf({ ...well, disk: disk(513 * MiB) }, limits)).toBeNull()
    expect(stillShort(disk(513 * MiB), limits)).toContain('only 513.0 MiB are free')
    expect(stillShort(disk(564 * MiB), limits)).toBeNull()
  })
})
