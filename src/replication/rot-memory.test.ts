/** What is remembered of damaged pages, and which of them a diff may not take. */
import { describe, expect, it } from 'vitest'
import { DrError } from '../errors.ts'
import type { KeptRot, Rot } from '../ports/kept-rot.ts'
import { PageSums } from '../replica/page-sums.ts'
import { RotMemory, withoutRot } from './rot-memory.ts'

const sum = (high: number, low = 1) => ({ high, low })

function desk(known: Rot = new Map()) {
  const state = { nowMs: 0, writeTakesMs: 0, full: false, written: [] as (readonly (readonly [number, object])[])[] }
  const clock = { wallMs: () => 1e12, monotonicMs: () => state.nowMs, sleep: () => Promise.resolve() }
  const kept: KeptRot = {
    read: () => Promise.resolve(known),
    write: (rot) => {
      state.nowMs += state.writeTakesMs
      if (state.full) return Promise.reject(new DrError('DISK_FULL', { what: 'no room', untouched: '', next: '' }))
      state.written.push([...rot])
      return Promise.resolve()
    },
  }
  const memory = new RotMemory(known)
  return { state, memory, keep: () => memory.keepWhenDue(kept, clock) }
}

describe('damaged pages are remembered', () => {
  it('the first -> at once; more within a second -> together, after it; nothing new -> nothing is written', async () => {
    const { state, memory, keep } = desk()
    await keep()
    memory.found(14, sum(7))
    await keep()
    memory.found(15, sum(8))
    memory.found(16, sum(9))
    await keep()
    expect(state.written).toEqual([[[14, sum(7)]]])
    state.nowMs += 1000
    await keep()
    memory.found(15, sum(8))
    state.nowMs += 1000
    await keep()
    expect(state.written.slice(1).map((rot) => rot.map(([page]) => page))).toEqual([[14, 15, 16]])
  })

  it('a former life knew one, and it is sound now, or damaged otherwise -> forgotten, or known anew; one that is not looked at yet -> stays', async () => {
    const known = new Map([14, 15, 16].map((page) => [page, sum(page)]))
    const { state, memory, keep } = desk(known)
    memory.sound(14)
    memory.sound(99)
    memory.found(15, sum(1))
    await keep()
    expect(state.written).toEqual([
      [
        [15, sum(1)],
        [16, sum(16)],
      ],
    ])
  })

  it('the disk is full -> said, and written when there is room', async () => {
    const { state, memory, keep } = desk()
    state.full = true
    memory.found(14, sum(7))
    expect(await keep()).toBe('no room')
    state.full = false
    state.nowMs += 1000
    expect([await keep(), state.written]).toEqual([null, [[[14, sum(7)]]]])
  })

  it('writing takes long, because thousands are known -> a hundredth of the time at most goes into it', async () => {
    const { state, memory, keep } = desk()
    state.writeTakesMs = 50
    for (let page = 1; page <= 100; page++) {
      memory.found(page, sum(page))
      await keep()
      state.nowMs += 100
    }
    expect(state.written.length).toBeLessThanOrEqual(3)
  })
})

describe('what a diff leaves out', () => {
  const sumsOf = (...highs: number[]): PageSums => {
    const sums = new PageSums()
    sums.resize(highs.length)
    highs.forEach((high, at) => {
      sums.set(at + 1, high, 1)
    })
    return sums
  }
  const base = { pageSize: 512, pages: 4, place: null, index: null }
  const truth = sumsOf(1, 2, 3, 4)

  it.each<[string, Rot, number[]]>([
    ['a page is as it was found damaged', new Map([[2, sum(20)]]), [2]],
    ['another content stands there since', new Map([[2, sum(21)]]), []],
    ['it differs in the other half only', new Map([[2, sum(20, 2)]]), []],
    ['the page is what the replica has by now', new Map([[1, sum(1)]]), []],
    ['the file has no such page any more', new Map([[9, sum(20)]]), []],
    [
      'several are, in any order',
      new Map([
        [4, sum(40)],
        [2, sum(20)],
      ]),
      [2, 4],
    ],
  ])('%s', (_, rot, left) => {
    const file = sumsOf(1, 20, 3, 40)
    const found = withoutRot(file, truth, base, rot)
    expect(found.left).toEqual(left)
    for (let page = 1; page <= 4; page++) expect(found.sums.sameAs(page, left.includes(page) ? truth : file)).toBe(true)
    expect(file.rolling).toBe(sumsOf(1, 20, 3, 40).rolling)
  })

  it('the log has the page -> it was committed, whatever it looks like', () => {
    const index = { offsets: new Map([[2, 56]]) } as unknown as NonNullable<Parameters<typeof withoutRot>[2]['index']>
    expect(withoutRot(sumsOf(1, 20, 3, 40), truth, { ...base, index }, new Map([[2, sum(20)]])).left).toEqual([])
  })
})
