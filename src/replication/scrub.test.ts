/** What a scrub says of a file, with disks that lie, tear, fail and change. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DrError } from '../errors.ts'
import { PageSums } from '../replica/page-sums.ts'
import { RotMemory } from './rot-memory.ts'
import { Scrub } from './scrub.ts'

const hour = 3_600_000

/** A file of `pages` pages, each filled with its number, under a scrub with a clock of its own. */
function world(pages: number, pageSize = 512, turnMs = hour, known: readonly number[] = []) {
  const file = new Uint8Array(pages * pageSize)
  const sums = new PageSums()
  sums.resize(pages)
  const contentOf = (page: number): Uint8Array => file.subarray((page - 1) * pageSize, page * pageSize)
  for (let page = 1; page <= pages; page++) sums.put(page, contentOf(page).fill(page))
  const state = {
    nowMs: 0,
    reads: 0,
    unreadable: new Set<number>(),
    unsettled: new Set<number>(),
    told: [] as number[],
    sizeBytes: file.length,
  }
  const rot = new RotMemory(new Map(known.map((page) => [page, { high: 1, low: 1 }])))
  const scrub = new Scrub(
    {
      clock: { wallMs: () => 1e12 + state.nowMs, monotonicMs: () => state.nowMs, sleep: () => Promise.resolve() },
      disk: {
        how: 'direct',
        read: (offset, sizeBytes) => {
          expect([offset % 4096, sizeBytes % 4096]).toEqual([0, 0])
          state.reads++
          const bad = [...state.unreadable].some((page) => (page - 1) * pageSize < offset + sizeBytes && page * pageSize > offset)
          if (bad) throw new DrError('IO_FAILED', { what: 'EIO', untouched: '', next: '' })
          return file.slice(offset, Math.min(offset + sizeBytes, state.sizeBytes))
        },
      },
      pageSize,
      sums,
      settled: (page) => !state.unsettled.has(page),
      rot,
      onDamage: (found) => state.told.push(...found),
    },
    turnMs,
  )
  /** Asks every 20 ms, as a capture does, for so long. */
  const pass = (ms: number): void => {
    for (const end = state.nowMs + ms; state.nowMs < end; state.nowMs += 20) scrub.look(state.nowMs)
  }
  const turn = (): void => {
    scrub.startTurn()
    for (let steps = 0; !scrub.lookNow(state.nowMs); steps++) {
      state.nowMs += 20
      expect(steps).toBeLessThan(10_000)
    }
  }
  return { ...state, state, rot, scrub, sums, contentOf, pass, turn }
}

describe('a turn through the file', () => {
  it.each([512, 4096, 65_536])('nothing is wrong, pages of %i bytes -> every page is judged, none is called damaged', (pageSize) => {
    const { scrub, turn } = world(700, pageSize)
    turn()
    expect(scrub.facts).toMatchObject({ judged: 700, waiting: 0, of: 700, damaged: [], reads: 'direct' })
  })

  it('any bytes of any pages are flipped -> exactly these pages are found, each is told once', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 300 }), fc.nat(511)), { maxLength: 20 }), (flips) => {
        const { scrub, state, contentOf, turn } = world(300)
        const pages = [...new Set(flips.map(([page]) => page))].sort((a, b) => a - b)
        for (const page of pages) {
          const at = flips.find(([flipped]) => flipped === page)?.[1] ?? 0
          const content = contentOf(page)
          content[at] = (content[at] ?? 0) ^ 1
        }
        turn()
        turn()
        expect(scrub.facts.damaged).toEqual(pages)
        expect([...state.told].sort((a, b) => a - b)).toEqual(pages)
      }),
      { numRuns: 50 },
    )
  })

  it('the file ends too soon -> the pages that it lacks are damaged', () => {
    const { scrub, state, turn } = world(100)
    state.sizeBytes = 90 * 512
    turn()
    expect(scrub.facts.damaged).toEqual([91, 92, 93, 94, 95, 96, 97, 98, 99, 100])
  })

  it('the disk cannot read a block -> its pages are damaged, the others are judged', () => {
    const { scrub, state, turn } = world(64, 4096)
    state.unreadable.add(7)
    turn()
    expect(scrub.facts).toMatchObject({ damaged: [7], judged: 64 })
  })

  it('a page is written anew while it is looked at -> it is waited for and counted apart, never called damaged', () => {
    const { scrub, state, contentOf, turn } = world(64)
    contentOf(9).fill(99)
    state.unsettled.add(9)
    turn()
    expect(scrub.facts).toMatchObject({ damaged: [], waiting: 1, judged: 63 })
  })

  it('a read crosses a write -> read again, and no alarm', () => {
    const { scrub, state, contentOf, turn } = world(64)
    contentOf(9).fill(99)
    scrub.startTurn()
    scrub.lookNow(0)
    contentOf(9).fill(9)
    turn()
    expect([scrub.facts.damaged, state.told]).toEqual([[], []])
  })

  it('a damaged page is written anew -> it is sound again, and is told again when it is damaged again', () => {
    const { scrub, state, contentOf, turn } = world(64)
    contentOf(9).fill(99)
    turn()
    contentOf(9).fill(9)
    turn()
    expect(scrub.facts.damaged).toEqual([])
    contentOf(9).fill(98)
    turn()
    expect([scrub.facts.damaged, state.told]).toEqual([[9], [9, 9]])
  })
})

describe('what a former life found damaged', () => {
  it('some of it is damaged still, some is not, some is not there any more -> told within a moment, the rest is forgotten', () => {
    const { scrub, state, rot, contentOf, pass } = world(10_000, 4096, hour, [9000, 9500, 12_000])
    contentOf(9000)[17] = 1
    state.unsettled.add(12_000)
    pass(200)
    expect([state.told, scrub.facts.damaged, rot.pages]).toEqual([[9000], [9000], [9000, 12_000]])
  })

  it('thousands were -> the first look stays short, and the turn finds the rest', () => {
    const { state, scrub } = world(
      10_000,
      4096,
      hour,
      Array.from({ length: 5000 }, (_, at) => at + 1),
    )
    scrub.look(state.nowMs)
    expect(state.reads).toBeLessThan(80)
  })
})

describe('how fast', () => {
  it('a small database -> one piece a second, so that it is through in the time that takes', () => {
    const { scrub, state, pass } = world(2048)
    pass(3500)
    expect([state.reads, scrub.facts.turnEndedMs === null]).toEqual([4, false])
  })

  it('a large one -> a turn takes the time that was asked for', () => {
    // 64 MiB in 100 s: 256 pieces.
    const { state, pass, scrub } = world(1024, 65_536, 100_000)
    pass(99_000)
    expect(state.reads).toBeGreaterThanOrEqual(250)
    expect(scrub.facts.turnEndedMs).toBeNull()
    pass(2000)
    expect(scrub.facts.turnTookMs).toBeGreaterThan(98_000)
  })

  it('nobody asked for a while -> what was missed is not caught up at once', () => {
    const { state, pass } = world(2048)
    pass(1000)
    state.nowMs += 60_000
    const before = state.reads
    pass(1000)
    expect(state.reads - before).toBeLessThanOrEqual(3)
  })
})
